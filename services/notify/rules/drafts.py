"""From an event and a rule of the table to a notification, or to one that is withheld. Pure."""

from datetime import datetime, timedelta
from typing import Any

from services.notify.decision.decide import Answer
from services.notify.delivery.timing import quiet_until, remind_at
from services.notify.notification import (
    OPEN_DUE,
    RECHECK_DUE,
    REMIND_DUE,
    TIMER,
    ChannelState,
    Ground,
    Notification,
    Turn,
    identity,
)
from services.notify.projections.cases import Case
from services.notify.rules.policy import Audience, HubPolicy, Rule, open_within
from services.notify.subscriptions.subscription import Subscription, key_of
from shared.events import Event
from shared.events.notification import NotificationCreated, NotificationWithheld
from shared.events.notify import Channel, NotificationKind, RecipientKind
from shared.events.referral import ReferralStatusChanged
from shared.ids import derived_id
from shared.storage.records import New

# A ground may have ended while the notification was being written: it is looked at once more.
FIRST_LOOK = timedelta(seconds=30)

GROUNDS: dict[Audience, Ground] = {
    "referrer": "fate_of_own_referral",
    "worker": "allocated_worker",
    "hub": "hub_oversight",
    "partners": "sharing",
    "operators": "operations",
    "cover": "hub_oversight",
}
Planned = New[Notification]


def notification_id(event: Event[Any], rule: Rule, kind: RecipientKind, recipient_id: str) -> str:
    """The same event and recipient give the same id: a second copy of the event finds the first.

    What is told once per life of a referral has the referral in the event's place, and how often it
    was reopened, if it was.
    """
    again = getattr(event.data, "reopenings", None)
    life = (event.data.referral_id, *([str(again)] if again else []))
    origin = ("once", *life) if rule.once else ("event", event.id)
    return derived_id("ntf", *origin, rule.kind, kind, recipient_id)


def claim_notice_id(consent_id: str, referral_id: str, kind: RecipientKind, to_id: str) -> str:
    """Of a consent that waits each is told once in each case, whichever event brought it about."""
    return derived_id("ntf", "claim", consent_id, referral_id, kind, to_id)


def draft(
    event: Event[Any],
    rule: Rule,
    kind: RecipientKind,
    recipient_id: str,
    *,
    case: Case,
    hub_id: str | None,
    policy: HubPolicy,
    at: datetime,
) -> Notification:
    """What would be told, before anything is decided."""
    detail = getattr(event.data, rule.detail) if rule.detail else rule.note
    if isinstance(detail, tuple):
        detail = ", ".join(detail)
    return Notification(
        id=notification_id(event, rule, kind, recipient_id),
        referral_id=case.id,
        subject_id=case.subject_id,
        event_id=event.id,
        event_type=event.type,
        recipient=key_of(kind, recipient_id),
        recipient_kind=kind,
        recipient_id=recipient_id,
        kind=rule.kind,
        purpose=rule.purpose,
        action=rule.action,
        detail=detail,
        turn=_turn(event) if rule.tell == "referrer" else None,
        ground="operations" if kind == "operator" else GROUNDS[rule.tell],
        categories=rule.categories,
        hub_id=hub_id,
        urgency=case.urgency,
        urgent=open_within(rule, case.urgency, policy) is not None,
        due_at=getattr(event.data, rule.due) if rule.due else None,
        created_at=at,
    )


def _turn(event: Event[Any]) -> Turn:
    if isinstance(said := event.data, ReferralStatusChanged):
        return Turn(status=said.status, reason=said.reason, at=event.time)
    return Turn(at=event.time)


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
        event_type=about.event_type,
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
) -> Planned:
    """The notification with its channels and timers, or, where the answer is no, withheld.

    `minutes`: until when it must have been opened. E-mail that is not urgent waits for the end of
    the recipient's quiet hours; a webhook wakes nobody.
    """
    if answer is not None:
        decided = {"verdicts": answer.decision.verdicts}
        draft = draft.but(**decided, policy_version=answer.decision.policy_version)
        if not answer.permitted:
            return _withheld(draft, answer)
    states = _channel_states(draft, subscription, policy)
    notification = draft.but(**states)
    event = NotificationCreated(
        **identity(notification),
        purpose=notification.purpose,
        action=notification.action,
        ground=notification.ground,
        due_at=notification.due_at,
        channels=("inbox", *states),
        verdicts=notification.verdicts,
        policy_version=notification.policy_version,
        about_id=notification.about_id,
    )
    due = {TIMER[channel]: state.since for channel, state in states.items()}
    return New(notification, (event,), {**due, **_timers(notification, policy, minutes)})


def _channel_states(
    draft: Notification, subscription: Subscription | None, policy: HubPolicy
) -> dict[Channel, ChannelState]:
    """The channels beside the inbox, each with the time of its first attempt."""
    states: dict[Channel, ChannelState] = {}
    at = draft.created_at
    if subscription is not None and subscription.webhook is not None:
        states["webhook"] = ChannelState(since=at)
    if subscription is not None and subscription.mailbox is not None:
        awake = None if draft.urgent else quiet_until(subscription.quiet_hours, at, policy.nation)
        states["email"] = ChannelState(since=awake or at)
    return states


def _timers(
    notification: Notification, policy: HubPolicy, minutes: int | None
) -> dict[str, datetime]:
    """When to decide again, when it must have been opened, when to remind."""
    at = notification.created_at
    due: dict[str, datetime] = {}
    if notification.ground == "sharing":
        due[RECHECK_DUE] = at + FIRST_LOOK
    if minutes is not None:
        due[OPEN_DUE] = at + timedelta(minutes=minutes)
    ask_again = remind_at(at, 0, policy.remind_after, policy.nation)
    if notification.action != "none" and ask_again is not None:
        due[REMIND_DUE] = ask_again
    return due


def _withheld(draft: Notification, answer: Answer) -> Planned:
    notification = draft.but(status="withheld")
    event = NotificationWithheld(
        **identity(notification),
        purpose=notification.purpose,
        verdicts=answer.decision.verdicts,
        safety_hold=answer.decision.safety_hold,
        policy_version=answer.decision.policy_version,
        stage="creation",
    )
    return New(notification, (event,))
