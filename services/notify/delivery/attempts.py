"""Attempts to deliver: a row when one begins and a row when it ends. Rows are never changed."""

from datetime import datetime, timedelta
from typing import Literal

from pymongo.errors import DuplicateKeyError

from services.notify.delivery.outcomes import Outcome
from shared.events.notify import Channel
from shared.storage.store import Collection

Reached = Literal["no", "perhaps", "running"]
Attempt = tuple[Channel, int]


class Attempts:
    """The rows of all attempts. One that has not ended within `lease` seconds has died."""

    def __init__(self, collection: Collection, lease: float) -> None:
        self.collection, self._lease = collection, timedelta(seconds=lease)

    async def prepare(self) -> None:
        """Create the index; safe to repeat."""
        await self.collection.create_index([("notification_id", 1), ("number", 1)])

    async def began(self, notification_id: str, channel: Channel, at: datetime) -> int:
        """Write down that an attempt begins, and its number (1, 2, …). Rows are never changed."""
        which = {"notification_id": notification_id, "channel": channel, "step": "began"}
        number = 1
        while True:
            name = f"{notification_id}/{channel}/{number}/began"
            try:
                await self.collection.insert_one({"_id": name, **which, "number": number, "at": at})
                return number
            except DuplicateKeyError:  # an earlier attempt, or another replica's
                number = max(number, await self.collection.count_documents(which)) + 1

    async def ended(
        self, notification_id: str, channel: Channel, number: int, outcome: Outcome, at: datetime
    ) -> None:
        """Write down how an attempt ended. Rows are never changed."""
        row = {
            "_id": f"{notification_id}/{channel}/{number}/ended",
            "notification_id": notification_id,
            "channel": channel,
            "number": number,
            "step": "ended",
            "at": at,
            "result": outcome.result,
            "code": outcome.code,
        }
        await self.collection.insert_one(row)

    async def reached(
        self, notification_id: str, at: datetime, but: Attempt | None = None
    ) -> Reached:
        """Whether any attempt (but the caller's own, `but`) may have told them.

        One that never ended may have: the process died, or is at it right now (`running`).
        """
        began: dict[Attempt, datetime] = {}
        ended: dict[Attempt, str] = {}
        async for row in self.collection.find({"notification_id": notification_id}):
            attempt: Attempt = (row["channel"], row["number"])
            if row["step"] == "began":
                began[attempt] = row["at"]
            else:
                ended[attempt] = row["result"]
        open_ones = [a for key, a in began.items() if key not in ended and key != but]
        if any(at - since < self._lease for since in open_ones):
            return "running"
        unsure = open_ones or {"delivered", "unknown"} & set(ended.values())
        return "perhaps" if unsure else "no"
