"""Events of the notify service: who was told, who was not, and what became of it."""

from datetime import datetime
from typing import ClassVar, Literal

from shared.events import EventData
from shared.sharing import Category, Verdict

RecipientKind = Literal["agency", "worker", "hub", "operator"]
Channel = Literal["webhook", "inbox", "email"]
NotificationKind = Literal[
    # The referrer's loop.
    "referral_received",
    "referral_allocated",
    "referral_waiting",
    "referral_accepted",
    "referral_rejected",
    "referral_returned",
    "referral_signposted",
    "referral_closed",
    # Workers and Hub managers.
    "case_allocated_to_you",
    "case_for_oversight",
    "case_waiting",
    "case_declined",
    "case_escalated",
    "case_no_longer_yours",
    "risk_escalated",
    "referral_overdue",
    "possible_match",
    "safety_hold",
    "phone_them",
    "unopened_urgent",
    "urgent_out_of_hours",
    # Partner agencies, each decided on.
    "concern_in_your_area",
    "support_arranged",
    "support_ended",
    # Whoever was told under a ground that ended.
    "retraction",
    # Operators.
    "endpoint_failing",
]
ActionTaken = Literal[
    "accepted",
    "declined",
    "records_checked",
    "contact_made",
    "contact_tried",
    "phoned",
    "reviewed",
    "deleted",
    "none_needed",
    "other",
]
ActionOutcome = Literal[
    "done", "partly_done", "not_done", "nothing_known", "information_sent", "not_reached", "other"
]
Stage = Literal["creation", "sending", "inbox", "ground_changed"]
RetractionReason = Literal["ground_ended", "entered_in_error", "wrong_person", "erased"]


class _Subscription(EventData):
    """Addresses are not in these events: a URL could hold a secret, a mailbox names a person."""

    subscription_id: str
    agency_id: str | None = None
    recipient_kind: RecipientKind | None = None
    recipient_id: str | None = None


class SubscriptionRegistered(_Subscription):
    """How a recipient wants to be told, as it is now."""

    event_type: ClassVar[str] = "subscription.registered"

    active: bool
    kinds: tuple[NotificationKind, ...] = ()
    areas: tuple[str, ...] = ()
    webhook: bool = False
    email: bool = False


class SubscriptionVerified(_Subscription):
    """Whoever reads at that address has answered our challenge: now it may be used."""

    event_type: ClassVar[str] = "subscription.verified"

    channel: Channel


class SubscriptionSecretRotated(_Subscription):
    """A new signing secret; the one before signs beside it until `overlap_until`."""

    event_type: ClassVar[str] = "subscription.secret_rotated"

    generation: int
    overlap_until: datetime


class SubscriptionFailing(_Subscription):
    """An endpoint keeps failing and is called less often. Told at most once a day."""

    event_type: ClassVar[str] = "subscription.failing"

    failures: int
    code: str


class _Notification(EventData):
    notification_id: str
    referral_id: str | None
    recipient_kind: RecipientKind
    recipient_id: str
    kind: NotificationKind


class NotificationCreated(_Notification):
    """It waits in the recipient's inbox; and will be sent by the other channels named."""

    event_type: ClassVar[str] = "notification.created"

    purpose: str
    action: str
    ground: str
    due_at: datetime | None
    channels: tuple[Channel, ...]
    verdicts: tuple[Verdict, ...] = ()
    policy_version: str | None = None
    about_id: str | None = None


class NotificationWithheld(_Notification):
    """It was decided not to share, or not any more: nobody was told. As visible as a sent one."""

    event_type: ClassVar[str] = "notification.withheld"

    purpose: str
    verdicts: tuple[Verdict, ...]
    safety_hold: bool
    policy_version: str
    stage: Stage


class NotificationRedecided(_Notification):
    """Still permitted, but on another ground or for other categories than before."""

    event_type: ClassVar[str] = "notification.redecided"

    verdicts: tuple[Verdict, ...]
    policy_version: str


class NotificationDelivered(_Notification):
    """The recipient has been told on this channel."""

    event_type: ClassVar[str] = "notification.delivered"

    channel: Channel
    attempts: int


class NotificationFailed(_Notification):
    """Every attempt on this channel failed, or no other would help. A person must phone."""

    event_type: ClassVar[str] = "notification.failed"

    channel: Channel
    attempts: int
    code: str | None = None


class NotificationOpened(_Notification):
    """A person at the recipient opened it. `person` is the id of their account, never a name."""

    event_type: ClassVar[str] = "notification.opened"

    opened_at: datetime
    person: str | None = None


class NotificationActed(_Notification):
    """A named person says what was done. Their name stays with notify."""

    event_type: ClassVar[str] = "notification.acted"

    acted_at: datetime
    person: str
    taken: ActionTaken
    outcome: ActionOutcome


class NotificationRetracted(_Notification):
    """The ground for telling them ended. They are asked to delete it and to confirm."""

    event_type: ClassVar[str] = "notification.retracted"

    reason: RetractionReason
    categories: tuple[Category, ...]
    safety_hold: bool = False


class NotificationReminded(_Notification):
    """Nobody has said yet what was done: they are asked again."""

    event_type: ClassVar[str] = "notification.reminded"

    reminders: int


class NotificationEscalated(_Notification):
    """Urgent and not opened in time: somebody else is told to reach them."""

    event_type: ClassVar[str] = "notification.escalated"

    to_kind: RecipientKind
    to_id: str


class NotificationReplayed(_Notification):
    """It is sent once more, on demand: new attempts, the old ones stay."""

    event_type: ClassVar[str] = "notification.replayed"

    channel: Channel
