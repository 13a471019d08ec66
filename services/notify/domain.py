"""Who hears what, and the life of a notification. Pure."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

from shared.events import Event
from shared.events.notify import (
    NotificationCreated,
    NotificationDelivered,
    NotificationFailed,
    NotificationKind,
    NotificationOpened,
    RecipientKind,
    SubscriptionRegistered,
)
from shared.ids import derived_id
from shared.records import Change, Record, changed, unchanged

# Seconds before the 2nd, 3rd … attempt: about a day in all (Standard Webhooks 1.0.0, "Retries").
BACKOFF = (5, 300, 1800, 7200, 18000, 28800, 28800)
DELIVERY_DUE = "delivery_due"


class Incoming(BaseModel):
    """A document from outside: unknown members are faults, and faults never quote values."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class SubscriptionEntry(Incoming):
    """Where an agency wants to be called. Outside development: https, and a public address."""

    url: Annotated[str, StringConstraints(pattern=r"^https?://[!-~]{1,500}$")]
    active: bool = True


class Subscription(Record):
    """The webhook of one agency; its id is the agency's. `generation` changes the secret."""

    url: str
    active: bool
    generation: int = 1


class Notification(Record):
    """Content-free: kind, reference, purpose, action asked, due time."""

    referral_id: str
    event_id: str
    recipient_kind: RecipientKind
    recipient_id: str
    kind: NotificationKind
    purpose: str
    action: str
    ground: str
    due_at: datetime | None
    created_at: datetime
    channels: tuple[Literal["inbox", "webhook"], ...]
    status: Literal["pending", "delivered", "opened", "failed"] = "pending"
    attempts: int = 0
    opened_at: datetime | None = None


class Rule(BaseModel):
    """One row of the table: on this event, tell this recipient, for this reason."""

    model_config = ConfigDict(frozen=True)

    event_type: str
    recipient_kind: RecipientKind
    recipient: Callable[[Any], str]
    kind: NotificationKind
    purpose: str
    action: str
    ground: str


RULES: tuple[Rule, ...] = (
    Rule(
        event_type="referral.received",
        recipient_kind="agency",
        recipient=lambda data: str(data.agency_id),
        kind="referral_received",
        purpose="reply_to_referrer",
        action="none",
        ground="fate_of_own_referral",
    ),
    Rule(
        event_type="allocation.made",
        recipient_kind="worker",
        recipient=lambda data: str(data.worker_id),
        kind="case_allocated_to_you",
        purpose="direct_work",
        action="accept_or_decline",
        ground="allocated_worker",
    ),
    Rule(
        event_type="allocation.made",
        recipient_kind="agency",
        recipient=lambda data: str(data.agency_id),
        kind="referral_allocated",
        purpose="reply_to_referrer",
        action="none",
        ground="fate_of_own_referral",
    ),
    Rule(
        event_type="allocation.waiting",
        recipient_kind="agency",
        recipient=lambda data: str(data.agency_id),
        kind="referral_waiting",
        purpose="reply_to_referrer",
        action="none",
        ground="fate_of_own_referral",
    ),
)


def recipients(event: Event[Any]) -> list[tuple[Rule, str]]:
    """Who must hear of this event, with the row that says so."""
    return [(rule, rule.recipient(event.data)) for rule in RULES if rule.event_type == event.type]


def notification_id(event: Event[Any], rule: Rule, recipient_id: str) -> str:
    """The same event and recipient give the same id: a second copy of the event finds the first."""
    return derived_id("ntf", event.id, rule.recipient_kind, recipient_id)


def create(
    event: Event[Any], rule: Rule, recipient_id: str, *, webhook: bool, at: datetime
) -> tuple[Notification, NotificationCreated]:
    """A notification in the recipient's inbox; with a webhook, one to be sent as well."""
    notification = Notification(
        id=notification_id(event, rule, recipient_id),
        referral_id=event.data.referral_id,
        event_id=event.id,
        recipient_id=recipient_id,
        due_at=event.data.due_at,
        created_at=at,
        channels=("inbox", "webhook") if webhook else ("inbox",),
        **rule.model_dump(include={"recipient_kind", "kind", "purpose", "action", "ground"}),
    )
    fields = notification.model_dump(include=set(NotificationCreated.model_fields))
    return notification, NotificationCreated(notification_id=notification.id, **fields)


def _told(notification: Notification) -> dict[str, Any]:
    names = {"referral_id", "recipient_kind", "recipient_id", "kind"}
    return {"notification_id": notification.id, **notification.model_dump(include=names)}


def delivered(notification: Notification, attempts: int) -> Change[Notification]:
    """The webhook was taken (2xx). Stops the delivery clock."""
    if notification.status not in ("pending", "opened"):
        return unchanged(notification)
    event = NotificationDelivered(**_told(notification), channel="webhook", attempts=attempts)
    status = "delivered" if notification.status == "pending" else notification.status
    return changed(notification, event, due={DELIVERY_DUE: None}, status=status, attempts=attempts)


def exhausted(notification: Notification, attempts: int) -> Change[Notification]:
    """Every attempt failed: it stays in the inbox, and somebody must phone."""
    event = NotificationFailed(**_told(notification), channel="webhook", attempts=attempts)
    status = "failed" if notification.status == "pending" else notification.status
    return changed(notification, event, due={DELIVERY_DUE: None}, status=status, attempts=attempts)


def opened(notification: Notification, at: datetime) -> Change[Notification]:
    """A person at the recipient has opened it; the first time counts."""
    if notification.opened_at is not None:
        return unchanged(notification)
    event = NotificationOpened(**_told(notification), opened_at=at)
    return changed(notification, event, status="opened", opened_at=at)


def next_attempt(attempts: int, at: datetime, jitter: float) -> datetime | None:
    """When to try again after `attempts` failures (`jitter` in 0..1 adds up to a fifth); None: never."""
    if attempts > len(BACKOFF):
        return None
    return at + timedelta(seconds=BACKOFF[attempts - 1] * (1 + jitter / 5))


def subscribe(
    agency_id: str, entry: SubscriptionEntry
) -> tuple[Subscription, SubscriptionRegistered]:
    """An agency's webhook and its event."""
    subscription = Subscription(id=agency_id, **entry.model_dump())
    return subscription, _registered(agency_id, entry)


def amend(subscription: Subscription, entry: SubscriptionEntry) -> Change[Subscription]:
    """The webhook as it should be; the same again changes nothing."""
    if (subscription.url, subscription.active) == (entry.url, entry.active):
        return unchanged(subscription)
    return changed(subscription, _registered(subscription.id, entry), **entry.model_dump())


def _registered(agency_id: str, entry: SubscriptionEntry) -> SubscriptionRegistered:
    return SubscriptionRegistered(
        subscription_id=agency_id, agency_id=agency_id, active=entry.active
    )
