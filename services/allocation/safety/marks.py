"""Who is marked as unsafe for which young person, as the referral service says."""

from collections.abc import Collection

from shared.events import Event
from shared.events.subject import AboutSharing
from shared.storage.newest import Newest
from shared.storage.store import Collection as Stored


class Marks:
    """The marked names of each young person. Their newest event counts: it carries all of them."""

    def __init__(self, collection: Stored) -> None:
        self._newest = Newest(collection)

    async def prepare(self) -> None:
        """Create the index; safe to repeat."""
        await self._newest.collection.create_index("unsafe")

    async def keep(self, event: Event[AboutSharing]) -> None:
        """What the event says, or something newer, is known on return."""
        unsafe = {"unsafe": list(event.data.marked())}
        await self._newest.keep(event.data.subject_id, event.version, unsafe)

    async def unsafe_for(self, subject_id: str) -> tuple[str, ...]:
        """Everybody marked as unsafe for a young person, by name."""
        return tuple((await self._newest.get(subject_id)).get("unsafe", ()))

    async def of_each(self, subject_ids: Collection[str]) -> dict[str, tuple[str, ...]]:
        """The same of several young people, in one reading."""
        where = {"_id": {"$in": sorted(set(subject_ids))}}
        cursor = self._newest.collection.find(where, {"unsafe": 1})
        return {str(found["_id"]): tuple(found.get("unsafe", ())) async for found in cursor}

    async def subjects_of(self, names: Collection[str]) -> list[str]:
        """The young people for whom somebody of these names is marked."""
        where = {"unsafe": {"$in": sorted(names)}}
        cursor = self._newest.collection.find(where, {"_id": 1})
        return sorted([str(found["_id"]) async for found in cursor])
