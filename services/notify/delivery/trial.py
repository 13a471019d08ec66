"""A test of how a recipient is told: sent because they ask, about nobody. It counts for nothing."""

import asyncio
from collections.abc import Awaitable
from datetime import datetime

from pydantic import BaseModel

from services.notify.delivery.attempts import Begun
from services.notify.delivery.outcomes import (
    NOT_CONFIRMED,
    NOT_PROVED,
    TIMED_OUT,
    Outcome,
    Result,
)
from services.notify.delivery.payload import trial_body, trial_mail
from services.notify.delivery.senders import signing
from services.notify.delivery.webhook import Caller
from services.notify.store import Stores
from services.notify.subscriptions.subscription import Subscription, tested
from shared.errors import Refused
from shared.events.notify import Channel
from shared.ids import new_id
from shared.origin import Origin

# Who asks waits for the answer: as long as an endpoint has for a notification.
WITHIN = 15.0
TEST = "tst"


class TrialResult(BaseModel):
    """What one way came to: `result`, and why in `code`; `not_sent` where the address isn't proved."""

    result: Result
    code: str
    duration_ms: int


class Trial(BaseModel):
    """What a test came to, by each way that the recipient has."""

    test_id: str
    at: datetime
    webhook: TrialResult | None
    email: TrialResult | None


async def try_out(stores: Stores, caller: Caller, subscription: Subscription, by: Origin) -> Trial:
    """Send a test now, by webhook and by mail. Raises `Refused` where there is neither, `TooMany`.

    A test goes only where a notification may: to an address that was proved. It opens no circuit and
    alarms nobody; a webhook that takes it is well again, and gets what waited. Where we die before the
    event is written, a test was sent that nobody has the answer of: it changed nothing.
    """
    mail_to = subscription.email if subscription.active else None
    if subscription.webhook is None and mail_to is None:
        raise Refused("nothing_to_test", "There is no webhook and no mailbox in use.")
    at, trial_id = stores.clock(), new_id(TEST)
    await stores.quotas.spend("tests", subscription.id, at)
    await stores.quotas.spend("tests_day", subscription.id, at)
    webhook, email = await asyncio.gather(
        _webhook(stores, caller, subscription, trial_id), _email(stores, subscription, trial_id)
    )
    codes = webhook.code if webhook else None, email.code if email else None
    await stores.subscriptions.change(
        subscription.id, lambda s: tested(s, *codes, stores.clock()), by=by
    )
    return Trial(test_id=trial_id, at=at, webhook=webhook, email=email)


async def _webhook(
    stores: Stores, caller: Caller, subscription: Subscription, trial_id: str
) -> TrialResult | None:
    if (url := subscription.webhook) is None:
        return None
    if not subscription.url_verified:
        return _told(NOT_PROVED)
    at = stores.clock()
    body, secrets = trial_body(trial_id, at), signing(stores, subscription, at)
    async with caller.ready():
        sending = caller.call(url, secrets, trial_id, body, at)
        result = await _sent(stores, subscription, trial_id, "webhook", sending)
    if result.result == "delivered":
        await stores.endpoint_answered(subscription.id, stores.clock())
    return result


async def _email(stores: Stores, subscription: Subscription, trial_id: str) -> TrialResult | None:
    if not subscription.active or subscription.email is None:
        return None
    if subscription.mailbox is None:
        return _told(NOT_CONFIRMED)
    sending = stores.mailer.send(subscription.mailbox, trial_id, *trial_mail())
    return await _sent(stores, subscription, trial_id, "email", sending)


async def _sent(
    stores: Stores,
    subscription: Subscription,
    trial_id: str,
    channel: Channel,
    sending: Awaitable[Outcome],
) -> TrialResult:
    begun = Begun(trial_id, subscription.id, channel, 1, stores.clock())
    try:
        outcome = await asyncio.wait_for(sending, WITHIN)
    except TimeoutError:
        outcome = TIMED_OUT
    at = stores.clock()
    await stores.attempts.tested(begun, outcome, at)
    return _told(outcome, int((at - begun.at).total_seconds() * 1000))


def _told(outcome: Outcome, duration_ms: int = 0) -> TrialResult:
    return TrialResult(result=outcome.result, code=outcome.code, duration_ms=duration_ms)
