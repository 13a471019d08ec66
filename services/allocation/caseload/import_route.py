"""HTTP in: a list of workers as CSV: every good line is stored, every other one is reported."""

from typing import Annotated, Literal

from fastapi import APIRouter, Body
from pydantic import BaseModel

from services.allocation.callers import OnStores
from services.allocation.caseload.entry import put_entry
from services.allocation.caseload.worker import worker_entry
from services.allocation.caseload.worker_list import Line, read_workers
from services.allocation.store import Stores
from shared.errors import Malformed, NotFound, PreconditionMissing, Refused, Stale
from shared.rules.values import File
from shared.web.access import may
from shared.web.etags import Match, etag
from shared.web.tokens import AnyCaller, Caller

router = APIRouter(tags=["workers"])

Result = Literal["created", "changed", "unchanged", "refused"]


class LineReport(BaseModel):
    """What became of a line. The header is line 1. Faults are `column: code`, never values."""

    line: int
    worker_id: str | None
    result: Result
    revision: int | None = None
    faults: tuple[str, ...] = ()


class ImportReport(BaseModel):
    """`faults` are those of the file itself; nothing was stored then."""

    created: int
    changed: int
    unchanged: int
    refused: int
    faults: tuple[str, ...]
    lines: list[LineReport]


@router.post("/v1/workers/import", dependencies=[may("import_workers")])
async def post_workers_import(
    caller: AnyCaller, stores: OnStores, body: Annotated[File, Body(media_type="text/csv")]
) -> ImportReport:
    """Register or amend workers from a CSV list. Sending the same list again changes nothing."""
    return await _import(stores, body, caller)


async def _import(stores: Stores, body: bytes, caller: Caller) -> ImportReport:
    try:
        lines, faults = read_workers(body.decode("utf-8"))
    except UnicodeDecodeError:
        lines, faults = [], ("file: not_utf_8",)
    reports = [await _store(stores, line, caller) for line in lines]

    def count(result: Result) -> int:
        return sum(report.result == result for report in reports)

    return ImportReport(
        created=count("created"),
        changed=count("changed"),
        unchanged=count("unchanged"),
        refused=count("refused"),
        faults=faults,
        lines=reports,
    )


async def _store(stores: Stores, line: Line, caller: Caller) -> LineReport:
    if line.entry is None or line.worker_id is None:
        return LineReport(line=line.number, worker_id=None, result="refused", faults=line.faults)
    # What a list can't say (leave, reductions, conflicts) stays as it is.
    entry, before = line.entry, None
    try:
        before = await stores.workers.get(line.worker_id)
        kept = {"leave": before.leave, "reductions": before.reductions}
        entry = entry.model_copy(update={**kept, "conflicts": before.conflicts})
    except NotFound:
        pass
    tags = frozenset({etag(line.revision)}) if line.revision is not None else None
    try:
        stored = await put_entry(stores, line.worker_id, entry, caller, Match(tags))
    except (PreconditionMissing, Stale, NotFound, Malformed, Refused) as fault:
        return _refused(line, _told(fault))
    result: Result = "created" if before is None else "changed"
    if before is not None and worker_entry(before) == worker_entry(stored):
        result = "unchanged"
    return LineReport(
        line=line.number, worker_id=line.worker_id, result=result, revision=stored.revision
    )


def _told(fault: Exception) -> str:
    match fault:
        case PreconditionMissing():
            return "revision: needed_to_change"
        case Stale():
            return "revision: stale"
        case Malformed(pointer=pointer, code=code):
            return f"{pointer.removeprefix('/') or 'worker_id'}: {code}"
        case Refused(code=code):
            return f"line: {code}"
    return "hub_id: not_yours"


def _refused(line: Line, fault: str) -> LineReport:
    return LineReport(line=line.number, worker_id=line.worker_id, result="refused", faults=(fault,))
