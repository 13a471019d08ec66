"""One attempt to send one notification on one channel, and what follows from how it ends."""

import random
from collections.abc import Awaitable, Callable

from services.notify.domain.hearing import notice
from services.notify.domain.life import delivered, exhausted
from services.notify.domain.notification import CLOCK, Notification
from services.notify.domain.outcomes import NO_ADDRESS, Outcome
from services.notify.domain.payload import mail, webhook_body
from services.notify.domain.subscription import Subscription, alarm_due, alarmed
from services.notify.domain.timing import given_up, next_attempt
from services.notify.mail import Mailer
from services.notify.reconsidering import reconsider
from services.notify.store import Desk
from services.notify.telling import tell_internally
from services.notify.webhook import Caller
from shared.events.notify import Channel
from shared.faults import point
from shared.ids import derived_id
from shared.origin import Origin
from shared.telemetry import log

NOT_SENT = Outcome("not_sent", "withheld")
Send = Callable[[Notification, Subscription], Awaitable[Outcome]]


async def attempt(desk: Desk, channel: Channel, send: Send, notification: Notification) -> None:
    """One attempt, if there may be one. A crash after the call sends it again, with the same id.

    The row is written before the decision is read. Whoever ends the ground writes that first and
    looks for rows after: so either we see that it ended, or they see that we may have told.
    """
    point("deliver.after_claim")
    clock, at = CLOCK[channel], desk.clock()
    leg = notification.leg(channel)
    subscription = await desk.subscription(notification.recipient_kind, notification.recipient_id)
    if leg is None or leg.status != "waiting":
        return
    address, wait = _address(subscription, channel), None
    if subscription is not None and address is not None and channel == "webhook":
        wait = await desk.left_alone_until(notification.recipient)
        slowed = wait is not None and wait > at
        if (slowed or not subscription.url_verified) and not given_up(leg.since, at, desk.backoff):
            again = wait if slowed else next_attempt(1, at, random.random(), desk.backoff)  # noqa: S311
            await desk.notifications.postpone(notification.id, clock, again or at)
            return
    number = await desk.began(notification.id, channel, at)
    permitted, now = await reconsider(
        desk, await desk.notifications.get(notification.id), "sending", attempt=(channel, number)
    )
    if not permitted or now.status in ("withheld", "retracted"):
        await desk.ended(notification.id, channel, number, NOT_SENT, desk.clock())
        return
    if subscription is None or address is None:
        outcome = NO_ADDRESS
    elif channel == "webhook" and not subscription.url_verified:
        outcome = Outcome("permanent", "not_verified")
    else:
        outcome = await send(now, subscription)
    point("deliver.after_call")
    await desk.ended(notification.id, channel, number, outcome, desk.clock())
    await _settle(desk, channel, now, subscription, number, outcome, was_failing=wait is not None)


def _address(subscription: Subscription | None, channel: Channel) -> str | None:
    if subscription is None:
        return None
    return subscription.webhook if channel == "webhook" else subscription.mailbox


async def _settle(
    desk: Desk,
    channel: Channel,
    notification: Notification,
    subscription: Subscription | None,
    number: int,
    outcome: Outcome,
    *,
    was_failing: bool,
) -> None:
    by, at = Origin.of_service("notify", notification.referral_id), desk.clock()
    leg = notification.leg(channel)
    if outcome.result == "delivered":
        await desk.notifications.change(
            notification.id, lambda n: delivered(n, channel, number, at), by=by
        )
        if was_failing:
            await desk.endpoint_answered(notification.recipient, at)
        return
    log.warning("delivery.refused", record_id=notification.id, code=outcome.code, attempt=number)
    if channel == "webhook" and subscription is not None:
        failures = await desk.endpoint_failed(notification.recipient, outcome, at)
        await _alert(desk, notification, subscription, failures, outcome)
    run = number - (leg.attempts if leg else 0)
    again = next_attempt(run, at, random.random(), desk.backoff)  # noqa: S311
    if outcome.result != "permanent" and again is not None:
        if outcome.retry_after is not None:
            wish = await desk.left_alone_until(notification.recipient)
            again = max(again, wish or again)
        await desk.notifications.postpone(notification.id, CLOCK[channel], again)
        return
    await give_up(desk, channel, notification, number, outcome.code, by)


async def give_up(
    desk: Desk, channel: Channel, notification: Notification, number: int, code: str, by: Origin
) -> None:
    """That channel is done with. Where nobody was told on another one, a person at the Hub phones."""
    if notification.told_at is None:
        to_hub = notification.recipient_kind != "hub" and notification.hub_id is not None
        task = notice(
            notification,
            "phone_them",
            "hub" if to_hub else "operator",
            notification.hub_id or "" if to_hub else "operator",
            action="phone",
            ground="hub_oversight" if to_hub else "operations",
            at=desk.clock(),
            urgent=True,
        )
        if notification.kind not in (
            "phone_them",
            "endpoint_failing",
        ):  # a task about a task helps nobody
            await tell_internally(desk, task, by)
    point("deliver.after_task")
    await desk.notifications.change(
        notification.id, lambda n: exhausted(n, channel, number, code), by=by
    )


async def _alert(
    desk: Desk,
    notification: Notification,
    subscription: Subscription,
    failures: int,
    outcome: Outcome,
) -> None:
    """An operator hears of a failing endpoint, at most once a day."""
    at, gone = desk.clock(), outcome.result == "permanent"
    if not alarm_due(subscription, failures, at, gone=gone):
        return
    log.error("endpoint.failing", record_id=subscription.id, code=outcome.code, count=failures)
    by = Origin.of_service("notify")
    alert = notice(
        notification,
        "endpoint_failing",
        "operator",
        "operator",
        action="mend_or_ask",
        ground="operations",
        at=at,
        referral_id=None,
        subject_id=None,
        detail=subscription.id,
    ).but(id=_alert_id(subscription))
    await tell_internally(desk, alert, by)
    await desk.subscriptions.change(
        subscription.id, lambda s: alarmed(s, failures, outcome.code, at), by=by
    )


def _alert_id(subscription: Subscription) -> str:
    # From the alarm before: replicas that see it fail at once make one and the same.
    return derived_id("ntf", "endpoint", subscription.id, str(subscription.alerted_at))


def by_webhook(desk: Desk, caller: Caller) -> Send:
    """The webhook as a way to send."""

    async def send(notification: Notification, subscription: Subscription) -> Outcome:
        at = desk.clock()
        secrets = [desk.secret(subscription, number) for number in subscription.generations(at)]
        body = webhook_body(notification)
        return await caller.call(subscription.url or "", secrets, notification.id, body, at)

    return send


def by_email(desk: Desk, mailer: Mailer, public_url: str) -> Send:
    """E-mail as a way to send."""

    async def send(notification: Notification, subscription: Subscription) -> Outcome:
        name = f"{notification.id}.{notification.reminders}"
        subject, text = mail(notification, public_url)
        return await mailer.send(subscription.mailbox or "", name, subject, text)

    return send
