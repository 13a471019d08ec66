"""HTTP in: the inbox, and an agency's webhook."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel

from services.notify.domain import (
    Notification,
    Subscription,
    SubscriptionEntry,
    amend,
    opened,
    subscribe,
)
from services.notify.store import Desk
from shared.clock import now
from shared.errors import BadRequest, NotFound
from shared.events.notify import NotificationKind, RecipientKind
from shared.tokens import Caller, only

router = APIRouter()


def desk(request: Request) -> Desk:
    """The stores, as `app.py` wired them."""
    found: Desk = request.app.state.notify
    return found


def development(request: Request) -> bool:
    """Whether plain http addresses may be registered."""
    allowed: bool = request.app.state.development
    return allowed


OnDesk = Annotated[Desk, Depends(desk)]
FromRecipient = Annotated[Caller, only("agency", "worker")]
FromAgency = Annotated[Caller, only("agency")]
NotificationId = Annotated[str, Path(pattern=r"^ntf_[0-9a-f]{32}$")]


class NotificationView(BaseModel):
    """That something awaits you: which referral, what is asked, by when. Never what it is about."""

    id: str
    kind: NotificationKind
    referral_id: str
    purpose: str
    action: str
    due_at: datetime | None
    created_at: datetime
    status: Literal["pending", "delivered", "opened", "failed"]
    opened_at: datetime | None


class Inbox(BaseModel):
    """A page of the inbox, oldest first; pass `next` as `after` for what comes behind it."""

    notifications: list[NotificationView]
    next: str | None


class SubscriptionView(BaseModel):
    """Your webhook. Keep the secret: it verifies our signatures (Standard Webhooks)."""

    url: str
    active: bool
    secret: str


def view(notification: Notification) -> NotificationView:
    return NotificationView(**notification.model_dump(include=set(NotificationView.model_fields)))


def recipient(caller: Caller) -> tuple[RecipientKind, str]:
    """Which inbox is the caller's."""
    if caller.role == "worker":
        return "worker", caller.worker_id or ""
    return "agency", caller.agency_id or ""


@router.get("/v1/notifications", tags=["notifications"])
async def get_notifications(
    caller: FromRecipient,
    desk: OnDesk,
    after: Annotated[str | None, Query(pattern=r"^ntf_[0-9a-f]{32}$")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> Inbox:
    """Your inbox, oldest first."""
    found = await desk.inbox(*recipient(caller), after, limit)
    last = found[-1].id if len(found) == limit else None
    return Inbox(notifications=[view(n) for n in found], next=last)


@router.post("/v1/notifications/{notification_id}/opened", tags=["notifications"])
async def post_opened(
    notification_id: NotificationId, caller: FromRecipient, desk: OnDesk
) -> NotificationView:
    """Say that a person has opened it. Safe to repeat; the first time counts."""
    notification = await desk.notifications.get(notification_id)
    if (notification.recipient_kind, notification.recipient_id) != recipient(caller):
        raise NotFound
    return view(
        await desk.notifications.change(
            notification_id, lambda n: opened(n, now()), by=caller.origin()
        )
    )


@router.put("/v1/subscriptions/{agency_id}", tags=["subscriptions"])
async def put_subscription(
    agency_id: Annotated[str, Path(max_length=40)],
    entry: SubscriptionEntry,
    caller: FromAgency,
    desk: OnDesk,
    lenient: Annotated[bool, Depends(development)],
) -> SubscriptionView:
    """Register your webhook, or change it. Each call carries the headers of Standard Webhooks."""
    if agency_id != caller.agency_id:
        raise NotFound
    if not lenient and not entry.url.startswith("https://"):
        raise BadRequest("https_needed", "A webhook must have an https address.")
    subscription, event = subscribe(agency_id, entry)
    stored = await desk.subscriptions.add_or_change(
        subscription, event, rule=lambda s: amend(s, entry), by=caller.origin()
    )
    return _with_secret(desk, stored)


def _with_secret(desk: Desk, subscription: Subscription) -> SubscriptionView:
    return SubscriptionView(
        url=subscription.url, active=subscription.active, secret=desk.secret(subscription)
    )
