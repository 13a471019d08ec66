"""What the allocation service keeps: its collections, their indexes, its reading queries."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from pymongo.errors import DuplicateKeyError

from services.allocation.assignment.facts import CaseFacts, Decision
from services.allocation.assignment.others import FIELDS as OTHERS
from services.allocation.assignment.others import Others
from services.allocation.assignment.turns import Turns
from services.allocation.assignment.waiting import QUEUE_ORDER
from services.allocation.caseload.upgrading import note_overdue
from services.allocation.caseload.worker import (
    CAPACITY_DUE,
    LEAVE_DUE,
    SUPERVISION_DUE,
    Worker,
)
from services.allocation.casework.goals import KnownGoals
from services.allocation.handover.plan import Plan
from services.allocation.hubs.areas import Areas
from services.allocation.hubs.hub import DUTY_DUE, Hub
from services.allocation.records import ANSWER_DUE, ESCALATE_DUE, HELD, OPEN, REVIEW_DUE, Allocation
from services.allocation.risk.policy import RiskPolicy
from services.allocation.risk.subject import REASSESS_DUE, Subject
from services.allocation.safety.marks import Marks
from services.allocation.safety.people import People
from services.allocation.safety.proposals import Proposals
from shared.errors import NotFound
from shared.operating.runner import Platform
from shared.storage.newest import Newest
from shared.storage.store import Collection, Store

# A decision looks at this many workers with the most room; more only if none of them will do. In a
# Hub that has fewer, at all of them.
PAGE = 30
# And then at this many without room, so that the explanation can say why not them.
FULL_PAGE = 10
MAX_OTHERS = 200


@dataclass(frozen=True)
class Stores:
    """The stores of this service and the risk policy in force."""

    hubs: Store[Hub]
    areas: Areas
    workers: Store[Worker]
    subjects: Store[Subject]
    allocations: Store[Allocation]
    plans: Store[Plan]
    marks: Marks
    people: People
    proposals: Proposals
    agencies: Newest
    turns: Turns
    goals: KnownGoals
    # Only ever inserted, each before the allocation that names it; one that nobody names is of a
    # placing that was overtaken or died.
    decisions: Collection
    # The numbers of finished quarters, each as it was first counted.
    published: Collection
    policy: RiskPolicy

    @classmethod
    def on(cls, platform: Platform, policy: RiskPolicy) -> "Stores":
        """On this service's own database."""
        database, relay = platform.database, platform.relay
        hubs = Store(database["hubs"], Hub, relay)
        return cls(
            hubs=hubs,
            areas=Areas(database["areas"], hubs),
            workers=Store(database["workers"], Worker, relay),
            subjects=Store(database["subjects"], Subject, relay),
            allocations=Store(database["allocations"], Allocation, relay),
            plans=Store(database["plans"], Plan, relay),
            marks=Marks(database["known_marks"]),
            people=People(database),
            proposals=Proposals(database),
            agencies=Newest(database["known_agencies"]),
            turns=Turns(database["turns"]),
            goals=KnownGoals(database["known_goals"]),
            decisions=database["decisions"],
            published=database["published_numbers"],
            policy=policy,
        )

    async def prepare(self) -> None:
        """Create all indexes; safe to repeat. What was stored before areas were reserved is now."""
        await self.hubs.prepare([("areas", 1)], timers=(DUTY_DUE,))
        await self.workers.prepare(
            # Not with the areas: a Hub's workers are few, and an array would cost the order.
            [("hub_id", 1), ("room", -1)],
            [("hub_id", 1), ("_id", 1)],
            [("card.shown", 1), ("_id", 1)],
            [("hub_id", 1), ("overdue_from", 1)],
            [("host_agency_id", 1)],
            [("cases.referral_id", 1)],
            timers=(CAPACITY_DUE, SUPERVISION_DUE, LEAVE_DUE),
        )
        await self.subjects.prepare(timers=(REASSESS_DUE,))
        await self.allocations.prepare(
            [("hub_id", 1), ("status", 1), *QUEUE_ORDER],
            [("hub_id", 1), ("received_at", 1)],
            [("status", 1)],
            [("worker_id", 1), ("status", 1)],
            [("holder_id", 1)],
            [("closed_with", 1), ("closed_at", -1), ("_id", -1)],
            [("subject_id", 1)],
            [("closings.hub_id", 1)],
            timers=(ANSWER_DUE, REVIEW_DUE, ESCALATE_DUE),
        )
        await self.plans.prepare([("hub_id", 1), ("proposed_at", -1), ("_id", -1)])
        await self.areas.adopt()
        await note_overdue(self.workers)
        await self.marks.prepare()
        await self.people.prepare()
        await self.proposals.prepare()
        await self.goals.prepare()

    async def store_decision(self, decision: Decision) -> None:
        """Store a decision whole. Safe to repeat: its id is of its content."""
        with contextlib.suppress(DuplicateKeyError):
            await self.decisions.insert_one({**decision.model_dump(), "_id": decision.id})

    async def decided(self, allocation: Allocation) -> list[Decision]:
        """Its decisions as they are stored, the first one first. Raises `NotFound` if one lacks."""
        ids = list(allocation.decisions)
        found = {d["_id"]: d async for d in self.decisions.find({"_id": {"$in": ids}})}
        if set(found) != set(ids):
            raise NotFound(self.decisions.name)
        return [Decision.model_validate(found[decision_id]) for decision_id in ids]

    async def hub_for(self, area: str) -> Hub | None:
        """The Hub that serves an area; the same one every time where several do."""
        found = await self.hubs.find({"areas": area}, sort=[("_id", 1)], limit=1)
        return found[0] if found else None

    async def hub(self, hub_id: str | None) -> Hub | None:
        """That Hub, if it is registered."""
        if hub_id is None:
            return None
        try:
            return await self.hubs.get(hub_id)
        except NotFound:
            return None

    async def most_room(self, hub: Hub, area: str | None = None) -> list[Worker]:
        """The Hub's workers (of the area) with the most room: all, if they are fewer than a page."""
        return await self.workers.find(_of(hub, area), sort=[("room", -1)], limit=PAGE)

    async def with_room(
        self, hub: Hub, case: CaseFacts, seen: Sequence[str]
    ) -> AsyncIterator[list[Worker]]:
        """Pages of further workers who have room for such a case."""
        where = {**_of(hub, case.area), "room": {"$gte": case.weight}}
        known = list(seen)
        while True:
            # Not by offset: reservations elsewhere reorder the workers meanwhile.
            page = await self.workers.find(
                {**where, "_id": {"$nin": known}}, sort=[("room", -1)], limit=PAGE
            )
            yield page
            if len(page) < PAGE:
                return
            known += [worker.id for worker in page]

    async def without_room(self, hub: Hub, area: str, weight: int) -> list[Worker]:
        """Some of the area's workers who can't take it for lack of room or being away."""
        where = {**_of(hub, area), "room": {"$lt": weight}}
        return await self.workers.find(where, sort=[("room", -1)], limit=FULL_PAGE)

    async def count_workers(self, hub: Hub, area: str | None = None) -> int:
        """How many workers the Hub has (in an area)."""
        return await self.workers.collection.count_documents(_of(hub, area))

    async def standing(self, allocation_id: str) -> dict[str, Any] | None:
        """Whether this allocation waits, with whom, and which worker has it; None if it isn't here."""
        fields = dict.fromkeys(("status", "with_manager", "worker_id"), 1)
        return await self.allocations.collection.find_one({"_id": allocation_id}, fields)

    async def holders(self, referral_id: str) -> list[Worker]:
        """Who has capacity reserved for it: one, or more after a crash in between."""
        return await self.workers.find(
            {"cases.referral_id": referral_id}, sort=[("_id", 1)], limit=1000
        )

    async def others(self, subject_id: str, but: str) -> Others:
        """The young person's other cases."""
        where = {"subject_id": subject_id, "_id": {"$ne": but}}
        cursor = self.allocations.collection.find(where, dict.fromkeys(OTHERS, 1))
        return Others.of([found async for found in cursor.limit(MAX_OTHERS)])

    async def open_of_subject(self, subject_id: str) -> list[str]:
        """The young person's open allocations."""
        where = {"subject_id": subject_id, "status": {"$in": list(OPEN)}}
        cursor = self.allocations.collection.find(where, {"_id": 1})
        return sorted([str(found["_id"]) async for found in cursor])

    async def queue(self, worker: Worker, limit: int = 100) -> list[str]:
        """Who waits for the rules to find someone, and might suit this worker; first in line first.
        Of a young person whom the worker has a case of, also what there seems to be no room for."""
        theirs = sorted({case.subject_id for case in worker.cases if case.subject_id})
        where = {
            "hub_id": worker.hub_id,
            "status": "waiting",
            "with_manager": False,
            "$or": [{"weight": {"$lte": max(0, worker.room)}}, {"subject_id": {"$in": theirs}}],
            "area": {"$in": list(worker.areas)},
        }
        cursor = self.allocations.collection.find(where, {"_id": 1})
        return [str(f["_id"]) async for f in cursor.sort(list(QUEUE_ORDER)).limit(limit)]

    async def worker_ids(self, hub_id: str) -> AsyncIterator[str]:
        """The ids of a Hub's workers."""
        async for found in self.workers.collection.find({"hub_id": hub_id}, {"_id": 1}):
            yield str(found["_id"])

    async def held_by(self, worker_ids: Sequence[str]) -> list[Allocation]:
        """The open allocations of these workers."""
        where: dict[str, Any] = {
            "worker_id": {"$in": list(worker_ids)},
            "status": {"$in": list(HELD)},
        }
        return await self.allocations.find(where, sort=[("_id", 1)], limit=2000)

    async def held_by_another(self, hub: Hub, holder_id: str | None) -> list[Allocation]:
        """What waits for the rules to find a worker and is held by another than this one."""
        where = {
            **{"hub_id": hub.id, "status": "waiting", "with_manager": False},
            "holder_id": {"$ne": holder_id},
        }
        return await self.allocations.find(where, sort=[("_id", 1)], limit=2000)

    async def uncalled(self, hub: Hub, desk: str) -> list[Allocation]:
        """What waits and nobody holds, and that desk has not been called to."""
        where = {"hub_id": hub.id, "status": "waiting", "holder_id": None, "called": {"$ne": desk}}
        return await self.allocations.find(where, sort=[("_id", 1)], limit=2000)

    async def hubs_on_duty(self, worker_id: str) -> list[Hub]:
        """The Hubs whose duty worker this is, or whose rota names them."""
        named = [{"duty_worker_id": worker_id}, {"on_rota": worker_id}]
        return await self.hubs.find({"$or": named})


def _of(hub: Hub, area: str | None = None) -> dict[str, Any]:
    return {"hub_id": hub.id, **({"areas": area} if area else {})}
