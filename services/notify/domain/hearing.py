"""From an event and a row of the table to a notification, or to one that is withheld. Pure."""

from datetime import datetime, timedelta
from typing import Any

from services.notify.domain.deciding import Answer, Case
from services.notify.domain.notification import (
    EMAIL_DUE,
    OPEN_DUE,
    RECHECK_DUE,
    REMIND_DUE,
    WEBHOOK_DUE,
    Ground,
    Leg,
    Notification,
    told,
)
from services.notify.domain.policy import Audience, HubPolicy, Row, open_within
from services.notify.domain.subscription import Subscription, key_of
from services.notify.domain.timing import quiet_until, remind_at
from shared.events import Event
from shared.events.notify import (
    Channel,
    NotificationCreated,
    NotificationKind,
    NotificationWithheld,
    RecipientKind,
)
from shared.ids import derived_id

# A ground may have ended while the notification was being written: it is looked at once more.
FIRST_LOOK = timedelta(seconds=30)

GROUNDS: dict[Audience, Ground] = {
    "referrer": "fate_of_own_referral",
    "worker": "allocated_worker",
    "hub": "hub_oversight",
    "partners": "sharing",
}
New = tuple[Notification, NotificationCreated | NotificationWithheld, dict[str, datetime]]


def notification_id(event: Event[Any], row: Row, kind: RecipientKind, recipient_id: str) -> str:
    """The same event and recipient give the same id: a second copy of the event finds the first.

    What is told once per referral has the referral in the event's place.
    """
    origin = ("once", event.data.referral_id) if row.once else ("event", event.id)
    return derived_id("ntf", *origin, row.kind, kind, recipient_id)


def draft(
    event: Event[Any],
    row: Row,
    kind: RecipientKind,
    recipient_id: str,
    *,
    case: Case,
    hub_id: str | None,
    policy: HubPolicy,
    at: datetime,
) -> Notification:
    """What would be told, before anything is decided."""
    detail = getattr(event.data, row.detail) if row.detail else None
    return Notification(
        id=notification_id(event, row, kind, recipient_id),
        referral_id=case.id,
        subject_id=case.subject_id,
        event_id=event.id,
        recipient=key_of(kind, recipient_id),
        recipient_kind=kind,
        recipient_id=recipient_id,
        kind=row.kind,
        purpose=row.purpose,
        action=row.action,
        detail=detail,
        ground=GROUNDS[row.tell],
        categories=row.categories,
        hub_id=hub_id,
        urgency=case.urgency,
        urgent=open_within(row, case.urgency, policy) is not None,
        due_at=getattr(event.data, row.due) if row.due else None,
        created_at=at,
    )


def notice(
    about: Notification,
    kind: NotificationKind,
    to_kind: RecipientKind,
    to_id: str,
    *,
    action: str,
    ground: Ground,
    at: datetime,
    apart: str = "",
    **fields: Any,
) -> Notification:
    """A notification about another one; the same again has the same id (`apart` tells two apart)."""
    draft = Notification(
        id=derived_id("ntf", "about", about.id, kind, to_kind, to_id, apart),
        referral_id=about.referral_id,
        subject_id=about.subject_id,
        event_id=about.event_id,
        recipient=key_of(to_kind, to_id),
        recipient_kind=to_kind,
        recipient_id=to_id,
        kind=kind,
        purpose="retraction" if kind == "retraction" else "oversight",
        action=action,
        ground=ground,
        hub_id=about.hub_id,
        urgency=about.urgency,
        created_at=at,
        about_id=about.id,
    )
    return draft.but(**fields)


def create(
    draft: Notification,
    *,
    answer: Answer | None,
    subscription: Subscription | None,
    policy: HubPolicy,
    minutes: int | None,
) -> New:
    """The notification with its channels and clocks, or, where the answer is no, withheld.

    `minutes`: until when it must have been opened. E-mail that is not urgent waits for the end of
    the recipient's quiet hours; a webhook wakes nobody.
    """
    at = draft.created_at
    if answer is not None:
        decided = {"verdicts": answer.decision.verdicts}
        draft = draft.but(**decided, policy_version=answer.decision.policy_version)
        if not answer.permitted:
            return _withheld(draft, answer)
    due: dict[str, datetime] = {}
    channels: list[Channel] = ["inbox"]
    legs: dict[str, Leg] = {}
    if subscription is not None and subscription.webhook is not None:
        channels.append("webhook")
        legs["webhook"], due[WEBHOOK_DUE] = Leg(since=at), at
    if subscription is not None and subscription.mailbox is not None:
        channels.append("email")
        awake = None if draft.urgent else quiet_until(subscription.quiet_hours, at, policy.nation)
        legs["email"], due[EMAIL_DUE] = Leg(since=awake or at), awake or at
    if draft.ground == "sharing":
        due[RECHECK_DUE] = at + FIRST_LOOK
    if minutes is not None:
        due[OPEN_DUE] = at + timedelta(minutes=minutes)
    ask_again = remind_at(at, 0, policy.remind_after, policy.nation)
    if draft.action != "none" and ask_again is not None:
        due[REMIND_DUE] = ask_again
    notification = draft.but(**legs)
    event = NotificationCreated(
        **told(notification),
        purpose=notification.purpose,
        action=notification.action,
        ground=notification.ground,
        due_at=notification.due_at,
        channels=tuple(channels),
        verdicts=notification.verdicts,
        policy_version=notification.policy_version,
        about_id=notification.about_id,
    )
    return notification, event, due


def _withheld(draft: Notification, answer: Answer) -> New:
    notification = draft.but(status="withheld")
    event = NotificationWithheld(
        **told(notification),
        purpose=notification.purpose,
        verdicts=answer.decision.verdicts,
        safety_hold=answer.decision.safety_hold,
        policy_version=answer.decision.policy_version,
        stage="creation",
    )
    return notification, event, {}
