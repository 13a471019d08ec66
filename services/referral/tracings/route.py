"""HTTP in: from a referral, or an agency's reference, to the young person."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from services.referral.acting import Asker
from services.referral.callers import ByParty, OnStores
from services.referral.tracings.command import ask, confirmed, read
from services.referral.tracings.request import TracingEntry, TracingView, Wanted
from shared.web.access import may
from shared.web.tokens import AnyCaller

router = APIRouter(tags=["tracings"])

TracingId = Annotated[str, Path(pattern=r"^trc_[0-9a-f]{32}$")]


@router.post("/v1/tracings", status_code=201, dependencies=[may("trace")])
async def post_tracing(
    entry: TracingEntry, caller: AnyCaller, viewer: ByParty, stores: OnStores, response: Response
) -> TracingView:
    """Ask which young person a referral is about. Nothing is told, not even whether there is one,
    until another auditor has confirmed. This is an entry of the trail."""
    asked = await ask(stores, Asker(caller, viewer), entry)
    response.headers["Location"] = f"/v1/tracings/{asked.id}"
    return asked


@router.get("/v1/tracings/{tracing_id}", dependencies=[may("trace")])
async def get_tracing(
    tracing_id: TracingId, caller: AnyCaller, viewer: ByParty, stores: OnStores, response: Response
) -> TracingView:
    """Where it stands; for the two who asked and confirmed, with the young person and their referrals
    as they are now. That you were told is an entry."""
    response.headers["Cache-Control"] = "no-store"
    return await read(stores, Asker(caller, viewer), tracing_id)


@router.post("/v1/tracings/{tracing_id}/confirmation", dependencies=[may("trace")])
async def post_tracing_confirmation(
    tracing_id: TracingId,
    wanted: Wanted,
    caller: AnyCaller,
    viewer: ByParty,
    stores: OnStores,
    response: Response,
) -> TracingView:
    """Confirm, as the second person, by naming the same: `409 second_person_needed` for who asked,
    `409 not_the_same`, `409 tracing_expired` after seven days. Both are told from then on."""
    response.headers["Cache-Control"] = "no-store"
    return await confirmed(stores, Asker(caller, viewer), tracing_id, wanted)
