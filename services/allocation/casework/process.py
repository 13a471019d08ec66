"""The one way a person moves a case on: they must have it, the rule decides, the answer shows it; to
who has it no longer, only what they said themselves."""

from collections.abc import Callable

from services.allocation.assignment.showing import shown
from services.allocation.assignment.view import AllocationView
from services.allocation.callers import their_case
from services.allocation.casework.given_back import CaseBefore, case_before, ended_with
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
    after = await _change(stores, allocation, caller, lambda a: rule(a, hub))
    return await shown(stores, after)


async def give_back(
    stores: Stores,
    allocation_id: str,
    caller: Caller,
    action: Action,
    rule: Callable[[Allocation, Hub], Change[Allocation]],
) -> CaseBefore:
    """The same where the case is the worker's no longer after the rule, or was not before: whoever
    repeats it, whenever, is told what they were told first, and nothing of the case as it stands."""
    allocation = await their_case(stores, allocation_id, caller, action)
    hub = await stores.hubs.get(allocation.hub_id or "")
    after = await _change(stores, allocation, caller, lambda a: rule(a, hub))
    return case_before(after, caller.worker_id or "")


def worker_of(caller: Caller) -> str | None:
    """As which worker somebody acts; None for a manager of the Hub, who has no cases."""
    return (caller.worker_id or "") if caller.role == "worker" else None


async def close_case(
    stores: Stores, allocation_id: str, caller: Caller, closure: Closure
) -> AllocationView | CaseBefore:
    """The end. Who had the case at its end may repeat it when the answer was lost; any other worker
    is refused, whether it has ended or not."""
    allocation, at = await their_case(stores, allocation_id, caller, "close_case"), now()
    hub = await stores.hub(allocation.hub_id)
    goals = await stores.goals.of(allocation.id)
    me = worker_of(caller)

    def rule(known: Allocation) -> Change[Allocation]:
        if me is not None and not ended_with(known, me):
            theirs(known, me)
        if known.status == "closed":
            return unchanged(known)
        outcomes = results(closure.outcomes, goals, known.reopenings)
        return close(known, closure.reason, outcomes, hub, at)

    after = await _change(stores, allocation, caller, rule)
    return await shown(stores, after) if me is None else case_before(after, me)


async def _change(
    stores: Stores,
    allocation: Allocation,
    caller: Caller,
    rule: Callable[[Allocation], Change[Allocation]],
) -> Allocation:
    by = caller.origin(allocation.id)
    return await stores.allocations.change(allocation.id, rule, by=by, seen=allocation)
