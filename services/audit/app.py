"""The composition root of the audit service."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field, SecretStr, ValidationInfo, field_validator

from services.audit.court import routes as court
from services.audit.exports import routes as exports
from services.audit.exports.export import Export
from services.audit.integrity import routes as integrity
from services.audit.integrity.completeness import Completeness
from services.audit.integrity.faults import Fault
from services.audit.integrity.losses import AskedAgain, Loss
from services.audit.integrity.selfcheck import HARMLESS, SelfCheck
from services.audit.log import proofs
from services.audit.log import routes as log
from services.audit.log.damage import Damaged
from services.audit.log.keyring import KeyRing
from services.audit.log.keys import KeyEntry
from services.audit.log.notes import is_name
from services.audit.log.sequencer import Sequencer
from services.audit.log.signer import Signer
from services.audit.log.signing import SigningKey
from services.audit.log.store import Trail
from services.audit.measures import age_of_checkpoint
from services.audit.parked import routes as parked
from services.audit.parked.command import Parked
from services.audit.parked.record import Handled
from services.audit.queries import Queries
from services.audit.query import Query
from services.audit.reports import accounting
from services.audit.reports import routes as reports
from services.audit.search import accounts
from services.audit.search import routes as search
from services.audit.search.left import has_left
from services.audit.state import Audit
from services.audit.witnesses import routes as witnesses
from services.audit.witnesses.cosignatures import Cosignatures, Witnesses
from shared.messaging.bus import Feed
from shared.operating.kinds import Key32, Seconds
from shared.operating.runner import Build, Platform, Service
from shared.operating.settings import Settings
from shared.storage.store import Store

ROUTERS: list[APIRouter] = [
    log.router,
    proofs.router,
    witnesses.router,
    accounting.router,
    court.router,
    reports.router,
    integrity.router,
    exports.router,
    accounts.router,
    parked.router,
    search.router,  # last: `/v1/trail/{seq}` would take the others' paths
]


class AuditSettings(Settings):
    """The trail's name, the key that signs for it, and during a rotation the key before; and who
    witnesses it: their verifier keys, and how many of them must vouch (all).

    A key is 32 random bytes in base64: `openssl rand -base64 32`. It never goes into the store.
    """

    audit_origin: str = "hub-and-spoke/trail"
    audit_signing_key: Key32
    audit_old_signing_key: Key32 | None = None
    audit_check_rate: Annotated[int, Field(ge=1)] = 2000
    audit_lease: Seconds = 15.0
    audit_witnesses: tuple[str, ...] = ()
    audit_quorum: int | None = None

    @field_validator("audit_origin")
    @classmethod
    def _named(cls, name: str) -> str:
        if not is_name(name):
            raise ValueError("is no name of a key; expected words without spaces and without +")
        return name

    @field_validator("audit_witnesses")
    @classmethod
    def _agreed(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        Witnesses.of(texts, None)
        return texts

    @field_validator("audit_quorum")
    @classmethod
    def _demanded(cls, needed: int | None, info: ValidationInfo) -> int | None:
        Witnesses.of(info.data.get("audit_witnesses", ()), needed)
        return needed

    def witnesses(self) -> Witnesses:
        """Who must vouch. Raises `ValueError`."""
        return Witnesses.of(self.audit_witnesses, self.audit_quorum)

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
        complete=Completeness(
            trail,
            database,
            Store(database["losses"], Loss, relay),
            Store(database["asked_again"], AskedAgain, relay),
        ),
        faults=faults,
        exports=Store(database["exports"], Export, relay),
        cosignatures=Cosignatures(trail, database, settings.witnesses(), settings.audit_origin),
        parked=Parked(relay.bus, Store(database["parked"], Handled, relay)),
        signer=signer,
        sequencer=Sequencer(trail, signer, lease=timedelta(seconds=settings.audit_lease)),
    )


def feed_of(sequencer: Sequencer) -> Feed:
    """The feed that fills the trail."""
    return Feed("audit", sequencer.append, sequencer.last_read, sequencer.broken)


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
            has_left=partial(has_left, parts.trail),
            refused=parts.queries.refused,
            feed=feed_of(parts.sequencer),
            measures=[partial(age_of_checkpoint, parts.trail)],
            loops=[
                parts.sequencer.renew_lease,
                lambda: parts.signer.run(lambda: parts.sequencer.writing),
                lambda: parts.check.run(parts.ring.trusted, found),
                lambda: parts.complete.run(lambda: parts.sequencer.writing),
                parts.queries.prune,
                parts.cosignatures.watch,
            ],
        )

    return on
