"""What the self-check has found."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from services.audit.access import may_ask
from services.audit.integrity.selfcheck import Result
from services.audit.state import Audit
from services.audit.trail_query import Question, RecordedRoute
from shared.events.trail import TrailStreamReplaced

router = APIRouter(tags=["trail"], route_class=RecordedRoute)


class FaultView(BaseModel):
    """What was found, and at which entry (or size, for a checkpoint)."""

    code: str
    seq: int


class PassView(BaseModel):
    """One pass of the self-check. `outdated` entries have the search fields of another version of the
    service: searches may miss them until `rebuild` has run."""

    started_at: datetime
    finished_at: datetime | None
    checked: int
    outdated: int
    faults: list[FaultView]


class MissingView(BaseModel):
    """Events that a service has sent, by its own tally (an entry), and that are no entries."""

    service: str
    tally: int
    event_ids: list[str]


class ToldView(BaseModel):
    """The newest tally of a service that was looked at, an entry: null for one that never sent any.
    Each sends one every five minutes: of one that is silent nobody knows whether all it sent is here.
    `since`: nothing newer is known."""

    service: str
    tally: int | None
    since: datetime


class IntegrityView(BaseModel):
    """`sound` until a fault is found. `frozen` says why nothing is signed, if so. `streams_replaced`
    are the entries that say that the broker lost the stream of events: what was confirmed shortly
    before each of them may be missing. `missing` lacks now and is asked for again; `tallies` say up to
    when each service's events were counted."""

    sound: bool
    size: int
    frozen: dict[str, Any] | None
    streams_replaced: list[int]
    missing: list[MissingView]
    tallies: list[ToldView]
    finished: PassView | None
    running: PassView | None


@router.get("/v1/trail/integrity", dependencies=[may_ask("check_integrity")])
async def get_integrity(question: Question) -> IntegrityView:
    """What the continuous self-check of this process has found."""
    return await _found(question.audit)


async def _found(audit: Audit) -> IntegrityView:
    state, check = await audit.trail.state(), audit.check
    replaced = audit.trail.scan({"type": TrailStreamReplaced.event_type}, state["size"])
    faults = [p.faults for p in (check.running, check.finished) if p is not None]
    return IntegrityView(
        sound=state["frozen"] is None and not any(faults),
        size=state["size"],
        frozen=state["frozen"],
        streams_replaced=[document["seq"] async for document in replaced],
        missing=[
            MissingView(service=loss.service, tally=loss.tally, event_ids=list(loss.event_ids))
            for loss in await audit.complete.missing()
        ],
        tallies=[
            ToldView(service=one.service, tally=one.entry, since=one.since)
            for one in await audit.complete.told()
        ],
        finished=_pass(check.finished),
        running=_pass(check.running),
    )


def _pass(result: Result | None) -> PassView | None:
    if result is None:
        return None
    faults = [FaultView(code=f.code, seq=f.at) for f in result.faults]
    return PassView(
        started_at=result.started_at,
        finished_at=result.finished_at,
        checked=result.checked,
        outdated=result.outdated,
        faults=faults,
    )
