"""Looking for whom a case can be given to. Reads only."""

from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from services.allocation.assignment.choice import by_person, decide, judge
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
    """One case looking for a worker of its Hub. `holders` have capacity reserved for it already.

    Every worker of the Hub is in the decision, or is counted in it: of a small one all are looked at.
    """

    stores: Stores
    hub: Hub
    case: CaseFacts
    policy_version: str
    holders: Sequence[Worker] = ()

    async def best(self, lost: Collection[str] = ()) -> Found:
        """The decision by the rules among all who could take the case, most room first.

        `lost` filled up since an earlier look.
        """
        at, (seen, whole) = now(), await self._first()
        decision = self._decide(seen, lost, at)
        if whole:
            return Found(decision, seen)
        async for more in self._further(decision, list(seen)):
            seen |= _by_id(more)
            decision = self._decide(seen, lost, at)
            if decision.worker_id is not None:
                break
        return Found(await self._counted(decision), seen)

    async def look(self) -> Decision:
        """What the rules would say, for whoever decides otherwise: no further than the first look."""
        at, (seen, whole) = now(), await self._first()
        decision = self._decide(seen, (), at)
        return decision if whole else await self._counted(decision)

    async def one(
        self, worker_id: str, kind: Literal["duty", "manual"], looked: Decision
    ) -> Decision:
        """The decision for a worker whom a person named, with all who were looked at."""
        worker = await self.stores.workers.get(worker_id)
        (facts,) = worker_facts([worker], self.case, looked.at)
        return by_person(looked, facts, kind)

    async def suits(self, worker_id: str) -> bool:
        """Whether this worker passes every gate now."""
        worker = await self.stores.workers.get(worker_id)
        (facts,) = worker_facts([worker], self.case, now())
        return judge(self.case, hub_facts(self.hub), facts).passed

    async def _first(self) -> tuple[dict[str, Worker], bool]:
        """Who is looked at first, and whether that is the whole Hub.

        Of a larger one: those of the area with the most room, and some of it without room, so that
        the explanation can say why not them.
        """
        area = self.case.area
        page = await self.stores.most_room(self.hub)
        whole = len(page) < PAGE
        if not whole and not all(area in worker.areas for worker in page):
            page = await self.stores.most_room(self.hub, area)
        seen = _by_id((*page, *self._own(self.holders)))
        if unseen := {*self.case.known_to, *self.case.with_workers} - set(seen):
            where = {"_id": {"$in": sorted(unseen)}, "hub_id": self.hub.id}
            seen |= _by_id(await self.stores.workers.find(where))
        if len(page) == PAGE:
            seen |= _by_id(await self.stores.without_room(self.hub, area, self.case.weight))
        return seen, whole

    async def _counted(self, decision: Decision) -> Decision:
        """With the number of the Hub's other workers, in the area and elsewhere."""
        in_area = await self.stores.count_workers(self.hub, self.case.area)
        elsewhere = await self.stores.count_workers(self.hub) - in_area
        here = sum(worker.in_area for worker in decision.workers)
        there = len(decision.workers) - here
        counts = {"beyond": max(0, in_area - here), "elsewhere": max(0, elsewhere - there)}
        return decision.model_copy(update=counts)

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
