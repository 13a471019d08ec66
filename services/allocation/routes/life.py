"""What a worker does with a case: accept, decline, start, hold, resume, close; and debrief."""

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field

from services.allocation.domain.allocations import Allocation
from services.allocation.domain.hubs import Code, Hub, Incoming
from services.allocation.domain.life import (
    accept,
    close,
    decline,
    hold,
    resume,
    settle_debrief,
    start,
)
from services.allocation.domain.waiting import review
from services.allocation.routes.allocations import AllocationView, view
from services.allocation.routes.common import (
    AllocationId,
    FromHub,
    FromManager,
    FromWorker,
    OnDesk,
    theirs,
)
from services.allocation.store import Desk
from shared.clock import now
from shared.errors import NotFound
from shared.events.allocation import GoalResult
from shared.events.codes import ClosureReason, DeclineReason, GoalOutcome, HoldReason
from shared.records import Change
from shared.tokens import Caller

router = APIRouter(tags=["allocations"])


class Decline(Incoming):
    reason: DeclineReason


class Hold(Incoming):
    reason: HoldReason


class Outcome(Incoming):
    """How far a goal was reached. Goals are codes of the Hub's own plan."""

    goal: Code
    outcome: GoalOutcome


class Closure(Incoming):
    """The end of a case."""

    reason: ClosureReason
    outcomes: Annotated[tuple[Outcome, ...], Field(max_length=30)] = ()


class Debrief(Incoming):
    """Whether it took place. What was said is nobody's business here."""

    outcome: Literal["held", "not_wanted"]


@router.post("/v1/allocations/{allocation_id}/acceptance")
async def post_acceptance(
    allocation_id: AllocationId, caller: FromWorker, desk: OnDesk
) -> AllocationView:
    """I take it. Twice is once."""
    at, me = now(), caller.worker_id or ""
    return await _change(desk, allocation_id, caller, lambda a, _: accept(a, me, at))


@router.post("/v1/allocations/{allocation_id}/decline")
async def post_decline(
    allocation_id: AllocationId, reason: Decline, caller: FromWorker, desk: OnDesk
) -> AllocationView:
    """I can't take it. The next candidate is asked, or the Hub manager told."""
    at, me = now(), caller.worker_id or ""
    await _had(desk, allocation_id, me)
    hub = await desk.hubs.get((await desk.allocations.get(allocation_id)).hub_id or "")
    after = await desk.allocations.change(
        allocation_id,
        lambda a: decline(a, me, reason.reason, hub, at),
        by=caller.origin(allocation_id),
    )
    return view(after)


@router.post("/v1/allocations/{allocation_id}/start")
async def post_start(
    allocation_id: AllocationId, caller: FromWorker, desk: OnDesk
) -> AllocationView:
    """Direct work has begun."""
    at, me = now(), caller.worker_id or ""
    return await _change(desk, allocation_id, caller, lambda a, _: start(a, me, at))


@router.post("/v1/allocations/{allocation_id}/hold")
async def post_hold(
    allocation_id: AllocationId, reason: Hold, caller: FromWorker, desk: OnDesk
) -> AllocationView:
    """Work rests; a review clock runs."""
    at, me = now(), caller.worker_id or ""
    return await _change(
        desk, allocation_id, caller, lambda a, hub: hold(a, me, reason.reason, hub, at)
    )


@router.post("/v1/allocations/{allocation_id}/resume")
async def post_resume(
    allocation_id: AllocationId, caller: FromWorker, desk: OnDesk
) -> AllocationView:
    """Work goes on."""
    me = caller.worker_id or ""
    return await _change(desk, allocation_id, caller, lambda a, _: resume(a, me))


@router.post("/v1/allocations/{allocation_id}/closure")
async def post_closure(
    allocation_id: AllocationId, closure: Closure, caller: FromHub, desk: OnDesk
) -> AllocationView:
    """The end, with an outcome per goal; the capacity is free, and the next in line is served."""
    at = now()
    outcomes = tuple(GoalResult(**outcome.model_dump()) for outcome in closure.outcomes)
    allocation = await desk.allocations.get(allocation_id)
    if allocation.status == "closed" and caller.role == "worker":
        await _had(desk, allocation_id, caller.worker_id or "")
        return view(allocation)
    await theirs(desk, allocation_id, caller)
    hub = await desk.hub(allocation.hub_id)
    after = await desk.allocations.change(
        allocation_id,
        lambda a: close(a, closure.reason, outcomes, hub, at),
        by=caller.origin(allocation_id),
    )
    return view(after)


@router.post("/v1/allocations/{allocation_id}/review")
async def post_review(
    allocation_id: AllocationId, caller: FromManager, desk: OnDesk
) -> AllocationView:
    """I have looked at this waiting or resting case."""
    at = now()
    return await _change(
        desk, allocation_id, caller, lambda a, hub: review(a, caller.actor, hub, at)
    )


@router.post("/v1/allocations/{allocation_id}/debrief")
async def post_debrief(
    allocation_id: AllocationId, debrief: Debrief, caller: FromWorker, desk: OnDesk
) -> AllocationView:
    """Whether the debrief took place."""
    me = caller.worker_id or ""
    await _had(desk, allocation_id, me)
    after = await desk.allocations.change(
        allocation_id,
        lambda a: settle_debrief(a, me, debrief.outcome),
        by=caller.origin(allocation_id),
    )
    return view(after)


async def _change(
    desk: Desk,
    allocation_id: str,
    caller: Caller,
    rule: Callable[[Allocation, Hub], Change[Allocation]],
) -> AllocationView:
    allocation = await theirs(desk, allocation_id, caller)
    hub = await desk.hubs.get(allocation.hub_id or "")
    after = await desk.allocations.change(
        allocation_id, lambda a: rule(a, hub), by=caller.origin(allocation_id)
    )
    return view(after)


async def _had(desk: Desk, allocation_id: str, worker_id: str) -> None:
    """Returns if the worker has the case, or had it: a repeat after a lost answer must work."""
    allocation = await desk.allocations.get(allocation_id)
    if worker_id not in (allocation.worker_id, *allocation.workers_before):
        raise NotFound
