"""The inbox as somebody at a desk needs it: what nobody has opened first."""

import re

from services.notify.access import hidden_from, inbox_of
from services.notify.inbox.reading import show, views
from services.notify.inbox.view import Inbox
from services.notify.notification import Notification
from services.notify.store import Stores
from shared.errors import BadRequest
from shared.web.cursors import cursor_of
from shared.web.tokens import Caller

PLACE = re.compile(r"(unread|read)\.(.*)", re.DOTALL)


async def unread_first(stores: Stores, caller: Caller, cursor: str | None, limit: int) -> Inbox:
    """A page: those that are unread, the newest first, then the others likewise. What is opened
    meanwhile may come twice; nothing is left out. Raises `BadRequest` for a cursor of nobody's."""
    part, after = _place(cursor)
    but = (await hidden_from(stores, caller)).where()
    found: list[Notification] = []
    for unread in (True, False)[part == "read" :]:
        most = limit - len(found)
        if most == 0:
            break
        found += await stores.notifications.newest(
            inbox_of(caller), unread=unread, after=after, limit=most, but=but
        )
        part, after = ("unread" if unread else "read"), None
    shown = [n if n.inbox_at else await show(stores, caller, n) for n in found]
    told = await views(stores, *(n for n in shown if n.inbox_at is not None))
    return Inbox(notifications=told, next=_following(part, found, limit))


def _place(cursor: str | None) -> tuple[str, str | None]:
    if cursor is None:
        return "unread", None
    read = PLACE.fullmatch(cursor)
    if read is None:
        raise BadRequest("cursor_invalid", "Use the cursor as it was sent to you.")
    return read[1], read[2]


def _following(part: str, found: list[Notification], limit: int) -> str | None:
    if len(found) < limit:
        return None
    return f"{part}.{cursor_of(found[-1].created_at, found[-1].id)}"
