"""HTTP in: the inbox, by asking, by waiting, or as a stream; and the receipts."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, StringConstraints

from services.notify.domain.life import acted, delivered, opened
from services.notify.domain.notification import Acted, Notification, Status
from services.notify.domain.subscription import Incoming
from services.notify.reconsidering import reconsider
from services.notify.routes.who import FromRecipient, NotificationId, OnDesk, inbox_of
from services.notify.store import Desk
from shared.errors import NotFound
from shared.events.notify import ActionOutcome, ActionTaken, NotificationKind
from shared.sharing import Category
from shared.tokens import Caller

router = APIRouter(tags=["notifications"])

LOOK_EVERY = 0.5
STREAM_ENDS = 300.0
STILL_HERE = 15.0

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Cursor = Annotated[str | None, Query(pattern=r"^ntf_[0-9a-f]{32}$")]


class NotificationView(BaseModel):
    """That something awaits you: which referral, what is asked, by when. Never what it is about.

    `categories` is what you may read there now; `about` is another notification of yours or, for
    Hubs, of somebody else's; `detail` a coded reason or outcome.
    """

    id: str
    kind: NotificationKind
    referral_id: str | None
    purpose: str
    categories: tuple[Category, ...]
    action: str
    detail: str | None
    about_id: str | None
    due_at: datetime | None
    created_at: datetime
    status: Status
    urgent: bool
    opened_at: datetime | None
    reminders: int


class Inbox(BaseModel):
    """A page of the inbox, oldest first; pass `next` as `after` for what comes behind it."""

    notifications: list[NotificationView]
    next: str | None


class Opened(Incoming):
    """Who has opened it, in words."""

    name: Name | None = None


class ActedOn(Incoming):
    """Who did what about it, and what came of it."""

    name: Name
    taken: ActionTaken
    outcome: ActionOutcome


def view(notification: Notification) -> NotificationView:
    fields = notification.model_dump(include=set(NotificationView.model_fields) - {"categories"})
    shown = notification.categories if notification.ground == "retraction" else None
    return NotificationView(**fields, categories=shown or notification.permitted)


async def look(
    desk: Desk, caller: Caller, after: str | None, limit: int
) -> tuple[list[Notification], str | None]:
    """The next page. Reading is being told: what was never shown is decided on again first."""
    found = await desk.inbox(inbox_of(caller), after, limit)
    shown = []
    for before in found:
        after_look = before if before.inbox_at else await _show(desk, caller, before)
        if after_look.inbox_at is not None:
            shown.append(after_look)
    last = found[-1].id if found else None
    if after and last and (await desk.notifications.get(after)).created_at > found[-1].created_at:
        last = after  # all of it came late, and lies before the cursor
    return shown, last or after


async def _show(desk: Desk, caller: Caller, notification: Notification) -> Notification:
    permitted, notification = await reconsider(desk, notification, "inbox")
    if not permitted:
        return notification
    return await desk.notifications.change(
        notification.id, lambda n: delivered(n, "inbox", 1, desk.clock()), by=caller.origin()
    )


@router.get("/v1/notifications")
async def get_notifications(
    caller: FromRecipient,
    desk: OnDesk,
    after: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    wait: Annotated[float, Query(ge=0, le=25)] = 0,
) -> Inbox:
    """Your inbox, oldest first. With `wait` the answer comes as soon as there is something, or
    empty after so many seconds."""
    deadline = asyncio.get_running_loop().time() + wait
    while True:
        shown, last = await look(desk, caller, after, limit)
        if shown or asyncio.get_running_loop().time() >= deadline:
            return Inbox(notifications=[view(n) for n in shown], next=last)
        await asyncio.sleep(LOOK_EVERY)


@router.get("/v1/notifications/stream", response_class=StreamingResponse)
async def stream_notifications(
    caller: FromRecipient,
    desk: OnDesk,
    last_event_id: Annotated[str | None, Header(pattern=r"^ntf_[0-9a-f]{32}$")] = None,
) -> StreamingResponse:
    """Your inbox as server-sent events. It ends after five minutes: connect again with the
    `Last-Event-ID` that you have, as browsers do by themselves."""
    return StreamingResponse(
        _events(desk, caller, last_event_id),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store"},
    )


async def _events(desk: Desk, caller: Caller, after: str | None) -> AsyncIterator[str]:
    time = asyncio.get_running_loop().time
    ends, spoke = time() + STREAM_ENDS, time()
    yield "retry: 2000\n\n"
    while time() < ends:
        shown, after = await look(desk, caller, after, 50)
        for notification in shown:
            yield f"id: {after}\nevent: notification\ndata: {view(notification).model_dump_json()}\n\n"
            spoke = time()
        if not shown:
            if time() - spoke > STILL_HERE:
                yield ": still here\n\n"
                spoke = time()
            await asyncio.sleep(LOOK_EVERY)


async def _own(desk: Desk, caller: Caller, notification_id: str) -> Notification:
    notification = await desk.notifications.get(notification_id)
    if notification.recipient != inbox_of(caller) or notification.status == "withheld":
        raise NotFound
    return notification


@router.post("/v1/notifications/{notification_id}/opened")
async def post_opened(
    notification_id: NotificationId,
    caller: FromRecipient,
    desk: OnDesk,
    receipt: Opened | None = None,
) -> NotificationView:
    """Say that a person has opened it. Safe to repeat; the first time counts."""
    await _own(desk, caller, notification_id)
    name = receipt.name if receipt else None
    return view(
        await desk.notifications.change(
            notification_id,
            lambda n: opened(n, desk.clock(), caller.sub, name),
            by=caller.origin(),
        )
    )


@router.post("/v1/notifications/{notification_id}/acted")
async def post_acted(
    notification_id: NotificationId, caller: FromRecipient, desk: OnDesk, receipt: ActedOn
) -> NotificationView:
    """Say who did what about it, and what came of it. Sharing is no intervention in itself:
    until this is said, you will be asked again."""
    await _own(desk, caller, notification_id)
    done = Acted(person=caller.sub, at=desk.clock(), **receipt.model_dump())
    return view(
        await desk.notifications.change(
            notification_id, lambda n: acted(n, done), by=caller.origin()
        )
    )
