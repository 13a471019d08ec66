"""What the allocation service keeps: its collections, their indexes, its reading queries."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo.errors import DuplicateKeyError

from services.allocation.domain.allocations import (
    ANSWER_DUE,
    ESCALATE_DUE,
    HELD,
    OPEN,
    REVIEW_DUE,
    Allocation,
)
from services.allocation.domain.capacity import CAPACITY_DUE
from services.allocation.domain.facts import Decision
from services.allocation.domain.handover import Plan
from services.allocation.domain.hubs import Hub
from services.allocation.domain.policy import RiskPolicy
from services.allocation.domain.subjects import REASSESS_DUE, Subject
from services.allocation.domain.supervision import SUPERVISION_DUE
from services.allocation.domain.waiting import QUEUE_ORDER
from services.allocation.domain.workers import Worker
from shared.errors import NotFound
from shared.runner import Platform
from shared.store import Collection, Store

# A decision looks at this many workers with the most room; more only if none of them will do.
PAGE = 20
# And at this many without room, so that the explanation can say why not them.
FULL_PAGE = 10
MAX_EARLIER = 50


@dataclass(frozen=True)
class Desk:
    """The stores of this service and the risk policy in force."""

    hubs: Store[Hub]
    workers: Store[Worker]
    subjects: Store[Subject]
    allocations: Store[Allocation]
    plans: Store[Plan]
    # Only ever inserted, each before the allocation that names it; one that nobody names is of a
    # placing that was overtaken or died.
    decisions: Collection
    policy: RiskPolicy

    @classmethod
    def on(cls, platform: Platform, policy: RiskPolicy) -> "Desk":
        """On this service's own database."""
        database, relay = platform.database, platform.relay
        return cls(
            hubs=Store(database["hubs"], Hub, relay),
            workers=Store(database["workers"], Worker, relay),
            subjects=Store(database["subjects"], Subject, relay),
            allocations=Store(database["allocations"], Allocation, relay),
            plans=Store(database["plans"], Plan, relay),
            decisions=database["decisions"],
            policy=policy,
        )

    async def prepare(self) -> None:
        """Create all indexes; safe to repeat."""
        await self.hubs.prepare([("areas", 1)])
        await self.workers.prepare(
            # Not with the areas: a Hub's workers are few, and an array would cost the order.
            [("hub_id", 1), ("room", -1)],
            [("hub_id", 1), ("_id", 1)],
            [("host_agency_id", 1)],
            [("cases.referral_id", 1)],
            clocks=(CAPACITY_DUE, SUPERVISION_DUE),
        )
        await self.subjects.prepare(clocks=(REASSESS_DUE,))
        await self.allocations.prepare(
            [("hub_id", 1), ("status", 1), *QUEUE_ORDER],
            [("hub_id", 1), ("received_at", 1)],
            [("worker_id", 1), ("status", 1)],
            [("subject_id", 1)],
            clocks=(ANSWER_DUE, REVIEW_DUE, ESCALATE_DUE),
        )
        await self.plans.prepare([("hub_id", 1)])

    async def keep(self, decision: Decision) -> None:
        """Store a decision whole. Safe to repeat: its id is of its content."""
        document = {**decision.model_dump(), "_id": decision.id}
        with contextlib.suppress(DuplicateKeyError):
            await self.decisions.insert_one(document)

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

    async def with_room(
        self, hub: Hub, area: str, weight: int, avoided: Sequence[str]
    ) -> AsyncIterator[list[Worker]]:
        """Pages of workers who could take such a case now by what the index knows, most room first."""
        where = {
            "hub_id": hub.id,
            "areas": area,
            "room": {"$gte": weight},
            "host_setting": {"$nin": list(avoided)},
        }
        seen: list[str] = []
        while True:
            # Not by offset: reservations elsewhere reorder the workers meanwhile.
            page = await self.workers.find(
                {**where, "_id": {"$nin": seen}} if seen else where, sort=[("room", -1)], limit=PAGE
            )
            yield page
            if len(page) < PAGE:
                return
            seen += [worker.id for worker in page]

    async def without_room(self, hub: Hub, area: str, weight: int) -> list[Worker]:
        """Some of the area's workers who can't take it for lack of room or being away."""
        where = {"hub_id": hub.id, "areas": area, "room": {"$lt": weight}}
        return await self.workers.find(where, sort=[("room", -1)], limit=FULL_PAGE)

    async def waits(self, allocation_id: str) -> bool:
        """Whether this allocation waits for the rules to find someone."""
        where = {"_id": allocation_id, "status": "waiting", "with_manager": False}
        return await self.allocations.collection.find_one(where, {"_id": 1}) is not None

    async def holders(self, referral_id: str) -> list[Worker]:
        """Who has capacity reserved for it: one, or more after a crash in between."""
        return await self.workers.find(
            {"cases.referral_id": referral_id}, sort=[("_id", 1)], limit=1000
        )

    async def earlier(self, subject_id: str, but: str) -> tuple[list[str], list[str]]:
        """Referrals about the same young person, and the workers who have worked with them."""
        referrals: list[str] = []
        workers: set[str] = set()
        fields = {"worker_id": 1, "workers_before": 1, "refusals.worker_id": 1}
        cursor = self.allocations.collection.find(
            {"subject_id": subject_id, "_id": {"$ne": but}}, fields
        ).limit(MAX_EARLIER)
        async for found in cursor:
            referrals.append(found["_id"])
            refused = {refusal["worker_id"] for refusal in found.get("refusals", ())}
            had = {*found.get("workers_before", ()), found.get("worker_id")}
            workers |= {worker for worker in had - refused if worker}
        return sorted(referrals), sorted(workers)

    async def open_of_subject(self, subject_id: str) -> list[str]:
        """The young person's open allocations."""
        where = {"subject_id": subject_id, "status": {"$in": list(OPEN)}}
        cursor = self.allocations.collection.find(where, {"_id": 1}).limit(MAX_EARLIER)
        return sorted([str(found["_id"]) async for found in cursor])

    async def queue(self, worker: Worker, limit: int = 100) -> list[str]:
        """Who waits for the rules to find someone, and might suit this worker; first in line first."""
        where = {
            "hub_id": worker.hub_id,
            "status": "waiting",
            "with_manager": False,
            "weight": {"$lte": max(0, worker.room)},
            "area": {"$in": list(worker.areas)},
        }
        cursor = self.allocations.collection.find(where, {"_id": 1})
        return [str(f["_id"]) async for f in cursor.sort(list(QUEUE_ORDER)).limit(limit)]

    async def held_by(self, worker_ids: Sequence[str]) -> list[Allocation]:
        """The open allocations of these workers."""
        where: dict[str, Any] = {
            "worker_id": {"$in": list(worker_ids)},
            "status": {"$in": list(HELD)},
        }
        return await self.allocations.find(where, sort=[("_id", 1)], limit=2000)

    async def rows(self, hub_id: str, start: datetime, end: datetime) -> list[dict[str, Any]]:
        """What is counted of the allocations something happened to in that time."""
        times = ("received_at", "allocated_at", "accepted_at", "closed_at")
        within = [{field: {"$gte": start, "$lt": end}} for field in times]
        fields = [
            *times,
            "assessment.level",
            "worker_id",
            "workers_before",
            "closure",
            "outcomes",
            "reach",
        ]
        cursor = self.allocations.collection.find(
            {"hub_id": hub_id, "$or": within}, dict.fromkeys(fields, 1)
        )
        return [row async for row in cursor]
