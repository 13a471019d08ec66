"""What the routes work with, as `app.py` wired it."""

from dataclasses import dataclass

from services.audit.exports.export import Export
from services.audit.integrity.completeness import Completeness
from services.audit.integrity.faults import Fault
from services.audit.integrity.selfcheck import SelfCheck
from services.audit.log.keyring import KeyRing
from services.audit.log.store import Trail
from services.audit.parked.command import Parked
from services.audit.queries import Queries
from services.audit.witnesses.cosignatures import Cosignatures
from shared.storage.store import Store


@dataclass(frozen=True)
class Audit:
    """The parts of the service."""

    trail: Trail
    ring: KeyRing
    queries: Queries
    check: SelfCheck
    complete: Completeness
    faults: Store[Fault]
    exports: Store[Export]
    cosignatures: Cosignatures
    parked: Parked

    async def prepare(self) -> None:
        """Create collections' indexes and the first state; safe to repeat."""
        await self.trail.prepare()
        for store in (
            self.queries.store,
            self.faults,
            self.ring.store,
            self.exports,
            self.complete.losses,
            self.complete.asked_again,
            self.parked.handled,
        ):
            await store.prepare()
