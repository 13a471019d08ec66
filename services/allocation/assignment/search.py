"""Looking for whom a case can be given to. Reads only."""

from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from services.allocation.assignment.choice import decide, judge
from services.allocation.assignment.facts import CaseFacts, Decision, hub_facts, worker_facts
from services.allocation.caseload.worker import Worker
from services.allocation.hubs.hub import Hub
from services.allocation.store import PAGE, Stores
from shared.clock import now


class Found(NamedTuple):
    """A decision, and the workers as they were when it was made."""

    decision: Decision
    workers: dict[str, Worker]


@dataclass(frozen=True)
class Search:
    """One case looking for a worker of its Hub. `holders` have capacity reserved for it already."""

    stores: Stores
    hub: Hub
    case: CaseFacts
    policy_version: str
    holders: Sequence[Worker] = ()

    async def best(self, lost: Collection[str] = ()) -> Found:
        """The decision by the rules among all who could take the case, most room first.

        `lost` filled up since an earlier look. Of workers without room only some are looked at,
        so that the explanation can say why not them; how many are left it says, too.
        """
        at = now()
        page = await self.stores.most_room(self.hub, self.case.area)
        seen = {worker.id: worker for worker in (*page, *self._own(self.holders))}
        if unseen := {*self.case.known_to, *self.case.with_workers} - set(seen):
            where = {"_id": {"$in": sorted(unseen)}, "hub_id": self.hub.id}
            seen |= _by_id(await self.stores.workers.find(where))
        decision = self._decide(seen, lost, at)
        if len(page) < PAGE:
            return Found(decision, seen)  # the area has no other workers
        seen |= _by_id(await self.stores.without_room(self.hub, self.case.area, self.case.weight))
        decision = self._decide(seen, lost, at)
        async for more in self._further(decision, list(seen)):
            seen |= _by_id(more)
            decision = self._decide(seen, lost, at)
            if decision.worker_id is not None:
                break
        there = await self.stores.workers_in(self.hub, self.case.area)
        beyond = there - sum(self.case.area in worker.areas for worker in seen.values())
        return Found(decision.model_copy(update={"beyond": max(0, beyond)}), seen)

    async def one(self, worker_id: str, kind: Literal["duty", "manual"]) -> Decision:
        """The decision for a worker whom a person named: the gates are recorded and don't decide."""
        worker, at = await self.stores.workers.get(worker_id), now()
        return decide(
            self.case,
            hub_facts(self.hub),
            worker_facts([worker], self.case, at),
            kind=kind,
            ordered=worker_id,
            policy_version=self.policy_version,
            at=at,
        )

    async def suits(self, worker_id: str) -> bool:
        """Whether this worker passes every gate now."""
        worker = await self.stores.workers.get(worker_id)
        (facts,) = worker_facts([worker], self.case, now())
        return judge(self.case, hub_facts(self.hub), facts).passed

    async def _further(self, decision: Decision, seen: list[str]) -> AsyncIterator[list[Worker]]:
        if decision.worker_id is None:
            async for page in self.stores.with_room(self.hub, self.case, seen):
                yield page

    def _decide(self, seen: dict[str, Worker], lost: Collection[str], at: datetime) -> Decision:
        return decide(
            self.case,
            hub_facts(self.hub),
            worker_facts(seen.values(), self.case, at),
            lost=lost,
            held=self.holders[0].id if self.holders else None,
            policy_version=self.policy_version,
            at=at,
        )

    def _own(self, workers: Iterable[Worker]) -> list[Worker]:
        return [worker for worker in workers if worker.hub_id == self.hub.id]


def _by_id(workers: Iterable[Worker]) -> dict[str, Worker]:
    return {worker.id: worker for worker in workers}
