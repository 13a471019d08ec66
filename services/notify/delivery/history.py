"""What was sent to a recipient's addresses, or tried, as they may see it."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from services.notify.access import hidden_from
from services.notify.delivery.outcomes import Result
from services.notify.store import Stores
from shared.events.notify import Channel
from shared.web.cursors import cursor_of
from shared.web.tokens import Caller


class Delivery(BaseModel):
    """One attempt that has ended, of a notification, or of a test that you asked for (`test`). `number`
    is the how manieth of this notification by this way."""

    at: datetime
    channel: Channel
    notification_id: str
    test: bool
    number: int
    result: Result
    code: str
    duration_ms: int


class Deliveries(BaseModel):
    """A page of attempts, the newest first. `next` is the cursor of the page behind it."""

    attempts: list[Delivery]
    next: str | None


async def deliveries(
    stores: Stores, caller: Caller, recipient: str, cursor: str | None, limit: int
) -> Deliveries:
    """The last attempts to reach this recipient. None of them is of a notification that its reader may
    not see, or of which nobody was told; no cursor names one either."""
    but = (await hidden_from(stores, caller)).where()
    shown: list[dict[str, Any]] = []
    place, more = cursor, True
    while more and len(shown) <= limit:
        rows = await stores.attempts.newest(recipient, place, limit + 1)
        shown += await _visible(stores, recipient, but, rows)
        more = len(rows) > limit
        place = cursor_of(rows[-1]["at"], rows[-1]["_id"]) if rows else None
    page = shown[:limit]
    behind = cursor_of(page[-1]["at"], page[-1]["_id"]) if len(shown) > limit else None
    return Deliveries(attempts=[_told(row) for row in page], next=behind)


async def _visible(
    stores: Stores, recipient: str, but: dict[str, Any], rows: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    ids = list({row["notification_id"] for row in rows if not row.get("test")})
    where = {"_id": {"$in": ids}, "recipient": recipient, "status": {"$ne": "withheld"}, **but}
    theirs = (
        {n.id for n in await stores.notifications.find(where, limit=len(ids))} if ids else set()
    )
    return [row for row in rows if row.get("test") or row["notification_id"] in theirs]


def _told(row: dict[str, Any]) -> Delivery:
    lasted = row["at"] - row["began_at"]
    return Delivery(
        **{name: row[name] for name in ("at", "channel", "notification_id", "number")},
        **{name: row[name] for name in ("result", "code")},
        test=bool(row.get("test")),
        duration_ms=int(lasted.total_seconds() * 1000),
    )
