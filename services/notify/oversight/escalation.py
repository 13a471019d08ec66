"""What follows when a notification is not opened in time, or nobody says what was done."""

from services.notify.delivery.timing import remind_at
from services.notify.notification import OPEN_DUE, REMIND_DUE, Notification
from services.notify.rules.drafts import notice
from services.notify.rules.notices import duty_desk, notify_internally
from services.notify.store import Stores
from services.notify.subscriptions.store import Recipients
from services.notify.subscriptions.subscription import key_of
from services.notify.transitions import escalate, remind
from shared.events.notify import RecipientKind
from shared.operating.failpoints import failpoint
from shared.origin import Origin


async def unopened(stores: Stores, notification: Notification) -> None:
    """Urgent and not opened in time: the Hub that has the referral hears of it, then its duty
    desk, then the operator."""
    if await _went_on(stores, notification):
        await stores.notifications.postpone(notification.id, OPEN_DUE, None)
        return
    if notification.recipient_kind == "agency":
        now_with = await stores.projections.hub_now(notification.referral_id, notification.hub_id)
        notification = notification.but(hub_id=now_with)
    to_kind, to_id = await _next_in_line(stores, notification)
    by = Origin.of_service("notify", notification.referral_id)
    if (to_kind, to_id) != (notification.recipient_kind, notification.recipient_id):
        told = notice(
            notification,
            "unopened_urgent",
            to_kind,
            to_id,
            action="reach_recipient",
            ground="operations" if to_kind == "operator" else "hub_oversight",
            at=stores.clock(),
            urgent=to_kind != "operator",
        )
        await notify_internally(stores, told, by)
    failpoint("escalate.after_notice")
    await stores.notifications.change(notification.id, lambda n: escalate(n, to_kind, to_id), by=by)


async def _went_on(stores: Stores, notification: Notification) -> bool:
    """Whether it was about a worker's case that is not theirs any more: they need no reminder."""
    if notification.ground != "allocated_worker":
        return False
    return not await stores.projections.has_case(
        notification.recipient_id, notification.referral_id
    )


async def _next_in_line(stores: Stores, notification: Notification) -> tuple[RecipientKind, str]:
    hub_id = notification.hub_id
    if hub_id is None or notification.recipient_kind == "operator":
        return "operator", "operator"
    if notification.recipient_kind != "hub" and notification.kind != "unopened_urgent":
        return "hub", hub_id
    recipients = Recipients(stores.subscriptions)
    at_the_hub = notification.but(recipient_kind="hub", recipient_id=hub_id)
    on_duty = await duty_desk(stores, at_the_hub, await recipients.of("hub", hub_id), recipients)
    if on_duty is None or key_of(*on_duty) == notification.recipient:
        return "operator", "operator"
    return on_duty


async def unanswered(stores: Stores, notification: Notification) -> None:
    """Nobody has said what was done: ask again, at growing distance."""
    if await _went_on(stores, notification):
        await stores.notifications.postpone(notification.id, REMIND_DUE, None)
        return
    policy = stores.policy.of_hub(notification.hub_id)
    next_at = remind_at(
        notification.created_at, notification.reminders + 1, policy.remind_after, policy.nation
    )
    await stores.notifications.change(
        notification.id,
        lambda n: remind(n, stores.clock(), next_at),
        by=Origin.of_service("notify", notification.referral_id),
    )
