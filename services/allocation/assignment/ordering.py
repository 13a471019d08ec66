"""A manager's order: stored first, then carried out, so that a crash in between is finished."""

from services.allocation.assignment.choice import SAFE
from services.allocation.assignment.order import confirm_exception, order, refuse_order
from services.allocation.assignment.placing import bring_others
from services.allocation.assignment.process import Assignment, release_strays, two_workers
from services.allocation.caseload.capacity import reserve
from services.allocation.caseload.worker import Case
from services.allocation.hubs.hub import Hub
from services.allocation.records import Allocation, Order
from services.allocation.safety.asking import not_the_same
from services.allocation.safety.process import worker_is_unsafe
from services.allocation.safety.rule import is_unsafe
from services.allocation.store import Stores
from shared.clock import now
from shared.errors import Outage, Refused
from shared.operating.failpoints import failpoint
from shared.origin import Origin, account_of
from shared.storage.records import Change
from shared.web.etags import Match


async def assign_by_order(
    stores: Stores, allocation: Allocation, given: Order, match: Match, by: Origin
) -> Allocation:
    """The case with the worker of the order; or as it was, where a second manager must agree first.

    Raises `Refused` when the worker is not of the Hub, is marked as unsafe for the young person, or
    has no room within the limit: then
    nothing was ordered, unless the worker has filled up since it was looked at.
    """
    where = {"_id": given.worker_id, "hub_id": allocation.hub_id, "active": True}
    found = await stores.workers.find(where, limit=1)
    if not found:
        raise Refused("worker_not_here", "No worker of your Hub who is in post has this id.")
    worker = found[0]
    if is_unsafe(worker, await stores.marks.unsafe_for(allocation.subject_id)):
        detail = (
            "The worker, or the agency they sit with, is marked as unsafe for the young person."
        )
        raise Refused("worker_unsafe", detail)
    hub = await stores.hub(allocation.hub_id)

    def rule(known: Allocation) -> Change[Allocation]:
        change = order(known, given)
        if change.events:
            weight = hub.weight(known.level) if hub else 1
            case = Case(
                referral_id=known.id,
                weight=weight,
                round=known.round + 1,
                subject_id=known.subject_id,
            )
            reserve(worker, case, limit=given.limit, at=given.at)
        return change

    await stores.allocations.change(allocation.id, match.guard(rule), by=by, seen=allocation)
    return await _answer(stores, allocation.id, given, by)


async def confirm_order(stores: Stores, allocation: Allocation, by: Origin) -> Allocation:
    """The case with the worker whose hard cap two people agreed to pass."""
    at = now()
    if allocation.exception is not None:
        await not_the_same(stores, account_of(by.actor), account_of(allocation.exception.by))

    def rule(known: Allocation) -> Change[Allocation]:
        if known.exception != allocation.exception:
            raise Outage("contention")  # asked again by somebody, who may be the same person
        return confirm_exception(known, by.actor, at)

    after = await stores.allocations.change(allocation.id, rule, by=by, seen=allocation)
    return await _answer(stores, allocation.id, after.order, by)


async def _answer(
    stores: Stores, allocation_id: str, given: Order | None, by: Origin
) -> Allocation:
    # The order's event would do this too; now the caller learns at once how it ended.
    failpoint("order.after_order")
    await carry_out_order(stores, allocation_id, by)
    stands = await stores.allocations.get(allocation_id)
    asked_only = given is not None and given.limit == "exceed" and stands.exception is not None
    if given and stands.worker_id != given.worker_id and not asked_only:
        raise Refused("no_capacity", "The worker has no room within the hard cap.")
    return stands


async def carry_out_order(stores: Stores, allocation_id: str, by: Origin) -> None:
    """Carry out a manager's order, or say that it could not be. Nothing, without an order."""
    allocation = await stores.allocations.get(allocation_id)
    given, hub = allocation.order, await stores.hub(allocation.hub_id)
    if given is not None and hub is not None:
        await _carry_out(Assignment(stores, allocation, hub, by), hub, given)
    await release_strays(stores, allocation_id, by)


async def _carry_out(assignment: Assignment, hub: Hub, given: Order) -> None:
    search, code = await assignment.search(hub), "no_capacity"
    if await worker_is_unsafe(assignment.stores, given.worker_id, search.case.unsafe or ()):
        code = SAFE
    elif await assignment.reserve(given.worker_id, search.case.weight, given.limit):
        exceeds = ("over_hard_cap",) if given.limit == "exceed" else ()
        decision = await search.one(given.worker_id, "manual", await search.look())
        # A plan moves the young person's other cases next.
        two = () if given.limit == "soft" else two_workers(decision)
        if await assignment.assign(decision, hub, *exceeds, *two):
            # As it stands now: the young person's cases that wait for the rules follow it.
            stands = await assignment.stores.allocations.get(assignment.allocation.id)
            await bring_others(assignment.stores, stands, assignment.by)
        return
    tell = given.reason in ("worker_leaves", "host_withdraws", "worker_absent")
    await assignment.decide(lambda a: refuse_order(a, given, code, tell=tell))
