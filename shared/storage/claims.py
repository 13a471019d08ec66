"""The timers of one collection: fields named `…_due` that say when something happens by itself."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pymongo import ASCENDING

from shared.clock import Clock
from shared.storage.documents import Collection, Document
from shared.storage.wake import Wake

AHEAD = 20


class Claims:
    """Claims on due records, and one `Wake` for each timer of this process."""

    def __init__(self, collection: Collection, clock: Clock) -> None:
        self._collection, self._clock = collection, clock
        self._ahead: defaultdict[str, list[str]] = defaultdict(list)
        self._wakes: defaultdict[str, Wake] = defaultdict(lambda: Wake(clock))

    def wake(self, timer: str) -> Wake:
        """The pause of the loop that looks after this timer."""
        return self._wakes[timer]

    def moved(self, due: Mapping[str, datetime | None]) -> None:
        """These timers were set; None means that one was stopped."""
        for timer, time in due.items():
            if time is not None:
                self._wakes[timer].at(time)

    async def claim(
        self, timer: str, lease: float, where: Mapping[str, Any] | None = None
    ) -> Document | None:
        """As `Store.claim`."""
        at = self._clock()
        due: Document = {timer: {"$lte": at}, **(where or {})}
        ahead = self._ahead[timer]
        while ahead or await self._look_ahead(ahead, due, timer):
            document = await self._collection.find_one_and_update(
                # Seen a while ago, perhaps with another `where`, perhaps by others too: asked again.
                {"_id": ahead.pop(), **due},
                {"$set": {timer: at + timedelta(seconds=lease)}},
            )
            if document is not None:
                return document
        return None

    async def _look_ahead(self, ahead: list[str], due: Document, timer: str) -> bool:
        """Which are next, so that not every claim has to look through all that are due."""
        cursor = self._collection.find(due, {"_id": 1}).sort([(timer, ASCENDING)]).limit(AHEAD)
        ahead[:] = reversed([document["_id"] async for document in cursor])
        return bool(ahead)

    async def postpone(
        self, record_id: str, timer: str, until: datetime | None, version: int | None
    ) -> None:
        """As `Store.postpone`."""
        where: Document = {"_id": record_id, timer: {"$exists": True}}
        if version is not None:
            where["version"] = version
        update = {"$set": {timer: until}} if until else {"$unset": {timer: ""}}
        await self._collection.update_one(where, update)
        self.moved({timer: until})
