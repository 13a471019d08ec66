"""Allocations as answers show them, with the instructions that stand for each young person."""

from services.allocation.assignment.view import AllocationView, view
from services.allocation.caseload.names import names_of
from services.allocation.records import Allocation
from services.allocation.store import Stores
from shared.clock import now


async def shown(stores: Stores, allocation: Allocation) -> AllocationView:
    """One of them."""
    return (await all_shown(stores, [allocation]))[0]


async def all_shown(stores: Stores, allocations: list[Allocation]) -> list[AllocationView]:
    """All of them, in one reading of the instructions and one of the names."""
    closed = await stores.marks.of_each([each.subject_id for each in allocations])
    names, at = await names_of(stores, [each.worker_id for each in allocations]), now()
    return [
        view(each, closed.get(each.subject_id, ()), at, names.get(each.worker_id))
        for each in allocations
    ]
