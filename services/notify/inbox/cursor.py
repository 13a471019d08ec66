"""Where a reader stands in an inbox. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.notify.notification import Notification

PATTERN = r"^ntf_[0-9a-f]{32}(\.ntf_[0-9a-f]{32})?$"


@dataclass(frozen=True)
class Cursor:
    """Of what a reader was given: the newest, and the one that was shown last for the first time.

    They differ where something was stored late: it lies before what its reader has seen already.
    Behind a cursor is what was made after the newest, and what was shown after the other or never:
    so whoever breaks off anywhere misses nothing, and is told nothing twice.
    """

    newest: Notification
    shown: Notification

    def __str__(self) -> str:
        parts = dict.fromkeys((self.newest.id, self.shown.id))
        return ".".join(parts)

    def past(self, notification: Notification) -> "Cursor":
        """The cursor of who was given this one, too."""
        return Cursor(
            max(self.newest, notification, key=_made), max(self.shown, notification, key=_shown)
        )

    def behind(self) -> list[dict[str, Any]]:
        """What lies behind it: any of these conditions."""
        newest, shown = self.newest, self.shown
        conditions: list[dict[str, Any]] = [
            {"inbox_at": None},
            {"created_at": {"$gt": newest.created_at}},
            {"created_at": newest.created_at, "_id": {"$gt": newest.id}},
        ]
        if (at := shown.inbox_at) is not None:
            made = {"created_at": {"$gt": shown.created_at}}
            same = {"created_at": shown.created_at, "_id": {"$gt": shown.id}}
            conditions += [{"inbox_at": {"$gt": at}}, {"inbox_at": at, "$or": [made, same]}]
        return conditions


def past(cursor: Cursor | None, notification: Notification) -> Cursor:
    """The cursor of who stood there and was given this one."""
    return cursor.past(notification) if cursor else Cursor(notification, notification)


def _made(notification: Notification) -> tuple[datetime, str]:
    return notification.created_at, notification.id


def _shown(notification: Notification) -> tuple[bool, datetime, datetime, str]:
    at = notification.inbox_at
    return at is not None, at or notification.created_at, *_made(notification)
