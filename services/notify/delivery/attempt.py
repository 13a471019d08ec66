"""One attempt to send one notification on one channel."""

import random
from collections.abc import Awaitable, Callable
from datetime import datetime

from services.notify.decision.re_evaluate import re_evaluate
from services.notify.delivery.follow_up import Ended, follow_up
from services.notify.delivery.outcomes import NAMED_BY_UNSAFE, NO_ADDRESS, Outcome
from services.notify.delivery.timing import given_up, next_attempt
from services.notify.notification import TIMER, ChannelState, Notification
from services.notify.store import Stores
from services.notify.subscriptions.subscription import Subscription
from shared.events.notify import Channel
from shared.operating.failpoints import failpoint

NOT_SENT = Outcome("not_sent", "withheld")
NOT_VERIFIED = Outcome("permanent", "not_verified")
Send = Callable[[Notification, Subscription], Awaitable[Outcome]]


async def attempt(stores: Stores, channel: Channel, send: Send, notification: Notification) -> None:
    """One attempt, if there may be one. A crash after the call sends it again, with the same id.

    The row is written before the decision is read. Whoever ends the ground writes that first and
    looks for rows after: so either we see that it ended, or they see that we may have told.
    """
    failpoint("deliver.after_claim")
    state = notification.channel(channel)
    if state is None or state.status != "waiting":
        return None
    recipient = notification.recipient_kind, notification.recipient_id
    subscription = await stores.subscriptions.of(*recipient)
    open_until = None
    if channel == "webhook" and subscription is not None and subscription.webhook is not None:
        open_until = await stores.endpoints.circuit_open_until(notification.recipient)
        later = _later(stores, subscription, state, open_until)
        if later is not None:
            return await stores.notifications.postpone(notification.id, TIMER[channel], later)
    begun = await stores.attempts.began(
        notification.id, notification.recipient, channel, stores.clock()
    )
    failpoint("deliver.after_row")
    before = await stores.notifications.get(notification.id)
    permitted, now = await re_evaluate(stores, before, "sending", attempt=(channel, begun.number))
    if not permitted or now.status in ("withheld", "retracted"):
        await stores.attempts.ended(begun, NOT_SENT, stores.clock())
        return None
    outcome = await _send(stores, channel, send, now, subscription)
    failpoint("deliver.after_call")
    await stores.attempts.ended(begun, outcome, stores.clock())
    ended = Ended(now, subscription, channel, begun.number, outcome)
    return await follow_up(stores, ended, was_failing=open_until is not None)


def _later(
    stores: Stores, subscription: Subscription, state: ChannelState, open_until: datetime | None
) -> datetime | None:
    """When to try instead of now; None: now. An endpoint that is down or not proved is not called."""
    at = stores.clock()
    if given_up(state.since, at, stores.backoff):
        return None
    if open_until is not None and open_until > at:
        return open_until
    if subscription.url_verified:
        return None
    return next_attempt(1, at, random.random(), stores.backoff) or at  # noqa: S311


async def _send(
    stores: Stores,
    channel: Channel,
    send: Send,
    notification: Notification,
    subscription: Subscription | None,
) -> Outcome:
    if subscription is None:
        return NO_ADDRESS
    address = subscription.webhook if channel == "webhook" else subscription.mailbox
    if address is None:
        return NO_ADDRESS
    if channel == "webhook" and not subscription.url_verified:
        return NOT_VERIFIED
    if await _named_by_unsafe(stores, subscription, notification):
        return NAMED_BY_UNSAFE
    return await send(notification, subscription)


async def _named_by_unsafe(
    stores: Stores, subscription: Subscription, notification: Notification
) -> bool:
    if subscription.put_by is None or notification.subject_id is None:
        return False
    case = await stores.projections.cases.get(notification.referral_id or "")
    subject = await stores.projections.subject(case.subject_id or notification.subject_id)
    return f"account:{subscription.put_by}" in subject.unsafe
