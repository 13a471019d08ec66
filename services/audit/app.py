"""The composition root of the audit service."""

from dataclasses import dataclass
from datetime import timedelta

from pydantic import SecretStr

from services.audit.domain.notes import SigningKey
from services.audit.domain.records import Export, Fault, KeyEntry, Query
from services.audit.keyring import KeyRing
from services.audit.queries import Queries
from services.audit.routes import ROUTERS
from services.audit.selfcheck import HARMLESS, SelfCheck
from services.audit.sequencer import Sequencer
from services.audit.signer import Signer
from services.audit.state import Audit
from services.audit.store import Damaged, Trail
from shared.bus import Feed
from shared.runner import Build, Platform, Service
from shared.settings import Settings
from shared.store import Store


class AuditSettings(Settings):
    """The trail's name, the key that signs for it, and during a rotation the key before.

    A key is 32 random bytes in base64: `openssl rand -base64 32`. It never goes into the store.
    """

    audit_origin: str = "hub-and-spoke/trail"
    audit_signing_key: SecretStr
    audit_old_signing_key: SecretStr | None = None
    audit_check_rate: int = 2000
    audit_lease: float = 15.0

    def keys(self) -> tuple[SigningKey, SigningKey | None]:
        """The signing key, and the old one. Raises `BadKey`."""
        old = self.audit_old_signing_key
        return self._key(self.audit_signing_key), self._key(old) if old else None

    def _key(self, seed: SecretStr) -> SigningKey:
        return SigningKey.parse(f"{self.audit_origin}+{seed.get_secret_value()}")


@dataclass(frozen=True)
class Parts(Audit):
    """All of the service: what routes work with, and what writes."""

    signer: Signer
    sequencer: Sequencer


def parts_of(settings: AuditSettings, platform: Platform) -> Parts:
    """The parts on a platform, wired."""
    database, relay = platform.database, platform.relay
    trail = Trail(database)
    faults = Store(database["faults"], Fault, relay)
    ring = KeyRing(Store(database["keys"], KeyEntry, relay), *settings.keys())
    signer = Signer(trail, ring, faults)
    return Parts(
        trail=trail,
        ring=ring,
        queries=Queries(Store(database["queries"], Query, relay)),
        check=SelfCheck(trail, rate=settings.audit_check_rate),
        faults=faults,
        exports=Store(database["exports"], Export, relay),
        signer=signer,
        sequencer=Sequencer(trail, signer, lease=timedelta(seconds=settings.audit_lease)),
    )


def build(settings: AuditSettings) -> Build:
    """The service on a platform."""

    def on(platform: Platform) -> Service:
        parts = parts_of(settings, platform)

        async def found(damage: Damaged) -> None:
            await parts.signer.freeze(damage, stop_signing=damage.code not in HARMLESS)

        return Service(
            name="audit",
            state=parts,
            routers=ROUTERS,
            prepare=parts.prepare,
            feed=Feed("audit", parts.sequencer.append, parts.sequencer.last_offset),
            loops=[
                parts.sequencer.keep_lease,
                lambda: parts.signer.run(lambda: parts.sequencer.writing),
                lambda: parts.check.run(parts.ring.trusted, found),
                parts.queries.prune,
            ],
        )

    return on
