"""Proofs of addresses, across replicas: one challenge of an agency at a time, whatever it changes
meanwhile; and only so many guesses, mails and challenges, whichever replica is asked.
"""

import asyncio
import contextlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from aiohttp import web

from services.notify.delivery.mail import Mailer
from services.notify.delivery.webhook import Caller
from services.notify.oversight.replay import Replay, replay_window
from services.notify.subscriptions.registration import new_secret, register
from services.notify.subscriptions.subscription import SubscriptionEntry, amend
from services.notify.timers import CHALLENGES, run_timers
from shared.clock import now
from shared.errors import TooMany
from shared.storage.store import Database
from shared.web.tokens import Caller as Asker
from tests.harness.receiver import Receiver, receiving, receiving_as
from tests.harness.waiting import until
from tests.service.notifying import OPERATOR, POLICE, SCHOOL, Hands, Told, stores_on


@dataclass
class Slow(Receiver):
    """Answers no challenge before it is released, and counts those that wait."""

    release: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0
    most: int = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        await self.release.wait()
        self.waiting -= 1
        return await super().handle(request)


async def test_an_agency_that_is_slow_and_changes_its_webhook_holds_up_no_other(
    database: Database,
) -> None:
    told = Told(stores_on(database, now), Hands())
    stores = told.stores
    await stores.prepare()
    caller = Caller(development=True, timeout=60)
    async with receiving_as(Slow) as slow, receiving() as well:
        # Two replicas. What they share is the store.
        replicas = [
            asyncio.create_task(run_timers(stores_on(database, now), each, Mailer("", "")))
            for each in (caller, Caller(development=True, timeout=60))
        ]
        try:
            made = await told.subscribed(POLICE, verify=False, url=slow.url)
            for number in range(2 * CHALLENGES):
                await until(lambda: _none_due(told), what="the timer being claimed")
                entry = SubscriptionEntry(url=slow.at(str(number)))
                changed = partial(amend, entry=entry, at=now())
                await stores.subscriptions.change(made.id, changed, by=OPERATOR)
            await told.subscribed(SCHOOL, verify=False, url=well.url)
            await until(lambda: _verified(told, SCHOOL), deadline=15, what="the other agency")
            under_way = slow.most
            slow.release.set()
            await until(lambda: _verified(told, POLICE), deadline=15, what="its last address")
        finally:
            for replica in replicas:
                replica.cancel()
            await asyncio.wait(replicas, timeout=10)

    assert under_way == 1
    assert slow.challenges[-1].path.endswith(f"/{2 * CHALLENGES - 1}")


async def test_a_replica_that_died_under_way_holds_a_challenge_up_for_its_lease(
    database: Database,
) -> None:
    endpoints, at = stores_on(database, now).endpoints, now()
    until = at + timedelta(seconds=60)

    assert await endpoints.begin_challenge("agency:a", at, until)
    assert not await endpoints.begin_challenge("agency:a", at, until)
    assert await endpoints.begin_challenge("agency:b", at, until)
    assert await endpoints.begin_challenge("agency:a", until, until + timedelta(seconds=60))
    await endpoints.end_challenge("agency:a", until)
    assert not await endpoints.begin_challenge("agency:a", until, until), "it is another's now"


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("mail_codes", 10),
        ("mails", 5),
        ("mailbox", 5),
        ("challenges", 20),
        ("replays", 12),
        ("replays_each", 6),
    ],
)
async def test_what_is_limited_is_so_across_replicas_and_restarts(
    database: Database, name: str, most: int
) -> None:
    who, at = "victim@elsewhere.example", datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

    async def tried(when: datetime, whom: str = who) -> bool:
        with contextlib.suppress(TooMany):
            await stores_on(database, now).quotas.spend(name, whom, when)
            return True
        return False

    at_once = await asyncio.gather(*(tried(at) for _ in range(3 * most)))
    later = await tried(at + timedelta(minutes=20))
    another = await tried(at, "other@elsewhere.example")
    kept = [str(each) async for each in database["quotas"].find()]
    next_day = await tried(at + timedelta(days=1))

    assert sum(at_once) == most
    assert not later
    assert another
    assert kept
    assert "elsewhere" not in "".join(kept)
    assert next_day
    assert await database["quotas"].count_documents({}) == 1, "what is over is gone"


async def test_of_all_who_ask_at_one_moment_one_is_told_the_secret(database: Database) -> None:
    replicas = [stores_on(database, now) for _ in range(2)]
    entry = SubscriptionEntry(url="https://agency.example/hook")
    put = [register(one, "agency", "ag_one", entry, now(), by=OPERATOR) for one in replicas * 5]
    first = [told for _, told in await asyncio.gather(*put)]
    made = [new_secret(one, "agency:ag_one", now(), by=OPERATOR) for one in replicas * 5]
    anew = [told for _, told in await asyncio.gather(*made)]

    assert (sum(first), sum(anew)) == (1, 1)


async def test_an_address_that_is_given_again_is_proved_by_another_code(database: Database) -> None:
    stores, codes = stores_on(database, now), []
    for address in ("a@one.example", "b@one.example", "a@one.example", "a@one.example"):
        entry = SubscriptionEntry(email=address)
        stored, _ = await register(stores, "agency", "ag_one", entry, now(), by=OPERATOR)
        codes.append(stores.secrets.confirmation_code(stored))

    assert len({*codes[:3]}) == 3
    assert codes[3] == codes[2], "asked for twice it is one proof"


@pytest.mark.parametrize("first", ["usr_1", "usr_2"])
async def test_one_account_never_uses_up_what_may_be_sent_again(
    database: Database, first: str
) -> None:
    """Of a recipient's mails twelve times a day, by one account six: two of three always may."""
    stores, since = stores_on(database, now), now() - timedelta(days=1)
    of: dict[str, Any] = {"recipient_kind": "hub", "recipient_id": "hub_one", "since": since}
    window = Replay(**of, until=now(), channel="email")

    async def sent(account: str, times: int) -> int:
        count = 0
        for _ in range(times):
            with contextlib.suppress(TooMany):
                await replay_window(stores, window, {}, Asker(account, "operator"))
                count += 1
        return count

    second = "usr_2" if first == "usr_1" else "usr_1"
    assert [await sent(one, 30) for one in (first, second, "usr_3")] == [6, 6, 0]


async def test_a_webhook_is_sent_again_as_often_as_it_is_asked_for(database: Database) -> None:
    stores, since = stores_on(database, now), now() - timedelta(days=1)
    of: dict[str, Any] = {"recipient_kind": "hub", "recipient_id": "hub_one", "since": since}
    for _ in range(20):
        again = Replay(**of, until=now(), channel="webhook")
        await replay_window(stores, again, {}, Asker("usr_1", "operator"))


async def _none_due(told: Told) -> bool:
    due = {"verify_due": {"$lte": now()}}
    return await told.stores.subscriptions.collection.count_documents(due) == 0


async def _verified(told: Told, agency_id: str) -> bool:
    found = await told.stores.subscriptions.of("agency", agency_id)
    return found is not None and found.url_verified
