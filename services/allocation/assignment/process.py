"""Giving a case to a worker, in steps that can be repeated from any point.

1. Look at the candidates (`search`). Nothing is written.
2. Reserve the worker's capacity for the next round: the only step that can be refused.
3. Store the decision. Its id is made from its content.
4. Assign: the allocation takes the worker over, if it still is in the round before; and it is taken
   away again should a safety mark have come in between.
5. Release what other workers still hold for the referral.

Each round has one winner: whoever assigns first. Whatever leads here is an event, which comes
again until it was handled, so a crash is finished from step 1: the repeat finds the reservation and
prefers its worker. The reservation's own event looks whether it came to something (`follow_up`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.allocation.assignment.facts import CaseFacts, Decision
from services.allocation.assignment.others import ALONE
from services.allocation.assignment.rule import assign, case_facts
from services.allocation.assignment.search import Search
from services.allocation.caseload.capacity import Limit, count_for, keep, release, reserve
from services.allocation.caseload.worker import Case, Worker
from services.allocation.hubs.hub import Hub
from services.allocation.measures import found
from services.allocation.records import Allocation
from services.allocation.safety.process import protect, safe_of
from services.allocation.store import Stores
from shared.clock import now
from shared.errors import AlreadyThere, NotFound, Refused
from shared.operating.failpoints import failpoint
from shared.origin import Origin
from shared.storage.records import Change


@dataclass(frozen=True)
class Assignment:
    """One allocation on its way to a worker.

    `new`: it isn't stored yet. `first`: nobody has reported the young person before, so there is
    no earlier work with them, and no reservation that a crash left behind: the subject is stored
    before anything is reserved.
    """

    stores: Stores
    allocation: Allocation
    hub: Hub | None
    by: Origin
    new: bool = False
    first: bool = False

    @property
    def round(self) -> int:
        """The round that the worker's capacity is reserved for."""
        return self.allocation.round + 1

    async def case(self) -> CaseFacts:
        """The case with what earlier work tells about it."""
        others = ALONE
        if not self.first:
            others = await self.stores.others(self.allocation.subject_id, self.allocation.id)
        unsafe = await self.stores.marks.unsafe_for(self.allocation.subject_id)
        facts = case_facts(self.allocation, others, unsafe)
        if self.hub is None:
            return facts.model_copy(update={"weight": 1})
        waiting = others.waiting(self.hub.id, self.allocation.area)
        of_hub = {
            "weight": self.hub.weight(self.allocation.level),
            "with_workers": await safe_of(self.stores, others.with_workers(self.hub.id), unsafe),
            "child_weight": max((other.weight for other in waiting), default=0),
        }
        return facts.model_copy(update=of_hub)

    async def holders(self) -> list[Worker]:
        """Who has capacity reserved for it: one, or more after a crash."""
        return [] if self.first else await self.stores.holders(self.allocation.id)

    async def search(self, hub: Hub, holders: Sequence[Worker] = ()) -> Search:
        """The search for this case's worker."""
        case = await self.case()
        return Search(self.stores, hub, case, self.allocation.policy_version, holders)

    async def reserve(
        self, worker_id: str, weight: int, limit: Limit, seen: Worker | None = None
    ) -> bool:
        """Whether the worker is of the case's Hub and had the capacity, and it is reserved for this
        round."""
        case = Case(
            referral_id=self.allocation.id,
            weight=weight,
            round=self.round,
            subject_id=self.allocation.subject_id,
        )

        def rule(worker: Worker) -> Change[Worker]:
            if self.hub is None or worker.hub_id != self.hub.id:  # they went elsewhere meanwhile
                raise Refused("worker_not_here", "The worker is not of the Hub that has the case.")
            return reserve(worker, case, limit=limit, at=now())

        try:
            await self.stores.workers.change(worker_id, rule, by=self.by, seen=seen)
        except (Refused, NotFound):
            return False
        failpoint("assign.after_reservation")
        return True

    async def assign(self, decision: Decision, hub: Hub, *flags: str) -> bool:
        """Whether the allocation took the decision's worker over: nobody else was faster."""
        all_flags = (*flags, *_flags(decision))
        await self.stores.store_decision(decision)
        failpoint("assign.after_decision")
        after = await self.decide(
            lambda a: assign(a, decision, hub, round=self.round, flags=all_flags)
        )
        failpoint("assign.after_assignment")
        if after is not None:
            if after.allocated_at == decision.at:
                found(after.received_at, decision.at)
            if after.subject_id != self.allocation.subject_id:
                await self._count_for(decision.worker_id, after.subject_id)
            await protect(self.stores, after, self.by)
        return after is not None and (after.round, after.worker_id) == (
            self.round,
            decision.worker_id,
        )

    async def _count_for(self, worker_id: str | None, subject_id: str) -> None:
        """It turned out to be about somebody else between the look and the assignment."""
        await self.stores.workers.change(
            worker_id or "",
            lambda w: count_for(w, self.allocation.id, subject_id, now()),
            by=self.by,
        )

    async def decide(self, rule: Callable[[Allocation], Change[Allocation]]) -> Allocation | None:
        """The allocation as the rule leaves it; None if it was new, and a twin stored it first."""
        if not self.new:
            return await self.stores.allocations.change(
                self.allocation.id, rule, by=self.by, seen=self.allocation
            )
        change = rule(self.allocation)
        try:
            return await self.stores.allocations.add(change.after, *change.events, by=self.by)
        except AlreadyThere:
            return None


async def release_strays(stores: Stores, allocation_id: str, by: Origin) -> None:
    """Whoever holds capacity for this referral but isn't its worker gives it back.

    A reservation for a round that is still to come belongs to an assignment under way: it stays.
    The worker keeps the weight the case was allocated with, should a twin have reserved more.
    """
    holders = await stores.holders(allocation_id)
    if not holders:
        return
    allocation = await stores.allocations.get(allocation_id)

    def rule(worker: Worker) -> Change[Worker]:
        if worker.id == allocation.worker_id:
            return keep(worker, allocation_id, allocation.weight, now())
        return release(worker, allocation_id, allocation.round, now())

    for worker in holders:
        await stores.workers.change(worker.id, rule, by=by, seen=worker)
        failpoint("assign.after_release")


def two_workers(decision: Decision) -> tuple[str, ...]:
    """The flag of a decision that gives the young person a second worker."""
    theirs = decision.case.with_workers
    return ("two_workers",) if theirs and decision.worker_id not in theirs else ()


def _flags(decision: Decision) -> tuple[str, ...]:
    facts = next((w for w in decision.workers if w.worker_id == decision.worker_id), None)
    if facts is None:
        return ()
    over = facts.load_with(decision.case.weight) > facts.soft_cap
    late = bool(facts.supervision_overdue)
    return (*(["over_soft_cap"] if over else []), *(["supervision_overdue"] if late else []))
