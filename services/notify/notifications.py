"""The notifications in the store, and the questions that are asked of them."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from services.notify.inbox.cursor import Cursor
from services.notify.notification import RECHECK_DUE, TIMERS, WEBHOOK_DUE, Notification
from shared.errors import NotFound
from shared.storage.store import Store
from shared.web.cursors import behind

NOT_OVER = {"status": {"$nin": ["withheld", "retracted"]}}
UNREAD = {"opened_at": None, "status": {"$ne": "retracted"}}


def shown_to(recipient: str) -> dict[str, Any]:
    """What an inbox holds: nothing that was withheld, or taken back before it was ever shown there."""
    return {
        "recipient": recipient,
        "status": {"$ne": "withheld"},
        "$nor": [{"status": "retracted", "inbox_at": None}],
    }


class Notifications(Store[Notification]):
    """All notifications, also those that were withheld."""

    async def prepare_all(self) -> None:
        """Create the indexes; safe to repeat."""
        await self.prepare(
            [("recipient", 1), ("created_at", 1), ("_id", 1)],
            [("recipient", 1), ("opened_at", 1), ("created_at", 1), ("_id", 1)],
            [("referral_id", 1)],
            [("subject_id", 1)],
            [("hub_id", 1)],
            timers=TIMERS,
        )

    async def inbox(
        self, recipient: str, after: Cursor | None, limit: int, *, but: Mapping[str, Any]
    ) -> list[Notification]:
        """A recipient's notifications, oldest first, behind the cursor.

        Whatever was never in an answer comes too, wherever the cursor stands: two replicas may
        store in another order than they have read the clock in. `but` narrows it further.
        """
        where = {**but, **shown_to(recipient)}
        if after:
            where["$or"] = after.behind()
        return await self.find(where, sort=[("created_at", 1), ("_id", 1)], limit=limit)

    async def newest(
        self, recipient: str, *, unread: bool, after: str | None, limit: int, but: Mapping[str, Any]
    ) -> list[Notification]:
        """Those that nobody has opened, or the others, the newest first, behind the cursor. What was
        taken back waits for nobody. Raises `BadRequest`."""
        of_these = UNREAD if unread else {"$nor": [UNREAD]}
        where = {"$and": [shown_to(recipient), of_these, dict(but)]}
        if after is not None:
            where["$and"].append(behind(after, "created_at", newest_first=True))
        return await self.find(where, sort=[("created_at", -1), ("_id", -1)], limit=limit)

    async def told_of(self, recipient: str, referral_ids: Collection[str]) -> bool:
        """Whether the recipient was told of one of these referrals."""
        where = {**shown_to(recipient), "referral_id": {"$in": sorted(referral_ids)}}
        return bool(await self.find(where, limit=1))

    async def cursor(self, recipient: str, text: str) -> Cursor:
        """The cursor that was written so. Raises `NotFound` unless it is of the recipient's own."""
        newest, _, shown = text.partition(".")
        first = await self._own(recipient, newest)
        return Cursor(first, await self._own(recipient, shown) if shown else first)

    async def _own(self, recipient: str, notification_id: str) -> Notification:
        found = await self.get(notification_id)
        if found.recipient != recipient:
            raise NotFound("cursor")
        return found

    async def re_evaluate_soon(
        self, where: Mapping[str, Any], at: datetime, *, workers: bool = False
    ) -> None:
        """Every notification to an agency that is not over is decided on again, soon; with `workers`
        theirs, too: they need no ground, but nobody who is unsafe is told anything.

        Only a timer is moved: what comes of it is decided, and told to the trail, one by one.
        """
        kinds = ["agency", "worker"] if workers else ["agency"]
        live = {"recipient_kind": {"$in": kinds}, **NOT_OVER}
        await self.collection.update_many({**where, **live}, {"$set": {RECHECK_DUE: at}})
        self.claims.moved({RECHECK_DUE: at})

    async def re_evaluate_at(self, notification_id: str, at: datetime | None) -> None:
        """Decide on it again at that time; with None not before something happens."""
        change = {"$unset": {RECHECK_DUE: ""}} if at is None else {"$set": {RECHECK_DUE: at}}
        await self.collection.update_one({"_id": notification_id, **NOT_OVER}, change)
        self.claims.moved({RECHECK_DUE: at})

    async def release_backlog(self, recipient: str, at: datetime, lease: float) -> None:
        """Whatever waits long for this recipient's webhook is due now.

        What is under way has its timer within a lease from now and is not touched.
        """
        far = {"$gt": at + timedelta(seconds=lease)}
        await self.collection.update_many(
            {"recipient": recipient, WEBHOOK_DUE: far}, {"$set": {WEBHOOK_DUE: at}}
        )
        self.claims.moved({WEBHOOK_DUE: at})
