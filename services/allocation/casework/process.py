"""The one way a person moves a case on: they must have it, the rule decides, the answer shows it."""

from collections.abc import Callable

from services.allocation.assignment.showing import shown
from services.allocation.assignment.view import AllocationView
from services.allocation.callers import their_case
from services.allocation.casework.request import Closure
from services.allocation.casework.results import results
from services.allocation.casework.transitions import close, theirs
from services.allocation.hubs.hub import Hub
from services.allocation.records import Allocation
from services.allocation.store import Stores
from shared.clock import now
from shared.rules.access_table import Action
from shared.storage.records import Change, unchanged
from shared.web.tokens import Caller


async def move_on(
    stores: Stores,
    allocation_id: str,
    caller: Caller,
    action: Action,
    rule: Callable[[Allocation, Hub], Change[Allocation]],
) -> AllocationView:
    """The case after the rule. Raises `NotFound` for who may not do this, and what the rule raises."""
    allocation = await their_case(stores, allocation_id, caller, action)
    hub = await stores.hubs.get(allocation.hub_id or "")
    return await _change(stores, allocation, caller, lambda a: rule(a, hub))


def worker_of(caller: Caller) -> str | None:
    """As which worker somebody acts; None for a manager of the Hub, who has no cases."""
    return (caller.worker_id or "") if caller.role == "worker" else None


async def close_case(
    stores: Stores, allocation_id: str, caller: Caller, closure: Closure
) -> AllocationView:
    """The end. A worker may repeat it when the answer was lost."""
    allocation, at = await their_case(stores, allocation_id, caller, "close_case"), now()
    hub = await stores.hub(allocation.hub_id)
    goals = await stores.goals.of(allocation.id)

    def rule(known: Allocation) -> Change[Allocation]:
        if caller.role == "worker" and known.status != "closed":
            theirs(known, caller.worker_id or "")
        if known.status == "closed":
            return unchanged(known)
        outcomes = results(closure.outcomes, goals, known.reopenings)
        return close(known, closure.reason, outcomes, hub, at)

    return await _change(stores, allocation, caller, rule)


async def note_debrief(
    stores: Stores,
    allocation_id: str,
    caller: Caller,
    rule: Callable[[Allocation], Change[Allocation]],
) -> AllocationView:
    """Who had the case says whether the debrief took place."""
    allocation = await their_case(stores, allocation_id, caller, "settle_debrief")
    return await _change(stores, allocation, caller, rule)


async def _change(
    stores: Stores,
    allocation: Allocation,
    caller: Caller,
    rule: Callable[[Allocation], Change[Allocation]],
) -> AllocationView:
    by = caller.origin(allocation.id)
    after = await stores.allocations.change(allocation.id, rule, by=by, seen=allocation)
    return await shown(stores, after)
