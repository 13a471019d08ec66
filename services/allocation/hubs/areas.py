"""Which Hub has an area: reserved before the Hub's entry is stored, so that no two ever serve one.

Not a unique index over the areas of the Hubs: one of the embedded stores never frees a value that an
update took away. See docs/decisions/1003.
"""

import contextlib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from pymongo.errors import DuplicateKeyError

from services.allocation.hubs.hub import Hub
from shared.clock import now
from shared.errors import Outage, Refused
from shared.storage.store import Collection, Store

# After this long a reservation of an area that its Hub doesn't have belongs to a request that died.
ABANDONED = timedelta(minutes=2)


class Areas:
    """One document for each area that a Hub has, or is about to have."""

    def __init__(self, areas: Collection, hubs: Store[Hub]) -> None:
        self._areas, self._hubs = areas, hubs

    async def adopt(self) -> None:
        """Reserve the areas of Hubs that a release without reservations has stored. Where several
        have one, the first by id keeps it, as it always got the cases. Safe to repeat."""
        hubs = self._hubs.collection.find({}, {"areas": 1}).sort([("_id", 1)])
        wanted: dict[str, str] = {}
        async for hub in hubs:
            wanted = {**dict.fromkeys(hub["areas"], str(hub["_id"])), **wanted}
        known = {held["_id"] async for held in self._areas.find({}, {"_id": 1})}
        for area in sorted(set(wanted) - known):
            with contextlib.suppress(DuplicateKeyError):  # another replica starts, too
                await self._areas.insert_one({"_id": area, "hub_id": wanted[area], "at": now()})

    async def check(self, hub_id: str, areas: Iterable[str], at: datetime) -> None:
        """Raises what `reserve` would raise, and writes nothing."""
        cursor = self._areas.find({"_id": {"$in": sorted(areas)}, "hub_id": {"$ne": hub_id}})
        async for held in cursor.sort([("_id", 1)]):
            await self._heed(held["_id"], held["hub_id"], held["at"], at)

    async def reserve(self, hub_id: str, areas: Iterable[str], at: datetime) -> dict[str, datetime]:
        """The areas are the Hub's from here on; returns those that were free before, for `release`.
        Safe to repeat.

        Raises `Refused` when another Hub has one of them, `Outage` when another request is at it
        now; those that were free are free again then.
        """
        new: list[str] = []
        try:
            # All in one order: of two requests for the same areas one gets them all.
            for area in sorted(areas):
                if await self._reserve_one(hub_id, area, at):
                    new.append(area)
        except (Refused, Outage):
            await self._areas.delete_many({"_id": {"$in": new}, "hub_id": hub_id, "at": at})
            raise
        return dict.fromkeys(new, at)

    async def held(self, hub_id: str, areas: Iterable[str]) -> dict[str, datetime]:
        """Those of the areas that are reserved for the Hub, and since when."""
        cursor = self._areas.find({"_id": {"$in": sorted(areas)}, "hub_id": hub_id})
        return {found["_id"]: found["at"] async for found in cursor}

    async def release(self, hub_id: str, held: Mapping[str, datetime]) -> None:
        """Other Hubs may have these areas, unless they were reserved anew. Safe to repeat."""
        for area, at in held.items():
            await self._areas.delete_one({"_id": area, "hub_id": hub_id, "at": at})

    async def _reserve_one(self, hub_id: str, area: str, at: datetime) -> bool:
        """Whether it was free before."""
        try:
            await self._areas.insert_one({"_id": area, "hub_id": hub_id, "at": at})
        except DuplicateKeyError:
            pass
        else:
            return True
        own = await self._areas.update_one({"_id": area, "hub_id": hub_id}, {"$set": {"at": at}})
        if own.matched_count:
            return False
        held = await self._areas.find_one({"_id": area})
        if held is None:
            raise Outage("area_being_moved")  # freed between the two calls
        await self._heed(area, held["hub_id"], held["at"], at)
        same = {"_id": area, "hub_id": held["hub_id"], "at": held["at"]}
        taken = await self._areas.update_one(same, {"$set": {"hub_id": hub_id, "at": at}})
        if not taken.matched_count:
            raise Outage("area_being_moved")
        return False

    async def _heed(self, area: str, holder: str, since: datetime, at: datetime) -> None:
        """Returns if the reservation is one that a crash left. Raises `Refused`, `Outage`."""
        if await self._hubs.find({"_id": holder, "areas": area}, limit=1):
            detail = "Another Hub serves this area; take it from that one first."
            raise Refused("area_taken", detail, area=area, hub=holder)
        if at - since < ABANDONED:
            raise Outage("area_being_moved")
