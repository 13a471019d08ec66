"""Which referral an agency's reference belongs to."""

import asyncio
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from pymongo.errors import DuplicateKeyError

from shared.errors import Outage
from shared.storage.store import Collection, Document


@dataclass(frozen=True)
class Reference:
    """An agency's reference (keyed hash) with the referral it was reserved for, when, by which
    request (keyed hash of its body), and how often it had become free again before."""

    id: str
    referral_id: str
    request_hash: str
    at: datetime
    use: int = 0

    @property
    def hash(self) -> str:
        """What stands in the referral: another one for each use, so that what the one before left in
        a unique index of the store is in nobody's way."""
        return f"{self.id}~{self.use}" if self.use else self.id


class References:
    """Which referral an agency's reference belongs to. Reserved before anything else is written, so
    that a request refused for its reference has changed nothing."""

    def __init__(self, collection: Collection) -> None:
        self._references = collection

    async def prepare(self) -> None:
        await self._references.create_index("referral_id", unique=True)

    async def reserve(self, mine: Reference) -> Reference | None:
        """None when it is reserved now, else who holds the reference or the key of this request."""
        document = {"_id": mine.id, **_fields(mine)}
        try:
            await asyncio.shield(self._references.insert_one(document))
            return None
        except DuplicateKeyError:
            pass
        either = {"$or": [{"_id": mine.id}, {"referral_id": mine.referral_id}]}
        found = [_reference(d) async for d in self._references.find(either)]
        if not found:
            raise Outage("reference_being_used")  # released between the two calls
        return min(found, key=lambda held: held.referral_id != mine.referral_id)

    async def holder(self, reference_id: str) -> str | None:
        """The referral that a reference is reserved for."""
        found = await self._references.find_one({"_id": reference_id}, {"referral_id": 1})
        return str(found["referral_id"]) if found else None

    async def of(self, referral_id: str) -> Reference | None:
        """What is reserved for a referral."""
        found = await self._references.find_one({"referral_id": referral_id})
        return _reference(found) if found else None

    async def take_over(self, held: Reference, mine: Reference) -> bool:
        """Reserve what a request that came to nothing has left, or a referral that gave it up. False
        when others were faster."""
        same = {"_id": held.id, "referral_id": held.referral_id, "at": held.at}
        try:
            result = await self._references.update_one(same, {"$set": _fields(mine)})
        except DuplicateKeyError:
            return False
        return result.modified_count == 1

    async def release(self, referral_id: str) -> None:
        """The reference may be used again. Safe to repeat."""
        await self._references.delete_one({"referral_id": referral_id})


def _fields(reference: Reference) -> Document:
    fields = asdict(reference)
    del fields["id"]
    return fields


def _reference(document: Document) -> Reference:
    at = document["at"]
    return Reference(
        id=document["_id"],
        referral_id=document["referral_id"],
        request_hash=document["request_hash"],
        at=at.replace(tzinfo=at.tzinfo or UTC),
        use=document.get("use", 0),
    )
