"""The background loop that sends what is due. Any replica may run it, any number of them."""

import asyncio
import random

from services.notify.domain import DELIVERY_DUE, Notification, delivered, exhausted, next_attempt
from services.notify.store import Desk
from services.notify.webhook import Caller
from shared.clock import now
from shared.errors import NotFound
from shared.faults import point
from shared.origin import Origin
from shared.telemetry import log

IDLE = 0.2
WORKERS = 16


async def deliver_due(desk: Desk, caller: Caller, lease: float) -> None:
    """Send for ever, several at a time, so that one slow agency does not hold up the others."""
    async with asyncio.TaskGroup() as tasks:
        for _ in range(WORKERS):
            tasks.create_task(_worker(desk, caller, lease))


async def _worker(desk: Desk, caller: Caller, lease: float) -> None:
    while True:
        notification = await desk.notifications.claim(DELIVERY_DUE, lease)
        if notification is None:
            await asyncio.sleep(IDLE * random.uniform(0.5, 1.5) * WORKERS / 4)  # noqa: S311
            continue
        try:
            await send(desk, caller, notification)
        except Exception as error:  # its lease runs out and it is tried again
            log.error("delivery.failed", record_id=notification.id, error=type(error).__name__)


async def send(desk: Desk, caller: Caller, notification: Notification) -> None:
    """One attempt. A crash after the call sends it again, with the same webhook-id."""
    point("deliver.after_claim")
    try:
        subscription = await desk.subscriptions.get(notification.recipient_id)
    except NotFound:
        subscription = None
    number = await desk.began(notification.id, now())
    if subscription is None or not subscription.active:
        outcome = "no_subscription"
    else:
        secret = desk.secret(subscription)
        outcome = await caller.call(subscription.url, secret, notification, now())
    point("deliver.after_call")
    await desk.ended(notification.id, number, outcome, now())
    by = Origin.of_service("notify", notification.referral_id)
    if outcome == "delivered":
        await desk.notifications.change(notification.id, lambda n: delivered(n, number), by=by)
        return
    log.warning("delivery.refused", record_id=notification.id, code=outcome, attempt=number)
    again = next_attempt(number, now(), random.random())  # noqa: S311
    if again is None:
        await desk.notifications.change(notification.id, lambda n: exhausted(n, number), by=by)
    else:
        await desk.notifications.postpone(notification.id, DELIVERY_DUE, again)
