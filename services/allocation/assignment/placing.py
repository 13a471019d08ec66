"""The best worker by the rules, in the young person's turn: repeatable from any point.

One child, one worker (docs/decisions/1105): cases of one young person are placed one after the
other, and those that wait go to the worker whom one of them got.
"""

from collections.abc import Collection
from dataclasses import replace

from services.allocation.assignment.facts import Decision
from services.allocation.assignment.order import say_two_workers
from services.allocation.assignment.process import Assignment, release_strays, two_workers
from services.allocation.assignment.rule import wait
from services.allocation.assignment.search import Search
from services.allocation.records import HELD, Allocation
from services.allocation.rota.standing import duty_at
from services.allocation.safety.process import safe_of
from services.allocation.store import Stores
from shared.clock import now
from shared.events.codes import EscalationReason
from shared.operating.failpoints import failpoint
from shared.origin import Origin
from shared.storage.records import Change, unchanged

# How often a look is repeated when all whom it found filled up before they could be reserved.
MAX_LOOKS = 20


async def find_worker(assignment: Assignment) -> None:
    """Give the case to the best worker by the rules, or let it wait. Safe to repeat.

    One after the other, where the young person may have more cases than this: those that wait go
    to the worker whom this one got.
    """
    if assignment.first:
        await _find(assignment)
        return
    stores, allocation = assignment.stores, assignment.allocation
    async with stores.turns.of(allocation.subject_id) as waited:
        if waited and not assignment.new:
            # Another's turn may have placed it.
            allocation = await stores.allocations.get(allocation.id)
            assignment = replace(assignment, allocation=allocation)
        if allocation.status in ("seeking", "waiting") and await _find(assignment):
            await _bring(assignment)


async def bring_others(stores: Stores, allocation: Allocation, by: Origin) -> None:
    """The young person's other cases that wait go to the worker whom this one has. Safe to repeat."""
    others = await stores.others(allocation.subject_id, allocation.id)
    if others.waiting(allocation.hub_id, allocation.area):
        hub = await stores.hub(allocation.hub_id)
        async with stores.turns.of(allocation.subject_id):
            await _bring(Assignment(stores, allocation, hub, by))


async def look_for_two(stores: Stores, allocation_id: str, by: Origin) -> None:
    """A case has moved, to another worker or to another young person: the Hub hears if they have two
    workers now. In their turn, so that a case that is placed meanwhile is seen. Safe to repeat."""
    allocation = await stores.allocations.get(allocation_id)
    if allocation.status not in HELD:
        return
    async with stores.turns.of(allocation.subject_id):
        others = await stores.others(allocation.subject_id, allocation.id)
        unsafe = await stores.marks.unsafe_for(allocation.subject_id)
        theirs = await safe_of(stores, others.with_workers(allocation.hub_id), unsafe)
        if set(theirs) - {allocation.worker_id}:
            await stores.allocations.change(allocation.id, say_two_workers, by=by, seen=allocation)


async def _bring(assignment: Assignment) -> None:
    failpoint("turn.before_others")
    stores, allocation = assignment.stores, assignment.allocation
    others = await stores.others(allocation.subject_id, allocation.id)
    for other in others.waiting(allocation.hub_id, allocation.area):
        waits = await stores.allocations.get(other.referral_id)
        await _find(replace(assignment, allocation=waits, new=False))


async def _find(assignment: Assignment) -> bool:
    """Whether the case has a worker now, and others of the young person's wait to have the same."""
    hub = assignment.hub
    if hub is None:
        await _wait(assignment, None, ())
        return False
    search = await assignment.search(hub, await assignment.holders())
    decision, reserved = await _reserve_best(assignment, search)
    if reserved is None and search.case.urgency == "immediate":
        reserved = await _reserve_duty(assignment, search, decision)
    if reserved is None:
        await _wait(assignment, decision, search.case.unsafe or (), overtake=bool(search.holders))
        assigned = True
    else:
        duty = ("duty_manager",) if reserved.kind == "duty" else ()
        assigned = await assignment.assign(reserved, hub, *duty, *two_workers(reserved))
    if search.holders or not assigned:
        await release_strays(assignment.stores, assignment.allocation.id, assignment.by)
    return reserved is not None and search.case.child_weight > 0


async def _reserve_best(assignment: Assignment, search: Search) -> tuple[Decision, Decision | None]:
    """The last decision by the rules, and again if the capacity of its worker is reserved."""
    lost: set[str] = set()
    for _ in range(MAX_LOOKS):
        decision, workers = await search.best(lost)
        chosen = decision.worker_id
        if chosen is None:
            return decision, None
        if await assignment.reserve(chosen, search.case.weight, "soft", workers.get(chosen)):
            return decision, decision
        lost.add(chosen)  # filled up since we looked: the next best
    return decision.model_copy(update={"worker_id": None, "lost": tuple(sorted(lost))}), None


async def _reserve_duty(
    assignment: Assignment, search: Search, looked: Decision
) -> Decision | None:
    """`immediate` never waits: who is on duty takes it at once, over the soft cap if need be; who
    stands in, where they are not there or have no room at all."""
    duty = await duty_at(assignment.stores, search.hub)
    for worker_id in duty.takers(search.case.unsafe or ()):
        if await assignment.reserve(worker_id, search.case.weight, "hard"):
            return await search.one(worker_id, "duty", looked)
    return None


async def _wait(
    assignment: Assignment,
    decision: Decision | None,
    unsafe: Collection[str],
    *,
    overtake: bool = False,
) -> None:
    at, hub = now(), assignment.hub
    escalate: EscalationReason | None = None
    if assignment.allocation.urgency == "immediate":
        escalate = "immediate_without_worker"
    if assignment.allocation.status == "waiting":
        decision = None  # it waits on; only the decision that began the waiting is kept

    def rule(allocation: Allocation) -> Change[Allocation]:
        if allocation.round + 1 != assignment.round:
            return unchanged(allocation)  # another assignment, or the end, came first
        return wait(
            *(allocation, decision, hub),
            at=at,
            holder_id=holder_id,
            escalate=escalate,
            overtake=overtake,
        )

    holder_id = (await duty_at(assignment.stores, hub)).on_duty(unsafe) if hub else None
    if decision is not None:
        await assignment.stores.store_decision(decision)
    await assignment.decide(rule)
