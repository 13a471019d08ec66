"""The keys of the trail: each counts for a range of sizes. Pure."""

from services.audit.log.checkpoints import TrustedKey
from services.audit.log.notes import VerifierKey
from shared.events.trail import TrailKeyRotated
from shared.storage.records import Change, Record, changed, unchanged


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
