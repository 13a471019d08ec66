"""What follows from how an attempt ended: the next one, or somebody who must phone; and an alert."""

import random
from dataclasses import dataclass

from services.notify.delivery.outcomes import NAMED_BY_UNSAFE, Outcome
from services.notify.delivery.timing import next_attempt
from services.notify.notification import TIMER, Notification
from services.notify.rules.drafts import notice
from services.notify.rules.notices import notify_internally
from services.notify.store import Stores
from services.notify.subscriptions.subscription import Subscription, alarm_due, alarmed
from services.notify.transitions import delivered, exhausted
from shared.events.notify import Channel
from shared.ids import derived_id
from shared.operating.failpoints import failpoint
from shared.operating.telemetry import log
from shared.origin import Origin

# A task about a task helps nobody.
WITHOUT_TASK = ("phone_them", "endpoint_failing")


@dataclass(frozen=True)
class Ended:
    """An attempt that is over: which notification, on which channel, the how manieth, and how."""

    notification: Notification
    subscription: Subscription | None
    channel: Channel
    number: int
    outcome: Outcome


async def follow_up(stores: Stores, ended: Ended, *, was_failing: bool) -> None:
    """Delivered, tried again later, or given up. Safe to repeat."""
    notification, channel, outcome = ended.notification, ended.channel, ended.outcome
    at = stores.clock()
    if outcome.result == "delivered":
        await stores.notifications.change(
            notification.id,
            lambda n: delivered(n, channel, ended.number, at),
            by=Origin.of_service("notify", notification.referral_id),
        )
        if was_failing:
            await stores.endpoint_answered(notification.recipient, at)
        return None
    code = outcome.code
    log.warning("delivery.refused", record_id=notification.id, code=code, attempt=ended.number)
    called = outcome != NAMED_BY_UNSAFE
    if channel == "webhook" and ended.subscription is not None and called:
        failures = await stores.endpoints.failed(notification.recipient, outcome, at)
        await _alert(stores, notification, ended.subscription, failures, outcome)
    state = notification.channel(channel)
    run = ended.number - (state.attempts if state else 0)
    again = next_attempt(run, at, random.random(), stores.backoff)  # noqa: S311
    if outcome.result == "permanent" or again is None:
        return await _give_up(stores, ended)
    if outcome.retry_after is not None:
        wish = await stores.endpoints.circuit_open_until(notification.recipient)
        again = max(again, wish or again)
    return await stores.notifications.postpone(notification.id, TIMER[channel], again)


async def _give_up(stores: Stores, ended: Ended) -> None:
    """That channel is done with. Where nobody was told on another one, a person at the Hub phones."""
    notification = ended.notification
    by = Origin.of_service("notify", notification.referral_id)
    if notification.told_at is None and notification.kind not in WITHOUT_TASK:
        now_with = await stores.projections.hub_now(notification.referral_id, notification.hub_id)
        hub_id = None if notification.recipient_kind == "hub" else now_with
        task = notice(
            *(notification.but(hub_id=now_with), "phone_them"),
            *(("hub", hub_id) if hub_id else ("operator", "operator")),
            action="phone",
            ground="hub_oversight" if hub_id else "operations",
            at=stores.clock(),
            urgent=True,
        )
        await notify_internally(stores, task, by)
    failpoint("deliver.after_task")
    await stores.notifications.change(
        notification.id,
        lambda n: exhausted(n, ended.channel, ended.number, ended.outcome.code),
        by=by,
    )


async def _alert(
    stores: Stores,
    notification: Notification,
    subscription: Subscription,
    failures: int,
    outcome: Outcome,
) -> None:
    """An operator hears of a failing endpoint, at most once a day."""
    at, gone = stores.clock(), outcome.result == "permanent"
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
    await notify_internally(stores, alert, by)
    failpoint("deliver.after_alert")
    await stores.subscriptions.change(
        subscription.id, lambda s: alarmed(s, failures, outcome.code, at), by=by
    )


def _alert_id(subscription: Subscription) -> str:
    # From the alarm before: replicas that see it fail at once make one and the same.
    return derived_id("ntf", "endpoint", subscription.id, str(subscription.alerted_at))
