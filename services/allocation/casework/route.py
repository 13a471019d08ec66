"""HTTP in: what a worker does with a case: accept, decline, start, hold, resume, close, debrief."""

from fastapi import APIRouter

from services.allocation.assignment.view import AllocationView
from services.allocation.assignment.waiting import review
from services.allocation.callers import AllocationId, OnStores
from services.allocation.casework.given_back import CaseBefore
from services.allocation.casework.process import close_case, give_back, move_on, worker_of
from services.allocation.casework.request import Closure, Debrief, Decline, Hold
from services.allocation.casework.transitions import (
    accept,
    decline,
    hold,
    note_debrief_outcome,
    resume,
    start,
)
from shared.clock import now
from shared.web.access import may
from shared.web.tokens import AnyCaller

router = APIRouter(tags=["allocations"])


@router.post("/v1/allocations/{allocation_id}/acceptance", dependencies=[may("accept_case")])
async def post_acceptance(
    allocation_id: AllocationId, caller: AnyCaller, stores: OnStores
) -> AllocationView:
    """I take it. Twice is once."""
    at, me = now(), caller.worker_id or ""
    return await move_on(
        stores, allocation_id, caller, "accept_case", lambda a, hub: accept(a, me, at, hub)
    )


@router.post("/v1/allocations/{allocation_id}/decline", dependencies=[may("decline_case")])
async def post_decline(
    allocation_id: AllocationId, reason: Decline, caller: AnyCaller, stores: OnStores
) -> CaseBefore:
    """I can't take it. The next candidate is asked, or the Hub manager told. The answer, first or
    repeated, is what you said, and nothing of the case as it stands."""
    at, me, why = now(), caller.worker_id or "", reason.reason
    return await give_back(
        stores, allocation_id, caller, "decline_case", lambda a, hub: decline(a, me, why, hub, at)
    )


@router.post("/v1/allocations/{allocation_id}/start", dependencies=[may("start_case")])
async def post_start(
    allocation_id: AllocationId, caller: AnyCaller, stores: OnStores
) -> AllocationView:
    """Direct work has begun."""
    at, me = now(), caller.worker_id or ""
    return await move_on(stores, allocation_id, caller, "start_case", lambda a, _: start(a, me, at))


@router.post("/v1/allocations/{allocation_id}/hold", dependencies=[may("hold_case")])
async def post_hold(
    allocation_id: AllocationId, reason: Hold, caller: AnyCaller, stores: OnStores
) -> AllocationView:
    """Work rests; a review clock runs. The one way to put a referral on hold that a worker has
    accepted: the referral follows."""
    at, me, why = now(), worker_of(caller), reason.reason
    return await move_on(
        stores, allocation_id, caller, "hold_case", lambda a, hub: hold(a, me, why, hub, at)
    )


@router.post("/v1/allocations/{allocation_id}/resume", dependencies=[may("resume_case")])
async def post_resume(
    allocation_id: AllocationId, caller: AnyCaller, stores: OnStores
) -> AllocationView:
    """It goes on from where it was held; the referral follows."""
    me = worker_of(caller)
    return await move_on(stores, allocation_id, caller, "resume_case", lambda a, _: resume(a, me))


@router.post("/v1/allocations/{allocation_id}/closure", dependencies=[may("close_case")])
async def post_closure(
    allocation_id: AllocationId, closure: Closure, caller: AnyCaller, stores: OnStores
) -> AllocationView | CaseBefore:
    """The end, with an outcome per goal; the capacity is free, and the next in line is served. A
    manager of the Hub is shown the case, a worker how it ended."""
    return await close_case(stores, allocation_id, caller, closure)


@router.post("/v1/allocations/{allocation_id}/review", dependencies=[may("review_waiting")])
async def post_case_review(
    allocation_id: AllocationId, caller: AnyCaller, stores: OnStores
) -> AllocationView:
    """I have looked at this waiting or resting case."""
    at, me = now(), caller.actor
    return await move_on(
        stores, allocation_id, caller, "review_waiting", lambda a, hub: review(a, me, hub, at)
    )


@router.post("/v1/allocations/{allocation_id}/debrief", dependencies=[may("settle_debrief")])
async def post_debrief(
    allocation_id: AllocationId, debrief: Debrief, caller: AnyCaller, stores: OnStores
) -> CaseBefore:
    """Whether the debrief took place."""
    me, said = caller.worker_id or "", debrief.outcome
    return await give_back(
        *(stores, allocation_id, caller, "settle_debrief"),
        lambda a, _: note_debrief_outcome(a, me, said),
    )
