"""Proving addresses: a webhook says a word back, a mailbox a code."""

import asyncio
from datetime import timedelta

from services.notify.delivery.mail import Mailer
from services.notify.delivery.payload import challenge_body, confirmation_mail
from services.notify.delivery.webhook import Caller
from services.notify.store import Stores
from services.notify.subscriptions.subscription import (
    CONFIRM_DUE,
    VERIFY_DUE,
    Subscription,
    verified,
)
from shared.ids import new_id
from shared.operating.telemetry import log
from shared.origin import Origin

MAX_CHALLENGE_DELAY = 3600.0
ONE_AT_A_TIME = timedelta(seconds=1)


async def prove_url(stores: Stores, caller: Caller, subscription: Subscription) -> None:
    """Challenge the endpoint, or look again soon while another of its challenges is under way, in
    any replica: one at a time, so that who is slow and changes its address holds up nobody else.

    Where a replica dies under way, the next challenge waits for the lease.
    """
    who, at = subscription.id, stores.clock()
    until = at + timedelta(seconds=stores.lease)
    if not await stores.endpoints.begin_challenge(who, at, until):
        return await stores.subscriptions.postpone(who, VERIFY_DUE, at + ONE_AT_A_TIME)
    try:
        await challenge(stores, caller, subscription)
    finally:
        await asyncio.shield(stores.endpoints.end_challenge(who, until))


async def challenge(stores: Stores, caller: Caller, subscription: Subscription) -> None:
    """Ask the endpoint to say our word back. Until it does, nothing else is sent there."""
    url = subscription.webhook
    if url is None:
        return await stores.subscriptions.stop(subscription.id, VERIFY_DUE)
    word, at = new_id("challenge"), stores.clock()
    secrets = [stores.secrets.of(subscription)]
    if await caller.challenge(url, secrets, word, challenge_body(word), at):
        await stores.subscriptions.change(
            subscription.id,
            lambda s: verified(s, "webhook", url),
            by=Origin.of_service("notify"),
        )
        await stores.endpoint_answered(subscription.id, at)
        return await stores.notifications.release_backlog(subscription.id, at, stores.lease)
    tries = await stores.endpoints.challenged(subscription.id)
    delay = min(stores.backoff[0] * 2 ** min(tries - 1, 20), MAX_CHALLENGE_DELAY)
    log.warning("challenge.failed", record_id=subscription.id, attempt=tries)
    # An address that was given meanwhile has a time of its own.
    return await stores.subscriptions.postpone(
        *(subscription.id, VERIFY_DUE, at + timedelta(seconds=delay)), version=subscription.version
    )


async def confirm(stores: Stores, mailer: Mailer, subscription: Subscription) -> None:
    """Mail the code that must come back before this address is used."""
    if subscription.email is None or not mailer.enabled:
        return await stores.subscriptions.stop(subscription.id, CONFIRM_DUE)
    code = stores.secrets.confirmation_code(subscription)
    outcome = await mailer.send(subscription.email, new_id("confirm"), *confirmation_mail(code))
    if outcome.result in ("delivered", "permanent"):
        return await stores.subscriptions.stop(subscription.id, CONFIRM_DUE)
    again = stores.clock() + timedelta(seconds=min(60 * stores.backoff[0], MAX_CHALLENGE_DELAY))
    return await stores.subscriptions.postpone(subscription.id, CONFIRM_DUE, again)
