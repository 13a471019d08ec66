"""HTTP in: a Hub manager names the worker; two of them may pass a hard cap."""

from datetime import datetime

from fastapi import APIRouter

from services.allocation.assignment.ordering import assign_by_order, confirm_order
from services.allocation.assignment.showing import shown
from services.allocation.assignment.view import AllocationView
from services.allocation.callers import AllocationId, OnStores, their_case
from services.allocation.caseload.capacity import Limit as CapLimit
from services.allocation.documents import Code, Incoming
from services.allocation.records import Order
from shared.clock import now
from shared.events.codes import HandoverReason
from shared.web.access import may
from shared.web.etags import IfMatch
from shared.web.problems import CONDITIONAL
from shared.web.tokens import AnyCaller

router = APIRouter(tags=["allocations"])


class Assignment(Incoming):
    """Who shall take it and why. `exceed_hard_cap` only asks: a second manager must confirm."""

    worker_id: Code
    reason: HandoverReason
    exceed_hard_cap: bool = False

    def order(self, by: str, at: datetime) -> Order:
        """The order of this manager."""
        limit: CapLimit = "exceed" if self.exceed_hard_cap else "hard"
        return Order(worker_id=self.worker_id, reason=self.reason, by=by, limit=limit, at=at)


@router.post(
    "/v1/allocations/{allocation_id}/assignment",
    responses=CONDITIONAL,
    dependencies=[may("assign_case")],
)
async def post_assignment(
    allocation_id: AllocationId,
    wanted: Assignment,
    caller: AnyCaller,
    stores: OnStores,
    match: IfMatch,
) -> AllocationView:
    """Assign or reassign, over the soft cap if need be; the gates are recorded, you decide.

    Raises `Refused` when the worker has no room within the hard cap; all stays as it was then.
    """
    allocation = await their_case(stores, allocation_id, caller, "assign_case")
    given, by = wanted.order(caller.actor, now()), caller.origin(allocation_id)
    return await shown(stores, await assign_by_order(stores, allocation, given, match, by))


@router.post(
    "/v1/allocations/{allocation_id}/assignment/confirmation",
    dependencies=[may("confirm_assignment")],
)
async def post_exception_confirmation(
    allocation_id: AllocationId, caller: AnyCaller, stores: OnStores
) -> AllocationView:
    """Agree, as the second person, that a worker's hard cap is passed for this case."""
    allocation = await their_case(stores, allocation_id, caller, "confirm_assignment")
    confirmed = await confirm_order(stores, allocation, caller.origin(allocation_id))
    return await shown(stores, confirmed)
