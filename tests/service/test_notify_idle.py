"""Loops that have nothing to do ask seldom, and start at once when there is something."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest_asyncio
from pymongo import AsyncMongoClient

from services.notify.delivery.dispatcher import Dispatcher
from services.notify.delivery.mail import Mailer
from services.notify.delivery.senders import by_webhook
from services.notify.delivery.webhook import Caller
from services.notify.timers import run_timers
from shared.clock import now
from shared.storage.wake import LONGEST, Wake
from tests.harness.mongo import Mongo, drop
from tests.harness.receiver import receiving
from tests.harness.waiting import PATIENCE, until
from tests.service.notifying import POLICE, SCHOOL, Told, consent, referral, stores_on
from tests.service.test_notify_writes import Counting

# Until a pause that began at 0.2 s and doubles has grown to the longest.
GROWN = 1.5 * LONGEST


async def waited(wake: Wake) -> float:
    """How many seconds the loop pauses."""
    began = time.monotonic()
    await wake.wait()
    return time.monotonic() - began


async def test_a_pause_ends_at_the_moment_that_something_is_due() -> None:
    wake = Wake(lambda: datetime.now(UTC))
    for _ in range(3):
        await wake.wait()  # the next pause would be one second and a half
    asyncio.get_running_loop().call_later(0.05, wake.at, datetime.now(UTC))

    assert await waited(wake) < 0.8


async def test_of_two_times_the_earlier_ends_the_pause() -> None:
    wake = Wake(lambda: datetime.now(UTC))
    for _ in range(3):
        await wake.wait()
    wake.at(datetime.now(UTC) + timedelta(seconds=60))
    wake.at(datetime.now(UTC) + timedelta(seconds=0.1))

    assert await waited(wake) < 0.8


async def test_what_became_possible_before_the_pause_began_ends_it() -> None:
    wake = Wake(lambda: datetime.now(UTC))
    for _ in range(3):
        await wake.wait()
    wake.at(datetime.now(UTC) + timedelta(seconds=60))
    wake.soon()

    assert await waited(wake) < 0.8


@pytest_asyncio.fixture
async def running(mongo: Mongo, prefix: str) -> AsyncIterator[tuple[Told, Counting, str]]:
    """Every loop of notify runs; the school and the police are to be told."""
    counting = Counting()
    async with (
        AsyncMongoClient[dict[str, Any]](
            mongo.url, event_listeners=[counting], tz_aware=True
        ) as client,
        receiving() as receiver,
    ):
        name, clock = f"test_{prefix.strip('.')}", now
        stores = stores_on(client[name], clock)
        await stores.prepare()
        told = Told(stores, clock)  # type: ignore[arg-type]
        caller, timing = Caller(development=True), Caller(development=True)
        dispatcher = Dispatcher(stores, "webhook", by_webhook(stores, caller), grace=0)
        async with caller.ready():
            loops = [
                asyncio.create_task(dispatcher.run()),
                asyncio.create_task(run_timers(stores, timing, Mailer("", ""))),
            ]
            try:
                yield told, counting, receiver.url
                assert not any(loop.done() for loop in loops)
            finally:
                for loop in loops:
                    loop.cancel()
                await asyncio.wait(loops, timeout=10)
                await drop(client, name)


async def test_an_idle_process_asks_the_store_less_than_twice_a_second(
    running: tuple[Told, Counting, str],
) -> None:
    _, counting, _ = running
    await asyncio.sleep(GROWN)
    before = counting.seen.copy()

    await asyncio.sleep(2 * LONGEST)

    assert (counting.seen - before).total() < 2 * 2 * LONGEST


async def test_after_a_long_rest_a_notification_goes_out_at_once(
    running: tuple[Told, Counting, str],
) -> None:
    told, _, url = running
    await told.network(POLICE)
    await told.subscribed(SCHOOL, verify=False, url=url)
    await told.says(consent())
    await asyncio.sleep(GROWN)
    await until(lambda: _verified(told), deadline=5, what="the challenge")
    began = time.monotonic()
    await told.happens("referral.received", "ref_1", **referral())

    await until(lambda: _told(told), deadline=5, what="the webhook")

    assert time.monotonic() - began < 0.5 * LONGEST * PATIENCE


async def _verified(told: Told) -> bool:
    subscription = await told.stores.subscriptions.of("agency", SCHOOL)
    return subscription is not None and subscription.url_verified


async def _told(told: Told) -> bool:
    (found,) = await told.all(kind="referral_received")
    return found.told_at is not None
