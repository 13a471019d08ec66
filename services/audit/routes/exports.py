"""Exports: ask for one, then fetch it, as often as needed: it stays what it was asked to be."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from services.audit.domain.leaf import instant
from services.audit.domain.records import Export, Query, queried
from services.audit.exporter import files_of, tar_of
from services.audit.queries import NOT_STATED
from services.audit.routes.asking import CODE, Question
from shared.clock import now
from shared.errors import NotFound, Refused
from shared.ids import new_id

Filter = Annotated[str, Field(pattern=CODE)]

router = APIRouter(tags=["trail"])


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
    since: datetime | None = Field(None, alias="from")
    until: datetime | None = Field(None, alias="to")
    previous: int | None = Field(None, ge=0, lt=2**53)

    def filter(self) -> dict[str, str]:
        """The filter as it is stored and recorded."""
        named = self.model_dump(exclude={"since", "until", "previous"}, exclude_none=True)
        times = {"from": self.since, "to": self.until}
        return {**named, **{k: instant(v) for k, v in times.items() if v is not None}}


class ExportView(BaseModel):
    """Where to fetch it, and the size of the trail it is pinned to."""

    id: str
    size: int
    location: str


@router.post("/v1/exports", status_code=201)
async def post_export(body: ExportRequest, question: Question, response: Response) -> ExportView:
    """Ask for an export of the trail as sealed by the newest checkpoint. This is an entry."""
    asked = body.filter()
    await question.auditor_only("export", asked)
    newest = await question.newest()
    if newest.size == 0:
        raise Refused("trail_empty", "Nothing has been sealed yet.")
    if body.previous is not None and body.previous > newest.size:
        raise Refused("previous_is_newer", "Your checkpoint is larger than the trail: verify it.")
    export = Export(
        id=new_id("exp"),
        asked_by=question.caller.actor,
        purpose=question.purpose or NOT_STATED,
        asked_at=now(),
        size=newest.size,
        filter=asked,
        previous=body.previous,
    )
    event = queried(
        Query(id=export.id, at=export.asked_at),
        resource="export",
        asked=asked,
        purpose=export.purpose,
        outcome="answered",
        count=0,
        size=export.size,
    )
    await question.audit.exports.add(export, event, by=question.caller.origin())
    location = f"/v1/exports/{export.id}"
    response.headers["Location"] = location
    return ExportView(id=export.id, size=export.size, location=location)


@router.get("/v1/exports/{export_id}", response_class=StreamingResponse)
async def get_export(question: Question, export_id: str) -> StreamingResponse:
    """The export as a tar, streamed. Fetching it is an entry too."""
    told = {"export": export_id}
    await question.auditor_only("export_download", told)
    try:
        export = await question.audit.exports.get(export_id)
    except NotFound:
        await question.answered("export_download", told, count=0, size=0)
        raise
    where = export.filter
    await question.answered("export_download", {**where, **told}, count=0, size=export.size)
    files = files_of(question.audit.trail, question.audit.ring, export)
    headers = {"Content-Disposition": f'attachment; filename="{export.id}.tar"'}
    return StreamingResponse(tar_of(files), media_type="application/x-tar", headers=headers)
