"""Reading the inbox: a page, waiting for one, or a stream. Reading is being told."""

import asyncio
from collections.abc import AsyncIterator

from services.notify.access import has_left, hidden_from, inbox_of
from services.notify.decision.binding import instructions_with
from services.notify.decision.re_evaluate import re_evaluate
from services.notify.inbox.cursor import Cursor, past
from services.notify.inbox.view import Inbox, NotificationView, view
from services.notify.notification import Notification
from services.notify.store import Stores
from services.notify.transitions import delivered
from shared.errors import NotFound
from shared.web.tokens import Caller

LOOK_EVERY = 0.5
STREAM_ENDS = 300.0
STILL_HERE = 15.0


async def wait_for_page(
    stores: Stores, caller: Caller, after: str | None, limit: int, wait: float
) -> Inbox:
    """The next page as soon as there is something on it, or an empty one after `wait` seconds, or
    when the caller's token ends. Raises `NotFound` for a cursor that is not the caller's own."""
    time = asyncio.get_running_loop().time
    deadline = time() + wait
    at = await cursor(stores, caller, after)
    while True:
        shown, at = await read_page(stores, caller, at, limit)
        if shown or time() >= deadline:
            return Inbox(notifications=await views(stores, *shown), next=_written(at))
        await asyncio.sleep(LOOK_EVERY)
        if await has_left(stores, caller):
            raise NotFound
        if caller.expired(stores.clock()):
            return Inbox(notifications=[], next=_written(at))


async def views(stores: Stores, *notifications: Notification) -> list[NotificationView]:
    """As their recipient sees them, with the instructions that stand now where they are theirs still."""
    found = await instructions_with(stores.projections, *notifications, at=stores.clock())
    return [view(notification, found.get(notification.id, ())) for notification in notifications]


async def cursor(stores: Stores, caller: Caller, text: str | None) -> Cursor | None:
    """Where the caller stands. Raises `NotFound` where that is not in their inbox."""
    return await stores.notifications.cursor(inbox_of(caller), text) if text else None


def _written(cursor: Cursor | None) -> str | None:
    return str(cursor) if cursor else None


async def read_page(
    stores: Stores, caller: Caller, at: Cursor | None, limit: int
) -> tuple[list[Notification], Cursor | None]:
    """The next page. Reading is being told: what was never shown is decided on again first."""
    inbox = stores.notifications.inbox
    found = await inbox(inbox_of(caller), at, limit, but={})
    if found and (hidden := (await hidden_from(stores, caller)).where()):
        # One inbox of a Hub has several readers. Who is unsafe finds no trace, in no cursor either.
        found = await inbox(inbox_of(caller), at, limit, but=hidden)
    shown = []
    for before in found:
        after_reading = before if before.inbox_at else await show(stores, caller, before)
        at = past(at, after_reading)
        if after_reading.inbox_at is not None:
            shown.append(after_reading)
    return shown, at


async def show(stores: Stores, caller: Caller, notification: Notification) -> Notification:
    """The notification as it is once its recipient has it before them: told, unless that is not
    permitted any more."""
    permitted, notification = await re_evaluate(stores, notification, "inbox")
    if not permitted:
        return notification
    return await stores.notifications.change(
        notification.id, lambda n: delivered(n, "inbox", 1, stores.clock()), by=caller.origin()
    )


async def stream(stores: Stores, caller: Caller, after: str | None) -> AsyncIterator[str]:
    """The inbox as server-sent events, for five minutes, or until the caller's token ends."""
    time = asyncio.get_running_loop().time
    ends, spoke = time() + STREAM_ENDS, time()
    at = await cursor(stores, caller, after)
    yield "retry: 2000\n\n"
    while time() < ends and not (caller.expired(stores.clock()) or await has_left(stores, caller)):
        before = at
        shown, at = await read_page(stores, caller, at, 50)
        for notification, told in zip(shown, await views(stores, *shown), strict=True):
            # The id is of this one, not of the page: a client may break off after any.
            before = past(before, notification)
            yield f"id: {before}\nevent: notification\ndata: {told.model_dump_json()}\n\n"
            spoke = time()
        if not shown:
            if time() - spoke > STILL_HERE:
                yield ": still here\n\n"
                spoke = time()
            await asyncio.sleep(LOOK_EVERY)
