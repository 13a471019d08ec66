"""The Hubs of the network and their areas, as allocation tells of them.

Asked at every question of a Hub's manager, and kept nowhere else: once an event is handled, each
replica answers by it. See docs/decisions/1003.
"""

from pymongo.errors import DuplicateKeyError

from services.referral.hubs.rule import Hub
from shared.events import Event
from shared.events.workers import HubRegistered
from shared.storage.store import Collection

MAX_HUBS = 1000


class Directory:
    """The projection in the store."""

    def __init__(self, hubs: Collection) -> None:
        self._hubs = hubs

    async def note(self, event: Event[HubRegistered]) -> None:
        """The newest entry of a Hub counts, whenever it comes. Safe to repeat."""
        hub = event.data
        fields = {"version": event.version, "areas": list(hub.areas)}
        try:
            await self._hubs.insert_one({"_id": hub.hub_id, **fields})
        except DuplicateKeyError:
            older = {"_id": hub.hub_id, "version": {"$lt": event.version}}
            await self._hubs.update_one(older, {"$set": fields})

    async def has(self, hub_id: str | None) -> bool:
        """Whether that Hub is registered."""
        return await self._hubs.find_one({"_id": hub_id}) is not None

    async def have(self, area: str) -> bool:
        """Whether a Hub has an area of this code."""
        return await self._hubs.find_one({"areas": area}, {"_id": 1}) is not None

    async def all(self) -> list[Hub]:
        """All registered Hubs, by id."""
        found = self._hubs.find({}).sort([("_id", 1)]).limit(MAX_HUBS)
        return [Hub(hub["_id"], frozenset(hub["areas"])) async for hub in found]
