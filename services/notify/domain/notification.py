"""The life of a notification. Content-free: kind, reference, purpose, action asked, due time. Pure.

withheld | pending → delivered → opened → acted, or failed, retracted
"""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from shared.events.codes import Urgency
from shared.events.notify import (
    ActionOutcome,
    ActionTaken,
    Channel,
    NotificationActed,
    NotificationDelivered,
    NotificationEscalated,
    NotificationFailed,
    NotificationKind,
    NotificationOpened,
    NotificationRedecided,
    NotificationReminded,
    NotificationReplayed,
    NotificationRetracted,
    NotificationWithheld,
    RecipientKind,
    RetractionReason,
    Stage,
)
from shared.records import Change, Record, changed, unchanged
from shared.sharing import Category, Decision, Verdict

WEBHOOK_DUE, EMAIL_DUE = "webhook_due", "email_due"
CLOCK: dict[Channel, str] = {"webhook": WEBHOOK_DUE, "email": EMAIL_DUE}
RECHECK_DUE, OPEN_DUE, REMIND_DUE = "recheck_due", "open_due", "remind_due"
CLOCKS = (WEBHOOK_DUE, EMAIL_DUE, RECHECK_DUE, OPEN_DUE, REMIND_DUE)
ALL_STOPPED: dict[str, datetime | None] = dict.fromkeys(CLOCKS)

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


class Leg(BaseModel):
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


class Notification(Record):
    """To one recipient about one event. `recipient` is `kind:id`; `hub_id` is who shares, and who
    must phone. `told_at` is set as soon as anybody there may have read it on a channel of ours."""

    referral_id: str | None
    subject_id: str | None = None
    event_id: str
    recipient: str
    recipient_kind: RecipientKind
    recipient_id: str
    kind: NotificationKind
    purpose: str
    action: str
    detail: str | None = None
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
    webhook: Leg | None = None
    email: Leg | None = None
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

    def leg(self, channel: Channel) -> Leg | None:
        """How that channel stands; the inbox has no leg."""
        return {"webhook": self.webhook, "email": self.email}.get(channel)


def told(notification: Notification) -> dict[str, Any]:
    """What every event of a notification says."""
    names = {"referral_id", "recipient_kind", "recipient_id", "kind"}
    return {"notification_id": notification.id, **notification.model_dump(include=names)}


def delivered(
    notification: Notification, channel: Channel, attempts: int, at: datetime
) -> Change[Notification]:
    """The channel took it: a webhook answered 2xx, a mail server took the mail, the inbox was read.

    What is withheld or retracted stays that.
    """
    leg = notification.leg(channel)
    if notification.status in OVER or (leg is not None and leg.status == "delivered"):
        return unchanged(notification)
    if channel == "inbox" and notification.inbox_at is not None:
        return unchanged(notification)
    event = NotificationDelivered(**told(notification), channel=channel, attempts=attempts)
    fields: dict[str, Any] = {"told_at": notification.told_at or at}
    if leg is None:
        fields["inbox_at"] = at
    else:
        fields[channel] = leg.model_copy(update={"status": "delivered", "attempts": attempts})
    if notification.status in ("pending", "failed"):
        fields["status"] = "delivered"
    due: dict[str, datetime | None] = {} if leg is None else {CLOCK[channel]: None}
    return changed(notification, event, due=due, **fields)


def exhausted(
    notification: Notification, channel: Channel, attempts: int, code: str
) -> Change[Notification]:
    """That channel will not be tried again. It stays in the inbox, and somebody must phone."""
    leg = notification.leg(channel)
    if leg is None or leg.status != "waiting" or notification.status in OVER:
        return unchanged(notification)
    event = NotificationFailed(**told(notification), channel=channel, attempts=attempts, code=code)
    after = leg.model_copy(update={"status": "failed", "attempts": attempts})
    status = "failed" if notification.status == "pending" else notification.status
    return changed(
        notification, event, due={CLOCK[channel]: None}, **{"status": status, channel: after}
    )


def opened(
    notification: Notification, at: datetime, person: str, name: str | None = None
) -> Change[Notification]:
    """A person at the recipient has opened it; the first time counts. Nobody needs to be woken."""
    if notification.opened_at is not None or notification.status == "withheld":
        return unchanged(notification)
    event = NotificationOpened(**told(notification), opened_at=at, person=person)
    status = notification.status if notification.status in ("acted", "retracted") else "opened"
    return changed(
        notification,
        event,
        due={OPEN_DUE: None},
        status=status,
        opened_at=at,
        opened_name=name,
        told_at=notification.told_at or at,
    )


def acted(notification: Notification, receipt: Acted) -> Change[Notification]:
    """A named person says what was done; a later word replaces an earlier one. Ends reminders."""
    before = notification.acted
    if before is not None and before.model_copy(update={"at": receipt.at}) == receipt:
        return unchanged(notification)
    event = NotificationActed(
        **told(notification),
        acted_at=receipt.at,
        person=receipt.person,
        taken=receipt.taken,
        outcome=receipt.outcome,
    )
    return changed(
        notification,
        event,
        due={OPEN_DUE: None, REMIND_DUE: None},
        status="retracted" if notification.status == "retracted" else "acted",
        opened_at=notification.opened_at or receipt.at,
        told_at=notification.told_at or receipt.at,
        acted=receipt,
    )


def withhold(notification: Notification, decision: Decision, stage: Stage) -> Change[Notification]:
    """The ground ended before anybody was told: nobody will be. Stops every clock."""
    if notification.status in OVER or notification.told_at is not None:
        return unchanged(notification)
    event = NotificationWithheld(
        **told(notification),
        purpose=notification.purpose,
        verdicts=decision.verdicts,
        safety_hold=decision.safety_hold,
        policy_version=decision.policy_version,
        stage=stage,
    )
    return changed(
        notification, event, due=ALL_STOPPED, status="withheld", verdicts=decision.verdicts
    )


def redecide(
    notification: Notification, decision: Decision, again_at: datetime | None
) -> Change[Notification]:
    """Still permitted, on the verdicts of now; they are looked at again when one may change."""
    if notification.status in OVER or notification.verdicts == decision.verdicts:
        return unchanged(notification)
    event = NotificationRedecided(
        **told(notification), verdicts=decision.verdicts, policy_version=decision.policy_version
    )
    return changed(notification, event, due={RECHECK_DUE: again_at}, verdicts=decision.verdicts)


def retract(
    notification: Notification,
    categories: tuple[Category, ...],
    reason: RetractionReason,
    at: datetime,
    *,
    safety_hold: bool = False,
) -> Change[Notification]:
    """They were told under a ground that has ended. Every clock stops; the notice has its own."""
    if notification.status in OVER:
        return unchanged(notification)
    event = NotificationRetracted(
        **told(notification), reason=reason, categories=categories, safety_hold=safety_hold
    )
    return changed(notification, event, due=ALL_STOPPED, status="retracted", retracted_at=at)


def remind(
    notification: Notification, at: datetime, next_at: datetime | None
) -> Change[Notification]:
    """Ask again what was done: mailed once more, where there is e-mail."""
    if notification.status in OVER or notification.acted is not None:
        return unchanged(notification)
    count = notification.reminders + 1
    event = NotificationReminded(**told(notification), reminders=count)
    due: dict[str, datetime | None] = {REMIND_DUE: next_at}
    fields: dict[str, Any] = {"reminders": count}
    if notification.email is not None:
        due[EMAIL_DUE] = at
        fields["email"] = Leg(since=at, attempts=notification.email.attempts)
    return changed(notification, event, due=due, **fields)


def escalate(notification: Notification, kind: RecipientKind, to_id: str) -> Change[Notification]:
    """Not opened in time: somebody else has been told to reach them."""
    if notification.opened_at is not None or notification.escalated or notification.status in OVER:
        return unchanged(notification)
    event = NotificationEscalated(**told(notification), to_kind=kind, to_id=to_id)
    return changed(notification, event, due={OPEN_DUE: None}, escalated=True)


def replay(notification: Notification, channel: Channel, at: datetime) -> Change[Notification]:
    """Send it once more: new attempts under the same id; the rows of the old ones stay."""
    leg = notification.leg(channel)
    if leg is None or leg.status == "waiting" or notification.status in OVER:
        return unchanged(notification)
    event = NotificationReplayed(**told(notification), channel=channel)
    again = Leg(since=at, attempts=leg.attempts)
    return changed(notification, event, due={CLOCK[channel]: at}, **{channel: again})
