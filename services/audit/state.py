"""What the routes work with, as `app.py` wired it."""

from dataclasses import dataclass

from services.audit.domain.records import Export, Fault
from services.audit.keyring import KeyRing
from services.audit.queries import Queries
from services.audit.selfcheck import SelfCheck
from services.audit.store import Trail
from shared.store import Store


@dataclass(frozen=True)
class Audit:
    """The parts of the service."""

    trail: Trail
    ring: KeyRing
    queries: Queries
    check: SelfCheck
    faults: Store[Fault]
    exports: Store[Export]

    async def prepare(self) -> None:
        """Create collections' indexes and the first state; safe to repeat."""
        await self.trail.prepare()
        for store in (self.queries.store, self.faults, self.ring.store, self.exports):
            await store.prepare()
