"""HTTP in: the inbox, by asking, by waiting, or as a stream; and the receipts."""

from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse
from pydantic import StringConstraints

from services.notify.access import (
    NotificationId,
    NotifyStores,
    own_notification,
)
from services.notify.inbox.cursor import PATTERN
from services.notify.inbox.desk import unread_first
from services.notify.inbox.reading import cursor as place_of
from services.notify.inbox.reading import stream, views, wait_for_page
from services.notify.inbox.view import Inbox, NotificationView
from services.notify.notification import Acted
from services.notify.subscriptions.subscription import Incoming
from services.notify.transitions import acted, opened
from shared.events.notify import ActionOutcome, ActionTaken
from shared.web.access import may
from shared.web.tokens import AnyCaller, OneOfFew

router = APIRouter(tags=["notifications"])

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
After = Annotated[str | None, Query(pattern=PATTERN)]


class Opened(Incoming):
    """Who has opened it, in words."""

    name: Name | None = None


class ActedOn(Incoming):
    """Who did what about it, and what came of it."""

    name: Name
    taken: ActionTaken
    outcome: ActionOutcome


@router.get("/v1/notifications", dependencies=[may("view_inbox")])
async def get_notifications(
    caller: AnyCaller,
    stores: NotifyStores,
    _: OneOfFew,
    after: After = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    wait: Annotated[float, Query(ge=0, le=25)] = 0,
) -> Inbox:
    """Your inbox, oldest first. With `wait` the answer comes as soon as there is something, or
    empty after so many seconds."""
    return await wait_for_page(stores, caller, after, limit, wait)


@router.get("/v1/notifications/unread-first", dependencies=[may("view_inbox")])
async def get_unread_first(
    caller: AnyCaller,
    stores: NotifyStores,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> Inbox:
    """Your inbox for a desk: what nobody has opened first, the newest of it first; then what was.
    Pass `next` as `cursor` for the page behind it."""
    return await unread_first(stores, caller, cursor, limit)


@router.get(
    "/v1/notifications/stream", response_class=StreamingResponse, dependencies=[may("view_inbox")]
)
async def stream_notifications(
    caller: AnyCaller,
    stores: NotifyStores,
    _: OneOfFew,
    last_event_id: Annotated[str | None, Header(pattern=PATTERN)] = None,
) -> StreamingResponse:
    """Your inbox as server-sent events. It ends after five minutes, or with your token:
    connect again with the `Last-Event-ID` that you have, as browsers do by themselves."""
    await place_of(stores, caller, last_event_id)  # once the answer has begun there is no other
    return StreamingResponse(
        stream(stores, caller, last_event_id),
        media_type="text/event-stream",
    )


@router.post("/v1/notifications/{notification_id}/opened", dependencies=[may("mark_opened")])
async def post_opened(
    notification_id: NotificationId,
    caller: AnyCaller,
    stores: NotifyStores,
    receipt: Opened | None = None,
) -> NotificationView:
    """Say that a person has opened it. Safe to repeat; the first time counts."""
    await own_notification(stores, caller, notification_id, "mark_opened")
    name = receipt.name if receipt else None
    after = await stores.notifications.change(
        notification_id,
        lambda n: opened(n, stores.clock(), caller.account, name),
        by=caller.origin(),
    )
    return (await views(stores, after))[0]


@router.post("/v1/notifications/{notification_id}/acted", dependencies=[may("record_action")])
async def post_acted(
    notification_id: NotificationId, caller: AnyCaller, stores: NotifyStores, receipt: ActedOn
) -> NotificationView:
    """Say who did what about it, and what came of it. Sharing is no intervention in itself:
    until this is said, you will be asked again."""
    await own_notification(stores, caller, notification_id, "record_action")
    done = Acted(person=caller.account, at=stores.clock(), **receipt.model_dump())
    after = await stores.notifications.change(
        notification_id, lambda n: acted(n, done), by=caller.origin()
    )
    return (await views(stores, after))[0]
