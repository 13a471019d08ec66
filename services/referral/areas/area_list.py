"""A list of areas, read line by line: a faulty line never costs the others."""

import csv
import json
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ValidationError

from services.referral.areas.command import put_area_entry
from services.referral.areas.request import AreaLine
from services.referral.areas.rule import entry_of
from services.referral.store import Stores
from shared.errors import PreconditionMissing, Refused, Stale
from shared.origin import Origin
from shared.web.etags import Match, etag
from shared.web.members import said_twice_in

Result = Literal["created", "changed", "unchanged", "refused"]
COLUMNS = ("code", "name", "aliases", "retired", "revision")
MAX_LINES = 5000
# An entry with all that it may hold fits.
MAX_LINE = 50_000


class LineReport(BaseModel):
    """What became of a line. The first line is 1. Faults are `member: code`, never values."""

    line: int
    code: str | None = None
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


class Line(NamedTuple):
    """A line of the file: an area, or its faults."""

    number: int
    area: AreaLine | None
    faults: tuple[str, ...] = ()


async def import_areas(stores: Stores, body: bytes, by: Origin) -> ImportReport:
    """What became of each line. Safe to repeat."""
    lines, faults = read_areas(body)
    reports = [await _store(stores, line, by) for line in lines]

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


def read_areas(body: bytes) -> tuple[list[Line], tuple[str, ...]]:
    """The lines of a CSV list, or of one in NDJSON, which begins with a brace; and the faults of the
    file itself. A line that is no UTF-8, or no line of its kind, is its own fault alone."""
    raw = list(enumerate(body.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1))
    filled = [(number, line) for number, line in raw if line.strip()]
    if len(filled) > MAX_LINES:
        return [], ("file: too_many_lines",)
    if not filled or filled[0][1].lstrip().startswith(b"{"):
        return list(_read(filled, _from_json)), ()
    names = _cells(filled[0][1]) or []
    if unknown := [f"column {i}: unknown" for i, n in enumerate(names, 1) if n not in COLUMNS]:
        return [], tuple(unknown)
    if len(set(names)) != len(names) or not {"code", "name"} <= set(names):
        return [], ("header: wrong_columns",)
    return list(_read(filled[1:], lambda line: _from_csv(names, line))), ()


def _read(filled: list[tuple[int, bytes]], parse: Any) -> Iterator[Line]:
    seen: set[str] = set()
    for number, raw in filled:
        try:
            area = AreaLine.model_validate(parse(raw) if len(raw) <= MAX_LINE else None)
        except ValidationError as error:
            yield Line(number, None, tuple(f"{_member(e)}: {e['type']}" for e in error.errors()))
        except (ValueError, RecursionError):
            yield Line(number, None, ("line: unreadable",))
        else:
            twice = ("code: twice_in_this_file",) if area.code in seen else ()
            yield Line(number, None if twice else area, twice)
            seen.add(area.code)


def _member(error: Any) -> str:
    first = error["loc"][0] if error["loc"] else "line"
    return str(first) if first in COLUMNS else "line"


def _from_json(raw: bytes) -> Any:
    if said_twice_in(raw) is not None:
        raise ValueError("a member stands twice")
    return json.loads(raw.decode("utf-8"))


def _cells(raw: bytes) -> list[str] | None:
    try:
        text = raw.decode("utf-8").removesuffix("\r")
        return [cell.strip() for cell in next(csv.reader([text], strict=True), [])]
    except (csv.Error, UnicodeDecodeError):
        return None


def _from_csv(names: list[str], raw: bytes) -> dict[str, Any]:
    cells = _cells(raw)
    if cells is None or len(cells) != len(names):
        raise ValueError("not a line of this list")
    given: dict[str, Any] = {n: c for n, c in zip(names, cells, strict=True) if c}
    if aliases := given.get("aliases"):
        given["aliases"] = [alias.strip() for alias in aliases.split(";") if alias.strip()]
    return given


async def _store(stores: Stores, line: Line, by: Origin) -> LineReport:
    if line.area is None:
        return LineReport(line=line.number, result="refused", faults=line.faults)
    area = line.area
    tags = frozenset({etag(area.revision)}) if area.revision is not None else None
    before = await stores.register.areas.find({"_id": area.code}, limit=1)
    try:
        stored = await put_area_entry(stores, area.code, area.entry(), Match(tags), by)
    except PreconditionMissing:
        return _refused(line, "revision: needed_to_change")
    except Stale:
        return _refused(line, "revision: stale")
    except Refused as refusal:
        return _refused(line, f"line: {refusal.code}")
    result: Result = "changed" if before else "created"
    if before and entry_of(before[0]) == entry_of(stored):
        result = "unchanged"
    return LineReport(line=line.number, code=area.code, result=result, revision=stored.version)


def _refused(line: Line, fault: str) -> LineReport:
    code = line.area.code if line.area else None
    return LineReport(line=line.number, code=code, result="refused", faults=(fault,))
