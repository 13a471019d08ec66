"""A notification. Content-free: kind, reference, purpose, action asked, due time. Pure."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from shared.events.codes import ReferralStatus, StatusReason, Urgency
from shared.events.notify import (
    ActionOutcome,
    ActionTaken,
    Channel,
    NotificationKind,
    RecipientKind,
)
from shared.rules.sharing import Category, Verdict
from shared.storage.records import Record

WEBHOOK_DUE, EMAIL_DUE = "webhook_due", "email_due"
TIMER: dict[Channel, str] = {"webhook": WEBHOOK_DUE, "email": EMAIL_DUE}
RECHECK_DUE, OPEN_DUE, REMIND_DUE = "recheck_due", "open_due", "remind_due"
TIMERS = (WEBHOOK_DUE, EMAIL_DUE, RECHECK_DUE, OPEN_DUE, REMIND_DUE)
ALL_STOPPED: dict[str, datetime | None] = dict.fromkeys(TIMERS)

Status = Literal["withheld", "pending", "delivered", "opened", "acted", "failed", "retracted"]
Ground = Literal[
    "fate_of_own_referral",
    "allocated_worker",
    "hub_oversight",
    "sharing",
    "retraction",
    "operations",
]
OVER: tuple[Status, ...] = ("withheld", "retracted")


class ChannelState(BaseModel):
    """How a channel other than the inbox stands. `since` is when this run of attempts began."""

    model_config = ConfigDict(frozen=True)

    status: Literal["waiting", "delivered", "failed"] = "waiting"
    since: datetime
    attempts: int = 0


class Acted(BaseModel):
    """What a named person says was done."""

    model_config = ConfigDict(frozen=True)

    person: str
    name: str
    taken: ActionTaken
    outcome: ActionOutcome
    at: datetime


class Turn(BaseModel):
    """How the referral stands since then, as the event says it; None where the kind alone says it."""

    model_config = ConfigDict(frozen=True)

    status: ReferralStatus | None = None
    reason: StatusReason | None = None
    at: datetime


class Notification(Record):
    """To one recipient about one event. `recipient` is `kind:id`; `hub_id` is who shares, and who
    must phone. `told_at` is set as soon as anybody there may have read it on a channel of ours. `turn`:
    of one to the referrer; none in those of before."""

    referral_id: str | None
    subject_id: str | None = None
    event_id: str
    event_type: str | None = None
    recipient: str
    recipient_kind: RecipientKind
    recipient_id: str
    kind: NotificationKind
    purpose: str
    action: str
    detail: str | None = None
    turn: Turn | None = None
    ground: Ground
    categories: tuple[Category, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    policy_version: str | None = None
    hub_id: str | None = None
    urgency: Urgency | None = None
    urgent: bool = False
    due_at: datetime | None = None
    created_at: datetime
    about_id: str | None = None
    status: Status = "pending"
    inbox_at: datetime | None = None
    webhook: ChannelState | None = None
    email: ChannelState | None = None
    told_at: datetime | None = None
    opened_at: datetime | None = None
    opened_name: str | None = None
    acted: Acted | None = None
    reminders: int = 0
    escalated: bool = False
    retracted_at: datetime | None = None

    @property
    def permitted(self) -> tuple[Category, ...]:
        """The categories that the recipient may be told of and read."""
        return tuple(v.category for v in self.verdicts if v.permitted)

    def channel(self, channel: Channel) -> ChannelState | None:
        """How that channel stands; None for the inbox, and for one that the recipient has not."""
        return {"webhook": self.webhook, "email": self.email}.get(channel)


def identity(notification: Notification) -> dict[str, Any]:
    """What every event of a notification says."""
    names = {"referral_id", "recipient_kind", "recipient_id", "kind"}
    return {"notification_id": notification.id, **notification.model_dump(include=names)}
