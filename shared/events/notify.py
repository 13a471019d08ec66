"""Events of the notify service."""

from datetime import datetime
from typing import ClassVar, Literal

from shared.events import EventData

RecipientKind = Literal["agency", "worker"]
NotificationKind = Literal[
    "referral_received", "referral_allocated", "referral_waiting", "case_allocated_to_you"
]


class SubscriptionRegistered(EventData):
    """An agency's webhook. The address is not in the event: it could hold a secret."""

    event_type: ClassVar[str] = "subscription.registered"

    subscription_id: str
    agency_id: str
    active: bool


class _Notification(EventData):
    notification_id: str
    referral_id: str
    recipient_kind: RecipientKind
    recipient_id: str
    kind: NotificationKind


class NotificationCreated(_Notification):
    """It waits in the recipient's inbox; and, where there is a webhook, will be sent there."""

    event_type: ClassVar[str] = "notification.created"

    purpose: str
    action: str
    ground: str
    due_at: datetime | None
    channels: tuple[Literal["inbox", "webhook"], ...]


class NotificationDelivered(_Notification):
    """The recipient's system has taken it."""

    event_type: ClassVar[str] = "notification.delivered"

    channel: Literal["webhook"]
    attempts: int


class NotificationFailed(_Notification):
    """Every attempt failed. A person must phone."""

    event_type: ClassVar[str] = "notification.failed"

    channel: Literal["webhook"]
    attempts: int


class NotificationOpened(_Notification):
    """A person at the recipient opened it."""

    event_type: ClassVar[str] = "notification.opened"

    opened_at: datetime
