"""Finding a worker: reserve capacity, then let the allocation take it over.

Two writes, to two documents. Whatever leads here is an event of our own, which comes again until
it was handled: a crash in between leaves a reservation for the next round, and the repeat finds
it and finishes with it. `settle` gives back every reservation that another placing overtook.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from services.allocation.domain.allocations import Allocation, Order, case_facts, place, wait
from services.allocation.domain.capacity import Limit, keep, release, reserve
from services.allocation.domain.choice import decide, judge
from services.allocation.domain.facts import (
    CaseFacts,
    Decision,
    WorkerFacts,
    hub_facts,
    worker_facts,
)
from services.allocation.domain.hubs import Hub
from services.allocation.domain.orders import refuse_order
from services.allocation.domain.workers import Worker
from services.allocation.store import Desk
from shared.clock import now
from shared.errors import AlreadyThere, NotFound, Refused
from shared.events.codes import EscalationReason
from shared.faults import point
from shared.origin import Origin
from shared.records import Change, unchanged

# How often a look is repeated when all whom it found filled up before they could be reserved.
MAX_LOOKS = 20


@dataclass(frozen=True)
class Placing:
    """One allocation looking for its worker. `new` when it isn't stored yet."""

    desk: Desk
    allocation: Allocation
    hub: Hub | None
    by: Origin
    new: bool = False

    @property
    def round(self) -> int:
        return self.allocation.round + 1

    async def case(self) -> CaseFacts:
        """The case with what earlier work tells about it."""
        related, known_to = await self.desk.earlier(self.allocation.subject_id, self.allocation.id)
        weight = self.hub.weight(self.allocation.level) if self.hub else 1
        facts = case_facts(self.allocation, tuple(known_to), tuple(related))
        return facts.model_copy(update={"weight": weight})

    async def reserve(self, worker_id: str, weight: int, limit: Limit) -> bool:
        """Whether the worker had the capacity, and it is reserved for this round."""
        try:
            await self.desk.workers.change(
                worker_id,
                lambda w: reserve(w, self.allocation.id, weight, self.round, limit=limit, at=now()),
                by=self.by,
            )
        except (Refused, NotFound):
            return False
        point("allocate.after_reservation")
        return True

    async def store(self, change: Change[Allocation]) -> None:
        """Store what was decided about a new allocation; nothing, if a twin was faster."""
        due = {name: at for name, at in change.due.items() if at is not None}
        try:
            await self.desk.allocations.add(change.after, *change.events, by=self.by, due=due)
        except AlreadyThere:
            return  # the other copy of this event; `settle` gives back what we reserved

    async def take_over(self, decision: Decision, hub: Hub, flags: tuple[str, ...]) -> None:
        """The reserved worker gets the case."""

        def rule(allocation: Allocation) -> Change[Allocation]:
            return place(allocation, decision, hub, round=self.round, flags=flags)

        await self.desk.keep(decision)
        if self.new:
            await self.store(rule(self.allocation))
        else:
            await self.desk.allocations.change(self.allocation.id, rule, by=self.by)


async def find_worker(placing: Placing) -> bool:
    """Look for a worker by the rules. Whether one has it now. Safe to repeat from any point."""
    desk, hub = placing.desk, placing.hub
    if hub is None:
        await _wait(placing, None)
        return False
    case = await placing.case()
    held = next((w.id for w in await desk.holders(case.referral_id)), None)
    decision = await _reserve_best(placing, hub, case, held)
    if decision.worker_id is not None:
        await placing.take_over(decision, hub, _flags(decision))
        return True
    if case.urgency == "immediate" and await _to_duty(placing, hub, case):
        return True
    await _wait(placing, decision, overtake=held is not None)
    return False


async def carry_out(desk: Desk, allocation: Allocation, by: Origin) -> None:
    """Carry out a manager's order, or say that it could not be. Nothing, without an order."""
    order = allocation.order
    hub = await desk.hub(allocation.hub_id)
    if order is None or hub is None:
        return
    placing = Placing(desk, allocation, hub, by)
    case = await placing.case()
    if await placing.reserve(order.worker_id, case.weight, order.limit):
        decision = await _on_one(placing, hub, case, order.worker_id, "manual")
        await placing.take_over(decision, hub, (*_flags(decision), *_exceeds(order)))
        return
    tell = order.reason in ("worker_leaves", "host_withdraws", "worker_absent")
    await desk.allocations.change(
        allocation.id, lambda a: refuse_order(a, order, "no_capacity", tell=tell), by=by
    )


async def settle(desk: Desk, allocation_id: str, by: Origin) -> None:
    """Whoever holds capacity for this referral but isn't its worker gives it back.

    A reservation for a round that is still to come belongs to a placing under way: it stays.
    The worker keeps the weight the case was allocated with, should a twin have reserved more.
    """
    holders = await desk.holders(allocation_id)
    if not holders:
        return
    allocation = await desk.allocations.get(allocation_id)
    for worker in holders:
        if worker.id == allocation.worker_id:
            await desk.workers.change(
                worker.id, lambda w: keep(w, allocation_id, allocation.weight, now()), by=by
            )
        else:
            await desk.workers.change(
                worker.id, lambda w: release(w, allocation_id, allocation.round, now()), by=by
            )


async def take_turn(placing: Placing, hub: Hub) -> None:
    """If someone could take this waiting case now, they get who is first in line and suits them:
    this case, or one that stands before it."""
    case = await placing.case()
    decision = await _look(placing, hub, case, None, ())
    if decision.worker_id is not None:
        worker = await placing.desk.workers.get(decision.worker_id)
        await fill(placing.desk, hub, worker, placing.by)


async def fill(desk: Desk, hub: Hub, worker: Worker, by: Origin) -> None:
    """Give freed capacity to who waits, first in line first, while this worker could take any."""
    for allocation_id in await desk.queue(worker):
        allocation = await desk.allocations.get(allocation_id)
        placing = Placing(desk, allocation, hub, by)
        on_duty = allocation.urgency == "immediate" and worker.id == hub.duty_worker_id
        if allocation.status == "waiting" and (
            on_duty or await _could_take(placing, hub, worker.id)
        ):
            await find_worker(placing)
            await settle(desk, allocation_id, by)


async def _could_take(placing: Placing, hub: Hub, worker_id: str) -> bool:
    case = await placing.case()
    worker = await placing.desk.workers.get(worker_id)
    (facts,) = worker_facts([worker], case, now())
    return judge(case, hub_facts(hub), facts).passed


async def _reserve_best(placing: Placing, hub: Hub, case: CaseFacts, held: str | None) -> Decision:
    lost: set[str] = set()
    for _ in range(MAX_LOOKS):
        decision = await _look(placing, hub, case, held, lost)
        chosen = decision.worker_id
        if chosen is None or await placing.reserve(chosen, case.weight, "soft"):
            return decision
        lost.add(chosen)  # filled up since we looked: the next best
    return decision.model_copy(update={"worker_id": None})


async def _look(
    placing: Placing, hub: Hub, case: CaseFacts, held: str | None, lost: Iterable[str]
) -> Decision:
    desk, seen = placing.desk, [*case.known_to, *([held] if held else [])]
    at = now()
    known = await desk.workers.find({"_id": {"$in": seen}, "hub_id": hub.id}) if seen else []
    full = await desk.without_room(hub, case.area, case.weight)
    facts = _by_id(worker_facts([*full, *known], case, at))
    async for page in desk.with_room(hub, case.area, case.weight, case.settings_avoided):
        facts |= _by_id(worker_facts(page, case, at))
        decision = decide(
            case,
            hub_facts(hub),
            facts.values(),
            lost=lost,
            held=held,
            policy_version=placing.allocation.policy_version,
            at=at,
        )
        if decision.worker_id is not None:
            break
    return decision


async def _to_duty(placing: Placing, hub: Hub, case: CaseFacts) -> bool:
    """`immediate` never waits: the duty manager takes it at once, over the soft cap if need be."""
    duty = hub.duty_worker_id
    if duty is None or not await placing.reserve(duty, case.weight, "hard"):
        return False
    decision = await _on_one(placing, hub, case, duty, "duty")
    await placing.take_over(decision, hub, ("duty_manager", *_flags(decision)))
    return True


async def _on_one(
    placing: Placing, hub: Hub, case: CaseFacts, worker_id: str, kind: Literal["duty", "manual"]
) -> Decision:
    at = now()
    worker = await placing.desk.workers.get(worker_id)
    return decide(
        case,
        hub_facts(hub),
        worker_facts([worker], case, at),
        kind=kind,
        ordered=worker_id,
        policy_version=placing.allocation.policy_version,
        at=at,
    )


async def _wait(placing: Placing, decision: Decision | None, *, overtake: bool = False) -> None:
    at = now()
    escalate: EscalationReason | None = None
    if placing.allocation.urgency == "immediate":
        escalate = "immediate_without_worker"

    def rule(allocation: Allocation) -> Change[Allocation]:
        if allocation.round + 1 != placing.round:
            return unchanged(allocation)  # another placing, or the end, came first
        return wait(allocation, decision, placing.hub, at=at, escalate=escalate, overtake=overtake)

    if placing.allocation.status == "waiting":
        decision = None  # it waits on; only the decision that began the waiting is kept
    if decision is not None:
        await placing.desk.keep(decision)
    if placing.new:
        await placing.store(rule(placing.allocation))
    else:
        await placing.desk.allocations.change(placing.allocation.id, rule, by=placing.by)


def _flags(decision: Decision) -> tuple[str, ...]:
    facts = next((w for w in decision.workers if w.worker_id == decision.worker_id), None)
    if facts is None:
        return ()
    flags = []
    if facts.caseload + decision.case.weight > facts.soft_cap:
        flags.append("over_soft_cap")
    if facts.supervision_overdue:
        flags.append("supervision_overdue")
    return tuple(flags)


def _exceeds(order: Order) -> tuple[str, ...]:
    return ("over_hard_cap",) if order.limit == "exceed" else ()


def _by_id(facts: Iterable[WorkerFacts]) -> dict[str, WorkerFacts]:
    return {fact.worker_id: fact for fact in facts}
