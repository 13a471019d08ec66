"""What the allocation service keeps: its collections, their indexes, its reading queries."""

from dataclasses import dataclass

from services.allocation.domain.records import Allocation, Hub, Worker
from services.allocation.domain.risk import RiskPolicy
from shared.runner import Platform
from shared.store import Store

MAX_WORKERS = 1000


@dataclass(frozen=True)
class Desk:
    """The stores of this service and the risk policy in force."""

    hubs: Store[Hub]
    workers: Store[Worker]
    allocations: Store[Allocation]
    policy: RiskPolicy

    @classmethod
    def on(cls, platform: Platform, policy: RiskPolicy) -> "Desk":
        """On this service's own database."""
        database, relay = platform.database, platform.relay
        return cls(
            hubs=Store(database["hubs"], Hub, relay),
            workers=Store(database["workers"], Worker, relay),
            allocations=Store(database["allocations"], Allocation, relay),
            policy=policy,
        )

    async def prepare(self) -> None:
        """Create all indexes; safe to repeat."""
        await self.hubs.prepare([("areas", 1)])
        await self.workers.prepare([("hub_id", 1), ("areas", 1)], [("cases.referral_id", 1)])
        await self.allocations.prepare([("worker_id", 1), ("decided_at", -1)])

    async def hub_for(self, area: str) -> Hub | None:
        """The Hub that serves an area; the same one every time where several do."""
        found = await self.hubs.find({"areas": area}, sort=[("_id", 1)], limit=1)
        return found[0] if found else None

    async def candidates(self, hub: Hub, area: str) -> list[Worker]:
        """The workers of a Hub for an area."""
        where = {"hub_id": hub.id, "areas": area}
        return await self.workers.find(where, limit=MAX_WORKERS)

    async def holders(self, referral_id: str) -> list[Worker]:
        """Who has capacity reserved for this referral: one, or more after a crash in between."""
        return await self.workers.find({"cases.referral_id": referral_id}, sort=[("_id", 1)])
