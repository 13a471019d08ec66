"""Codes of notifications, and events of how recipients want to be told."""

from datetime import datetime
from typing import ClassVar, Literal

from shared.events import EventData
from shared.events.declared import Parties, listed, plain

RecipientKind = Literal["agency", "worker", "hub", "coordinator", "operator"]
Channel = Literal["webhook", "inbox", "email"]
WebhookFormat = Literal["notification", "bars"]
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
    "referral_screening",
    "referral_resubmitted",
    "referral_withdrawn",
    "referral_started",
    "referral_on_hold",
    "referral_resumed",
    "referral_reopened",
    "referral_entered_in_error",
    "referral_transferred",
    # Workers and Hub managers.
    "case_allocated_to_you",
    "case_to_hold",
    "case_for_oversight",
    "case_waiting",
    "case_declined",
    "case_escalated",
    "case_taken_away",
    "safety_mark_changed",
    "case_no_longer_yours",
    "case_news",
    "news_on_ended",
    "risk_escalated",
    "referral_overdue",
    "possible_match",
    "rota_gap",
    "cover_arranged",
    "cover_called",
    "supervision_taken_back",
    "leave_requested",
    "leave_decided",
    "transfer_proposed",
    "transfer_unanswered",
    "transfer_ended",
    "case_transferred",
    "consent_waits",
    "refusal_doubtful",
    "young_person_said",
    "advice_asked",
    "advice_answered",
    "advice_unanswered",
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
    "referral_area_unknown",
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

    def parties(self) -> Parties:
        return Parties(
            agencies=(self.agency_id,),
            workers=(self.recipient_id if self.recipient_kind == "worker" else None,),
            hubs=(self.recipient_id if self.recipient_kind == "hub" else None,),
            recipients=(self.recipient_id or self.agency_id,),
        )

    @property
    def _whose(self) -> str:
        return f"{self.recipient_id or self.agency_id or self.subscription_id}"


class SubscriptionRegistered(_Subscription):
    """How a recipient wants to be told, as it is now. The areas that they name are counted only:
    they are words of theirs. `areas` is of events of before."""

    event_type: ClassVar[str] = "subscription.registered"

    active: bool
    kinds: tuple[NotificationKind, ...] = ()
    areas: tuple[str, ...] = ()
    area_count: int = 0
    format: WebhookFormat | None = None
    webhook: bool = False
    email: bool = False

    def says(self, by: str) -> str:
        ways = listed(n for n, on in (("webhook", self.webhook), ("e-mail", self.email)) if on)
        form = ", as messages of the NHS" if self.format == "bars" else ""
        state = "" if self.active else ", not active"
        return f"{by} set how {self._whose} is told: inbox and {ways}{form}{state}."


class SubscriptionVerified(_Subscription):
    """Whoever reads at that address has answered our challenge: now it may be used."""

    event_type: ClassVar[str] = "subscription.verified"

    channel: Channel

    def says(self, by: str) -> str:
        return f"{self._whose} can be told by {self.channel}: the address has answered."


class SubscriptionSecretRotated(_Subscription):
    """A new signing secret; the one before signs beside it until `overlap_until`."""

    event_type: ClassVar[str] = "subscription.secret_rotated"

    generation: int
    overlap_until: datetime

    def says(self, by: str) -> str:
        return (
            f"{by} renewed the signing secret of {self._whose}; the one before signs until"
            f" {self.overlap_until:%d %B %Y at %H:%M} UTC."
        )


class SubscriptionTested(_Subscription):
    """A test was sent because its recipient asked: what each way came to, by code; null: not one of
    theirs. It is no notification, and counts for nothing."""

    event_type: ClassVar[str] = "subscription.tested"

    webhook_code: str | None = None
    email_code: str | None = None

    def says(self, by: str) -> str:
        ways = (("webhook", self.webhook_code), ("e-mail", self.email_code))
        told = "; ".join(f"{way}: {plain(code)}" for way, code in ways if code is not None)
        return f"{by} tested how {self._whose} is told: {told}."


class SubscriptionFailing(_Subscription):
    """An endpoint keeps failing and is called less often. Told at most once a day."""

    event_type: ClassVar[str] = "subscription.failing"

    failures: int
    code: str

    def says(self, by: str) -> str:
        return f"The endpoint of {self._whose} failed {self.failures} times: {plain(self.code)}."
