"""What the audit service itself writes beside the trail: queries, faults, keys. Pure."""

from datetime import datetime
from typing import Literal

from services.audit.domain.checkpoints import TrustedKey
from services.audit.domain.notes import VerifierKey
from shared.events.trail import TrailIntegrityFailed, TrailKeyRotated, TrailQueried
from shared.records import Change, Record, changed, unchanged


class Query(Record):
    """A question put to the trail. Its entry is the evidence; this only carries it there."""

    at: datetime


def queried(
    query: Query,
    *,
    resource: str,
    asked: dict[str, str],
    purpose: str,
    outcome: Literal["answered", "refused"],
    count: int,
    size: int,
) -> TrailQueried:
    """The event of a query."""
    return TrailQueried(
        query_id=query.id,
        resource=resource,
        filter=asked,
        purpose=purpose,
        outcome=outcome,
        count=count,
        checkpoint_size=size,
    )


class Fault(Record):
    """Something in the store that is not what was written. Recorded once for each place."""

    code: str
    seq: int
    frozen: bool
    found_at: datetime


def found(fault: Fault) -> TrailIntegrityFailed:
    """The event of a fault."""
    return TrailIntegrityFailed(code=fault.code, seq=fault.seq, frozen=fault.frozen)


class KeyEntry(Record):
    """A key of the trail; it counts for checkpoints of first <= size <= last (None: still)."""

    verifier_key: str
    first: int
    last: int | None = None

    @property
    def trusted(self) -> TrustedKey:
        return TrustedKey(VerifierKey.parse(self.verifier_key), self.first, self.last)


def introduced(entry: KeyEntry) -> TrailKeyRotated:
    """The event of a new key."""
    return TrailKeyRotated(
        key_id=entry.id, verifier_key=entry.verifier_key, change="introduced", size=entry.first
    )


def retire(entry: KeyEntry, size: int) -> Change[KeyEntry]:
    """From now on the key counts up to this size; retiring it twice changes nothing."""
    if entry.last is not None:
        return unchanged(entry)
    event = TrailKeyRotated(
        key_id=entry.id, verifier_key=entry.verifier_key, change="retired", size=size
    )
    return changed(entry, event, last=size)


class Export(Record):
    """An export as it was asked for: pinned to one checkpoint, so it is the same whenever fetched."""

    asked_by: str
    purpose: str
    asked_at: datetime
    size: int
    filter: dict[str, str]
    previous: int | None = None
