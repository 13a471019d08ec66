"""A Hub manager names the worker; two of them may pass a hard cap."""

from fastapi import APIRouter

from services.allocation.domain.allocations import Order
from services.allocation.domain.hubs import Code, Incoming
from services.allocation.domain.orders import confirm_exception, order
from services.allocation.placing import carry_out, settle
from services.allocation.routes.allocations import AllocationView, view
from services.allocation.routes.common import AllocationId, FromManager, OnDesk, theirs
from services.allocation.store import Desk
from shared.clock import now
from shared.errors import Refused
from shared.etags import IfMatch
from shared.events.codes import HandoverReason
from shared.problems import CONDITIONAL
from shared.tokens import Caller

router = APIRouter(tags=["allocations"])


class Assignment(Incoming):
    """Who shall take it and why. `exceed_hard_cap` only asks: a second manager must confirm."""

    worker_id: Code
    reason: HandoverReason
    exceed_hard_cap: bool = False


@router.post("/v1/allocations/{allocation_id}/assignment", responses=CONDITIONAL)
async def post_assignment(
    allocation_id: AllocationId,
    wanted: Assignment,
    caller: FromManager,
    desk: OnDesk,
    match: IfMatch,
) -> AllocationView:
    """Assign or reassign, over the soft cap if need be; the gates are recorded, you decide.

    Raises `Refused` when the worker has no room within the hard cap; all stays as it was then.
    """
    await theirs(desk, allocation_id, caller)
    worker = await desk.workers.get(wanted.worker_id)
    if worker.hub_id != caller.hub_id or not worker.active:
        raise Refused("worker_not_here", "No worker of your Hub who is in post has this id.")
    given = Order(
        worker_id=wanted.worker_id,
        reason=wanted.reason,
        by=caller.actor,
        limit="exceed" if wanted.exceed_hard_cap else "hard",
        at=now(),
    )
    await desk.allocations.change(
        allocation_id, match.guard(lambda a: order(a, given)), by=caller.origin(allocation_id)
    )
    return await _carried_out(desk, allocation_id, given, caller)


@router.post("/v1/allocations/{allocation_id}/assignment/confirmation")
async def post_confirmation(
    allocation_id: AllocationId, caller: FromManager, desk: OnDesk
) -> AllocationView:
    """Agree, as the second person, that a worker's hard cap is passed for this case."""
    await theirs(desk, allocation_id, caller)
    at = now()
    after = await desk.allocations.change(
        allocation_id,
        lambda a: confirm_exception(a, caller.actor, at),
        by=caller.origin(allocation_id),
    )
    return await _carried_out(desk, allocation_id, after.order, caller)


async def _carried_out(
    desk: Desk, allocation_id: str, given: Order | None, caller: Caller
) -> AllocationView:
    # The order's event would do this too; now the caller learns at once how it ended.
    by = caller.origin(allocation_id)
    await carry_out(desk, await desk.allocations.get(allocation_id), by)
    await settle(desk, allocation_id, by)
    stands = await desk.allocations.get(allocation_id)
    asked_only = given is not None and given.limit == "exceed" and stands.exception is not None
    if given and stands.worker_id != given.worker_id and not asked_only:
        raise Refused("no_capacity", "The worker has no room within the hard cap.")
    return view(stands)
