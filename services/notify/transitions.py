"""The life of a notification: what may happen to it, and which of its clocks that stops. Pure.

withheld | pending → delivered → opened → acted, or failed, retracted
"""

from datetime import datetime
from typing import Any

from services.notify.notification import (
    ALL_STOPPED,
    EMAIL_DUE,
    OPEN_DUE,
    OVER,
    RECHECK_DUE,
    REMIND_DUE,
    TIMER,
    Acted,
    ChannelState,
    Notification,
    identity,
)
from shared.events.delivery import (
    NotificationActed,
    NotificationDelivered,
    NotificationEscalated,
    NotificationFailed,
    NotificationOpened,
    NotificationReminded,
    NotificationReplayed,
)
from shared.events.notification import (
    NotificationRedecided,
    NotificationRetracted,
    NotificationWithheld,
)
from shared.events.notify import Channel, RecipientKind, RetractionReason, Stage
from shared.rules.sharing import Category, Decision
from shared.storage.records import Change, changed, unchanged


def delivered(
    notification: Notification, channel: Channel, attempts: int, at: datetime
) -> Change[Notification]:
    """The channel took it: a webhook answered 2xx, a mail server took the mail, the inbox was read.

    What is withheld or retracted stays that.
    """
    state = notification.channel(channel)
    if notification.status in OVER or (state is not None and state.status == "delivered"):
        return unchanged(notification)
    if channel == "inbox" and notification.inbox_at is not None:
        return unchanged(notification)
    event = NotificationDelivered(**identity(notification), channel=channel, attempts=attempts)
    fields: dict[str, Any] = {"told_at": notification.told_at or at}
    if state is None:
        fields["inbox_at"] = at
    else:
        fields[channel] = state.model_copy(update={"status": "delivered", "attempts": attempts})
    if notification.status in ("pending", "failed"):
        fields["status"] = "delivered"
    due: dict[str, datetime | None] = {} if state is None else {TIMER[channel]: None}
    return changed(notification, event, due=due, **fields)


def exhausted(
    notification: Notification, channel: Channel, attempts: int, code: str
) -> Change[Notification]:
    """That channel will not be tried again. It stays in the inbox, and somebody must phone."""
    state = notification.channel(channel)
    if state is None or state.status != "waiting" or notification.status in OVER:
        return unchanged(notification)
    event = NotificationFailed(
        **identity(notification), channel=channel, attempts=attempts, code=code
    )
    after = state.model_copy(update={"status": "failed", "attempts": attempts})
    status = "failed" if notification.status == "pending" else notification.status
    return changed(
        notification, event, due={TIMER[channel]: None}, **{"status": status, channel: after}
    )


def opened(
    notification: Notification, at: datetime, person: str, name: str | None = None
) -> Change[Notification]:
    """A person at the recipient has opened it; the first time counts. Nobody needs to be woken."""
    if notification.opened_at is not None or notification.status == "withheld":
        return unchanged(notification)
    event = NotificationOpened(**identity(notification), opened_at=at, person=person)
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
        **identity(notification),
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
        **identity(notification),
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
        **identity(notification), verdicts=decision.verdicts, policy_version=decision.policy_version
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
        **identity(notification), reason=reason, categories=categories, safety_hold=safety_hold
    )
    return changed(notification, event, due=ALL_STOPPED, status="retracted", retracted_at=at)


def remind(
    notification: Notification, at: datetime, next_at: datetime | None
) -> Change[Notification]:
    """Ask again what was done: mailed once more, where there is e-mail."""
    if notification.status in OVER or notification.acted is not None:
        return unchanged(notification)
    count = notification.reminders + 1
    event = NotificationReminded(**identity(notification), reminders=count)
    due: dict[str, datetime | None] = {REMIND_DUE: next_at}
    fields: dict[str, Any] = {"reminders": count}
    if notification.email is not None:
        due[EMAIL_DUE] = at
        fields["email"] = ChannelState(since=at, attempts=notification.email.attempts)
    return changed(notification, event, due=due, **fields)


def escalate(notification: Notification, kind: RecipientKind, to_id: str) -> Change[Notification]:
    """Not opened in time: somebody else has been told to reach them."""
    if notification.opened_at is not None or notification.escalated or notification.status in OVER:
        return unchanged(notification)
    event = NotificationEscalated(**identity(notification), to_kind=kind, to_id=to_id)
    return changed(notification, event, due={OPEN_DUE: None}, escalated=True)


def replay(notification: Notification, channel: Channel, at: datetime) -> Change[Notification]:
    """Send it once more: new attempts under the same id; the rows of the old ones stay."""
    state = notification.channel(channel)
    if state is None or state.status == "waiting" or notification.status in OVER:
        return unchanged(notification)
    event = NotificationReplayed(**identity(notification), channel=channel)
    again = ChannelState(since=at, attempts=state.attempts)
    return changed(notification, event, due={TIMER[channel]: at}, **{channel: again})
