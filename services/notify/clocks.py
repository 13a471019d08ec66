"""The background loops of everything that has a time: challenges, second looks, escalation, reminders."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta

from services.notify.domain.hearing import notice
from services.notify.domain.life import escalate, remind
from services.notify.domain.notification import OPEN_DUE, RECHECK_DUE, REMIND_DUE, Notification
from services.notify.domain.payload import challenge_body, confirmation_mail
from services.notify.domain.subscription import (
    CONFIRM_DUE,
    VERIFY_DUE,
    Subscription,
    key_of,
    verified,
)
from services.notify.domain.timing import remind_at
from services.notify.mail import Mailer
from services.notify.reconsidering import reconsider
from services.notify.store import Desk
from services.notify.telling import duty_desk, tell_internally
from services.notify.webhook import Caller
from shared.cancellation import heed
from shared.events.notify import RecipientKind
from shared.faults import point
from shared.ids import new_id
from shared.origin import Origin
from shared.records import R
from shared.store import Store
from shared.telemetry import log

IDLE = 0.5
LOOKERS = 6
CHALLENGERS = 4
MAX_CHALLENGE_DELAY = 3600.0


async def run_clocks(desk: Desk, caller: Caller, mailer: Mailer) -> None:
    """Look after every clock for ever. Any replica may, any number of them."""

    async def look(notification: Notification) -> None:
        await reconsider(desk, notification, "ground_changed")

    async def ask_endpoint(subscription: Subscription) -> None:
        await challenge(desk, caller, subscription)

    async def ask_mailbox(subscription: Subscription) -> None:
        await confirm(desk, mailer, subscription)

    async def wake(notification: Notification) -> None:
        await unopened(desk, notification)

    async def ask_again(notification: Notification) -> None:
        await unanswered(desk, notification)

    async with caller.ready(), asyncio.TaskGroup() as tasks:
        for _ in range(LOOKERS):
            tasks.create_task(_keep(desk.notifications, RECHECK_DUE, desk.lease, look))
        for _ in range(CHALLENGERS):
            tasks.create_task(_keep(desk.subscriptions, VERIFY_DUE, desk.lease, ask_endpoint))
        tasks.create_task(_keep(desk.subscriptions, CONFIRM_DUE, desk.lease, ask_mailbox))
        tasks.create_task(_keep(desk.notifications, OPEN_DUE, desk.lease, wake))
        tasks.create_task(_keep(desk.notifications, REMIND_DUE, desk.lease, ask_again))


async def _keep(
    store: Store[R], clock: str, lease: float, then: Callable[[R], Awaitable[None]]
) -> None:
    while True:
        heed()
        found = None
        try:
            found = await store.claim(clock, lease)
            if found is not None:
                await then(found)
        except Exception as error:  # the store is away, or its lease runs out and it comes again
            name = found.id if found else None
            log.error("clock.failed", name=clock, record_id=name, error=type(error).__name__)
            found = None
        if found is None:
            await asyncio.sleep(IDLE * random.uniform(0.5, 1.5))  # noqa: S311


async def challenge(desk: Desk, caller: Caller, subscription: Subscription) -> None:
    """Ask the endpoint to say our word back. Until it does, nothing else is sent there."""
    url = subscription.webhook
    if url is None:
        return await desk.stop(subscription.id, VERIFY_DUE)
    word, at = new_id("challenge"), desk.clock()
    secrets = [desk.secret(subscription)]
    if await caller.challenge(url, secrets, word, challenge_body(word), at):
        await desk.subscriptions.change(
            subscription.id,
            lambda s: verified(s, "webhook", url),
            by=Origin.of_service("notify"),
        )
        await desk.endpoint_answered(subscription.id, at)
        return await desk.hurry(subscription.id, at)
    tries = await desk.challenged(subscription.id)
    delay = min(desk.backoff[0] * 2 ** min(tries - 1, 20), MAX_CHALLENGE_DELAY)
    log.warning("challenge.failed", record_id=subscription.id, attempt=tries)
    return await desk.subscriptions.postpone(
        subscription.id, VERIFY_DUE, at + timedelta(seconds=delay)
    )


async def confirm(desk: Desk, mailer: Mailer, subscription: Subscription) -> None:
    """Mail the code that must come back before this address is used."""
    if subscription.email is None or not mailer.enabled:
        return await desk.stop(subscription.id, CONFIRM_DUE)
    code = desk.confirmation_code(subscription)
    outcome = await mailer.send(subscription.email, new_id("confirm"), *confirmation_mail(code))
    if outcome.result in ("delivered", "permanent"):
        return await desk.stop(subscription.id, CONFIRM_DUE)
    again = desk.clock() + timedelta(seconds=min(60 * desk.backoff[0], MAX_CHALLENGE_DELAY))
    return await desk.subscriptions.postpone(subscription.id, CONFIRM_DUE, again)


async def unopened(desk: Desk, notification: Notification) -> None:
    """Urgent and not opened in time: the Hub hears of it, then its duty desk, then the operator."""
    if await _went_on(desk, notification):
        await desk.notifications.postpone(notification.id, OPEN_DUE, None)
        return
    to_kind, to_id = await _next_in_line(desk, notification)
    by = Origin.of_service("notify", notification.referral_id)
    if (to_kind, to_id) != (notification.recipient_kind, notification.recipient_id):
        told = notice(
            notification,
            "unopened_urgent",
            to_kind,
            to_id,
            action="reach_recipient",
            ground="operations" if to_kind == "operator" else "hub_oversight",
            at=desk.clock(),
            urgent=to_kind != "operator",
        )
        await tell_internally(desk, told, by)
    point("escalate.after_notice")
    await desk.notifications.change(notification.id, lambda n: escalate(n, to_kind, to_id), by=by)


async def _went_on(desk: Desk, notification: Notification) -> bool:
    """Whether it was about a worker's case that is not theirs any more: they need no reminder."""
    if notification.ground != "allocated_worker":
        return False
    return not await desk.known.has_case(notification.recipient_id, notification.referral_id)


async def _next_in_line(desk: Desk, notification: Notification) -> tuple[RecipientKind, str]:
    hub_id = notification.hub_id
    if hub_id is None or notification.recipient_kind == "operator":
        return "operator", "operator"
    if notification.recipient_kind != "hub" and notification.kind != "unopened_urgent":
        return "hub", hub_id
    at_the_hub = notification.but(recipient_kind="hub", recipient_id=hub_id)
    on_duty = await duty_desk(desk, at_the_hub, await desk.subscription("hub", hub_id))
    if on_duty is None or key_of(*on_duty) == notification.recipient:
        return "operator", "operator"
    return on_duty


async def unanswered(desk: Desk, notification: Notification) -> None:
    """Nobody has said what was done: ask again, at growing distance."""
    if await _went_on(desk, notification):
        await desk.notifications.postpone(notification.id, REMIND_DUE, None)
        return
    policy = desk.policy.of_hub(notification.hub_id)
    next_at = remind_at(
        notification.created_at, notification.reminders + 1, policy.remind_after, policy.nation
    )
    await desk.notifications.change(
        notification.id,
        lambda n: remind(n, desk.clock(), next_at),
        by=Origin.of_service("notify", notification.referral_id),
    )
