"""Exports: ask for one, then fetch it, as often as needed: it stays what it was asked to be."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from services.audit.access import hidden_from_asker, may_ask
from services.audit.exports.export import Export, asked_for
from services.audit.exports.files import files_of, tar_of
from services.audit.queries import NOT_STATED
from services.audit.recordable import CODE, only_codes, recordable
from services.audit.search.complete import complete_for_export
from services.audit.search.spans import Moment, span_of
from services.audit.trail_query import Question, RecordedRoute, TrailQuery
from shared.clock import now
from shared.errors import NotFound, Refused
from shared.ids import new_id
from shared.rules.values import Number
from shared.web.tokens import OneOfFew

Filter = Annotated[str, Field(pattern=CODE)]

router = APIRouter(tags=["trail"], route_class=RecordedRoute)


class ExportRequest(BaseModel):
    """Without any filter: the whole trail as C2SP tiles. `previous`: the size of the checkpoint you
    kept from last time; the export then proves that the trail since only grew."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    referral_id: Filter | None = None
    subject_id: Filter | None = None
    agency: Filter | None = None
    recipient: Filter | None = None
    worker: Filter | None = None
    type: Filter | None = None
    ground: Filter | None = None
    outcome: Filter | None = None
    since: Moment | None = Field(None, alias="from")
    until: Moment | None = Field(None, alias="to")
    previous: Number | None = None

    def filter(self) -> dict[str, str]:
        """The filter as it is stored and recorded."""
        named = self.model_dump(exclude={"since", "until", "previous"}, exclude_none=True)
        return {**named, **span_of(self.since, self.until)}


class ExportView(BaseModel):
    """Where to fetch it, the size of the trail it is pinned to, and what it then stands for."""

    id: str
    size: int
    complete_for: str
    location: str


@dataclass(frozen=True)
class Wanted:
    """A question for an export. `known`: the trail holds every value that is asked for."""

    question: TrailQuery
    asked: ExportRequest
    known: bool


async def wanted(question: Question, body: ExportRequest) -> Wanted:
    """What is asked for is known before who asks is judged: a refusal is recorded with it."""
    asked = body.filter()
    question.asked |= (recorded := await recordable(question.audit.trail, asked))
    only_codes(recorded, "")
    return Wanted(question, body, known=recorded == asked)


@router.post("/v1/exports", status_code=201)
async def post_export(
    export: Annotated[Wanted, Depends(wanted)],
    _: Annotated[TrailQuery, may_ask("report_on_all")],
    response: Response,
) -> ExportView:
    """Ask for an export of the trail as sealed by the newest checkpoint. This is an entry."""
    made = await _pinned(export)
    response.headers["Location"] = location = f"/v1/exports/{made.id}"
    complete = complete_for_export(made.size, made.filter)
    return ExportView(id=made.id, size=made.size, complete_for=complete, location=location)


async def _pinned(wanted: Wanted) -> Export:
    question, asked = wanted.question, wanted.asked
    if not wanted.known:
        raise NotFound("entries")  # an export keeps what it was asked for
    if not asked.filter():
        await _all_of_it(question)
    newest = await question.newest()
    if newest.size == 0:
        raise Refused("trail_empty", "Nothing has been sealed yet.")
    if asked.previous is not None and asked.previous > newest.size:
        raise Refused("previous_is_newer", "Your checkpoint is larger than the trail: verify it.")
    export = Export(
        id=new_id("exp"),
        asked_by=question.caller.actor,
        purpose=question.purpose or NOT_STATED,
        asked_at=now(),
        size=newest.size,
        filter=asked.filter(),
        previous=asked.previous,
    )
    await question.audit.exports.add(export, asked_for(export), by=question.caller.origin())
    return export


async def _all_of_it(question: TrailQuery) -> frozenset[str]:
    """Nothing is hidden from who takes the whole trail. Raises `NotFound` for an auditor who is
    marked as unsafe for somebody in it: hashes over all leaves need all leaves."""
    hidden = await hidden_from_asker(question)
    if hidden:
        await question.refused()
        raise NotFound("entries")
    return hidden


@router.get(
    "/v1/exports/{export_id}",
    response_class=StreamingResponse,
    dependencies=[may_ask("report_on_all")],
)
async def get_export(question: Question, export_id: str, _: OneOfFew) -> StreamingResponse:
    """The export as a tar, streamed. Fetching it is an entry too."""
    export = await question.audit.exports.get(export_id)
    hidden = await hidden_from_asker(question) if export.filter else await _all_of_it(question)
    question.asked |= export.filter  # as `wanted` found it
    await question.answered(count=0, size=export.size)
    known = question.audit.check.search_fields()
    files = files_of(question.audit.trail, question.audit.ring, export, hidden, known)
    headers = {"Content-Disposition": f'attachment; filename="{export.id}.tar"'}
    return StreamingResponse(tar_of(files), media_type="application/x-tar", headers=headers)
