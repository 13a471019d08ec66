"""A circuit breaker for each webhook: one that fails is called less often, and has a lane of its own."""

import contextlib
from datetime import datetime

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from services.notify.delivery.outcomes import Outcome
from services.notify.delivery.timing import slowed_until
from shared.storage.store import Collection


class Endpoints:
    """How the webhook of each recipient is doing."""

    def __init__(self, collection: Collection, backoff: tuple[float, ...]) -> None:
        self.collection, self._backoff = collection, backoff

    async def failing(self) -> list[str]:
        """The recipients whose endpoints failed last time: they have a lane of their own."""
        cursor = self.collection.find({"failures": {"$gt": 0}}, {"_id": 1}).limit(10_000)
        return [found["_id"] async for found in cursor]

    async def circuit_open_until(self, recipient: str) -> datetime | None:
        """Until when the endpoint is not called; None if it is well. Stored as `not_before`."""
        found = await self.collection.find_one({"_id": recipient})
        return found.get("not_before") if found and found["failures"] else None

    async def failed(self, recipient: str, outcome: Outcome, at: datetime) -> int:
        """Open its circuit for a while, longer each time. Returns how often it has failed in a row."""
        found = await self.collection.find_one_and_update(
            {"_id": recipient},
            {"$inc": {"failures": 1}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        failures = int((found or {})["failures"])
        until = slowed_until(failures, at, outcome.retry_after, self._backoff)
        await self.collection.update_one({"_id": recipient}, {"$set": {"not_before": until}})
        return failures

    async def answered(self, recipient: str) -> bool:
        """The endpoint is well. Returns whether its circuit was open, or half so, until now."""
        found = await self.collection.find_one({"_id": recipient})
        if not found or not found["failures"]:
            return False
        await self.collection.update_one({"_id": recipient}, {"$set": {"failures": 0}})
        return True

    async def begin_challenge(self, recipient: str, at: datetime, until: datetime) -> bool:
        """Take this endpoint's only challenge; False while another is under way."""
        with contextlib.suppress(DuplicateKeyError):  # it is there
            await self.collection.insert_one({"_id": recipient, "failures": 0})
        free = {"$or": [{"challenge_until": None}, {"challenge_until": {"$lte": at}}]}
        taken = {"$set": {"challenge_until": until}}
        result = await self.collection.update_one({"_id": recipient, **free}, taken)
        return result.matched_count == 1

    async def end_challenge(self, recipient: str, until: datetime) -> None:
        """Give it back, if it is still the one that was taken until then."""
        mine = {"_id": recipient, "challenge_until": until}
        await self.collection.update_one(mine, {"$set": {"challenge_until": None}})

    async def challenged(self, recipient: str) -> int:
        """Count one more challenge of this endpoint. Returns how many there were."""
        found = await self.collection.find_one_and_update(
            {"_id": recipient},
            {"$inc": {"challenges": 1}, "$setOnInsert": {"failures": 0}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        return int((found or {})["challenges"])
