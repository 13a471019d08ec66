"""Allocations as answers show them, with the instructions that stand for each young person."""

from services.allocation.assignment.view import AllocationView, view
from services.allocation.records import Allocation
from services.allocation.store import Stores
from shared.clock import now


async def shown(stores: Stores, allocation: Allocation) -> AllocationView:
    """One of them."""
    return (await all_shown(stores, [allocation]))[0]


async def all_shown(stores: Stores, allocations: list[Allocation]) -> list[AllocationView]:
    """All of them, in one reading."""
    closed = await stores.marks.of_each([each.subject_id for each in allocations])
    at = now()
    return [view(each, closed.get(each.subject_id, ()), at) for each in allocations]
