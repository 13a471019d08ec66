"""Attempts to deliver: a row when one begins and a row when it ends. Rows are never changed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from pymongo.errors import DuplicateKeyError

from services.notify.delivery.outcomes import NAMED_BY_UNSAFE, Outcome
from shared.events.notify import Channel
from shared.storage.store import Collection
from shared.web.cursors import behind

Reached = Literal["no", "perhaps", "running"]
Attempt = tuple[Channel, int]
# A test is asked for by its recipient; of these what is older is forgotten with the next.
TESTS_KEPT = timedelta(days=30)


@dataclass(frozen=True)
class Begun:
    """An attempt that has begun: of which notification, or test, to whom, by which way, since when."""

    notification_id: str
    recipient: str
    channel: Channel
    number: int
    at: datetime

    def ended(self, outcome: Outcome, at: datetime) -> dict[str, object]:
        """The row of its end."""
        return {
            "_id": f"{self.notification_id}/{self.channel}/{self.number}/ended",
            "notification_id": self.notification_id,
            "recipient": self.recipient,
            "channel": self.channel,
            "number": self.number,
            "step": "ended",
            "began_at": self.at,
            "at": at,
            "result": outcome.result,
            "code": outcome.code,
        }


class Attempts:
    """The rows of all attempts. One that has not ended within `lease` seconds has died."""

    def __init__(self, collection: Collection, lease: float) -> None:
        self.collection, self._lease = collection, timedelta(seconds=lease)

    async def prepare(self) -> None:
        """Create the indexes; safe to repeat."""
        await self.collection.create_index([("notification_id", 1), ("number", 1)])
        await self.collection.create_index([("recipient", 1), ("at", -1), ("_id", -1)])

    async def began(
        self, notification_id: str, recipient: str, channel: Channel, at: datetime
    ) -> Begun:
        """Write down that an attempt begins, with its number (1, 2, …). Rows are never changed."""
        which = {"notification_id": notification_id, "channel": channel, "step": "began"}
        number = 1
        while True:
            name = f"{notification_id}/{channel}/{number}/began"
            try:
                await self.collection.insert_one({"_id": name, **which, "number": number, "at": at})
                return Begun(notification_id, recipient, channel, number, at)
            except DuplicateKeyError:  # an earlier attempt, or another replica's
                number = max(number, await self.collection.count_documents(which)) + 1

    async def ended(self, begun: Begun, outcome: Outcome, at: datetime) -> None:
        """Write down how an attempt ended. Rows are never changed."""
        await self.collection.insert_one(begun.ended(outcome, at))

    async def tested(self, begun: Begun, outcome: Outcome, at: datetime) -> None:
        """Write down a test that was sent. What is older than `TESTS_KEPT` of its recipient goes."""
        old = {"recipient": begun.recipient, "test": True, "at": {"$lt": at - TESTS_KEPT}}
        await self.collection.delete_many(old)
        await self.collection.insert_one({**begun.ended(outcome, at), "test": True})

    async def newest(self, recipient: str, cursor: str | None, limit: int) -> list[dict[str, Any]]:
        """What was sent to this recipient, or tried, the newest first: rows of ends, behind the cursor.
        Raises `BadRequest` for a cursor that nobody was sent."""
        after = behind(cursor, "at", newest_first=True) if cursor else {}
        # Nothing was sent: of either a trace would say what its reader is not to know.
        sent = {"result": {"$ne": "not_sent"}, "code": {"$ne": NAMED_BY_UNSAFE.code}}
        where = {"recipient": recipient, "step": "ended", **sent, **after}
        rows = self.collection.find(where).sort([("at", -1), ("_id", -1)]).limit(limit)
        return [dict(row) async for row in rows]

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
