"""The composition root of the audit service."""

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


def build(settings: AuditSettings) -> Build:
    """The service on a platform."""

    def on(platform: Platform) -> Service:
        database, relay = platform.database, platform.relay
        trail = Trail(database)
        queries = Store(database["queries"], Query, relay)
        faults = Store(database["faults"], Fault, relay)
        keys = Store(database["keys"], KeyEntry, relay)
        exports = Store(database["exports"], Export, relay)
        ring = KeyRing(keys, *settings.keys())
        signer = Signer(trail, ring, faults)
        sequencer = Sequencer(trail, signer, lease=timedelta(seconds=settings.audit_lease))
        check = SelfCheck(trail, rate=settings.audit_check_rate)
        asking = Queries(queries)

        async def prepare() -> None:
            await trail.prepare()
            for store in (queries, faults, keys, exports):
                await store.prepare()

        async def found(damage: Damaged) -> None:
            await signer.freeze(damage, stop_signing=damage.code not in HARMLESS)

        return Service(
            name="audit",
            state=Audit(trail, ring, asking, check, faults, exports),
            routers=ROUTERS,
            prepare=prepare,
            feed=Feed("audit", sequencer.append, sequencer.last_offset),
            loops=[
                sequencer.keep_lease,
                lambda: signer.run(lambda: sequencer.writing),
                lambda: check.run(ring.trusted, found),
                asking.prune,
            ],
        )

    return on
