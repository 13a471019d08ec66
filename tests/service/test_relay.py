"""From the outbox to the bus: at once, after a crash, after an outage, in order, never lost."""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from pymongo import AsyncMongoClient
from pymongo.monitoring import CommandListener, CommandStartedEvent

from shared.clock import now
from shared.messaging.bus import Message
from shared.messaging.memory import MemoryBus
from shared.messaging.relay import BATCH, Relay
from shared.operating.runner import mongo as connect
from shared.storage.records import New
from shared.storage.store import Database, Store
from tests.harness.buses import DELAYS, ONE, Ear, listen, running
from tests.harness.mongo import Mongo
from tests.harness.proxy import Proxy
from tests.harness.things import SOMEONE, Thing, ThingChanged, ThingMade, counted
from tests.harness.waiting import PATIENCE, stopped, until
from tests.service.conftest import SilentBus, answers

LEASE = 1.0


def store(database: Database, relay: Relay) -> Store[Thing]:
    """The things, with their events in the hands of `relay`."""
    return Store(database["things"], Thing, relay)


def relay_on(bus: SilentBus | MemoryBus, lease: float = LEASE) -> Relay:
    """A relay with short times."""
    return Relay("test", bus, lease=lease, poll_every=0.05, poll_slowest=0.2)


@contextlib.asynccontextmanager
async def relaying(*relays: Relay) -> AsyncIterator[None]:
    """The relays run within the block."""
    tasks = [asyncio.create_task(relay.run()) for relay in relays]
    try:
        yield
        assert not any(task.done() for task in tasks), "a relay came to an end by itself"
    finally:
        await stopped(*tasks, what="the relay")


async def make(things: Store[Thing], record_id: str = "thing_1", events: int = 1) -> None:
    """A new thing with so many events."""
    more = [ThingChanged(count=n) for n in range(1, events)]
    await things.add(Thing(id=record_id), ThingMade(), *more, by=SOMEONE)


async def empty(database: Database) -> bool:
    """Whether every outbox is empty, and nothing is due."""
    left = {"$or": [{"outbox": {"$ne": []}}, {"outbox_due": {"$exists": True}}]}
    return await database["things"].count_documents(left) == 0


def taken(bus: SilentBus) -> list[Message]:
    """What was published until now, in order."""
    return [bus.published.get_nowait() for _ in range(bus.published.qsize())]


async def test_an_event_is_published_right_after_its_write_and_leaves_its_outbox(
    database: Database, silent: SilentBus
) -> None:
    relay = relay_on(silent, lease=60)  # the poller would come much too late
    things = store(database, relay)

    async with relaying(relay):
        await make(things)
        event = await asyncio.wait_for(silent.published.get(), 1)
        await until(lambda: empty(database), deadline=1)

    document = await database["things"].find_one({"_id": "thing_1"})
    assert document is not None
    assert event.subject == "thing_1"
    assert set(document) - {"sent", "sent_at"} == {
        *{"_id", "version", "name", "count", "seen_at", "outbox"}
    }
    assert [entry["n"] for entry in document["sent"]] == [event.id], "for the next tally"


async def test_what_a_crash_left_behind_is_published_after_the_lease(
    database: Database, silent: SilentBus
) -> None:
    crashed = store(database, relay_on(SilentBus()))  # its relay never runs
    await make(crashed)
    await crashed.change("thing_1", counted, by=SOMEONE)
    relay = relay_on(silent)
    store(database, relay)

    async with relaying(relay):
        await until(lambda: silent.published.qsize() == 2, deadline=5)
        published_at = now()
        await until(lambda: empty(database))

    written_at = json.loads(taken(silent)[0].body)["time"]
    assert published_at - type(published_at).fromisoformat(written_at) > timedelta(
        seconds=LEASE / 2
    )


async def test_an_event_that_is_not_confirmed_stays_and_the_others_go_on(
    database: Database, silent: SilentBus
) -> None:
    relay = relay_on(silent)
    things = store(database, relay)
    silent.refusing = lambda message: message.subject == "thing_1"

    async with relaying(relay):
        await asyncio.gather(*(make(things, f"thing_{n}") for n in range(1, 6)))

        async def only_one_is_left() -> bool:
            kept = await database["things"].distinct("_id", {"outbox": {"$ne": []}})
            return kept == ["thing_1"]

        await until(only_one_is_left)
        silent.refusing = lambda _: False
        await until(lambda: empty(database))

    subjects = [message.subject for message in taken(silent)]
    assert subjects[-1] == "thing_1"
    assert len(subjects) == 5


async def test_in_one_outbox_the_confirmed_leave_and_the_unconfirmed_stays(
    database: Database, silent: SilentBus
) -> None:
    relay = relay_on(silent)
    things = store(database, relay)
    silent.refusing = lambda message: message.version == 2

    async with relaying(relay):
        await make(things, events=3)

        async def one_is_left() -> bool:
            document = await database["things"].find_one({"_id": "thing_1"})
            assert document is not None
            versions = [json.loads(entry["body"])["version"] for entry in document["outbox"]]
            return versions == [2]

        await until(one_is_left)
        silent.refusing = lambda _: False
        await until(lambda: empty(database))

    assert [message.version for message in taken(silent)] == [1, 3, 2]


async def test_the_events_of_one_record_are_published_in_order(
    database: Database, silent: SilentBus
) -> None:
    relay = relay_on(silent)
    things = store(database, relay)

    silent.takes = lambda message: 0.2 if message.version % 3 == 0 else 0.0

    # One change after another: of two at once, whose answer comes later is published later.
    async def live(name: str) -> None:
        await make(things, name)
        for _ in range(10):
            await things.change(name, counted, by=SOMEONE)

    async with relaying(relay):
        await asyncio.gather(*(live(f"thing_{n}") for n in range(5)))
        await until(lambda: empty(database))

    messages = taken(silent)
    for n in range(5):
        versions = [m.version for m in messages if m.subject == f"thing_{n}"]
        assert versions == list(range(1, 12))


async def test_an_outbox_longer_than_a_batch_is_published_whole_and_in_order(
    database: Database, silent: SilentBus
) -> None:
    crashed = store(database, relay_on(SilentBus(), lease=0))
    await make(crashed, events=3 * BATCH + 1)
    relay = relay_on(silent, lease=30)
    store(database, relay)

    async with relaying(relay):
        # Every batch after the first is due at once, not after another lease.
        await until(lambda: empty(database), deadline=5)

    assert [message.version for message in taken(silent)] == list(range(1, 3 * BATCH + 2))


async def test_two_relays_on_one_collection_lose_nothing(
    database: Database, silent: SilentBus
) -> None:
    relays = [relay_on(silent, lease=0.2) for _ in range(2)]
    stores = [store(database, relay) for relay in relays]
    crashed = store(database, relay_on(SilentBus(), lease=0))

    async with relaying(*relays):
        for n in range(30):
            await make([*stores, crashed][n % 3], f"thing_{n}")
        changes = (stores[n % 2].change(f"thing_{n % 30}", counted, by=SOMEONE) for n in range(60))
        await asyncio.gather(*changes)
        await until(lambda: empty(database))

    published = {(message.subject, message.version) for message in taken(silent)}
    assert published == {(f"thing_{n}", version) for n in range(30) for version in (1, 2, 3)}


@pytest.mark.parametrize("claimed_by", ["the writer", "the poller"])
async def test_an_event_pushed_between_claim_and_settling_is_not_lost(
    database: Database, claimed_by: str
) -> None:
    class SlowBus(SilentBus):
        """Holds every publish until it may go on."""

        claimed, go_on = asyncio.Event(), asyncio.Event()

        async def publish(self, message: Message) -> None:
            self.claimed.set()
            await self.go_on.wait()
            await super().publish(message)

    bus = SlowBus()
    relay = relay_on(bus)
    things = store(database, relay)
    by_crash = store(database, relay_on(SilentBus(), lease=0.5))
    writer = things if claimed_by == "the writer" else by_crash

    async with relaying(relay):
        await make(writer)
        await asyncio.wait_for(bus.claimed.wait(), 5)
        await by_crash.change("thing_1", counted, by=SOMEONE)  # nobody is told of this one
        bus.go_on.set()
        await until(lambda: empty(database))

    assert {message.version for message in taken(bus)} == {1, 2}


async def test_after_an_outage_of_the_bus_everything_pending_is_published(
    database: Database,
) -> None:
    ear = Ear()
    bus = MemoryBus(database["dead"], answers, retry_delays=DELAYS)
    listen(bus, ear)
    relay = relay_on(bus)
    things = store(database, relay)

    async with relaying(relay):
        await asyncio.gather(*(make(things, f"thing_{n}") for n in range(200)))
        assert not await empty(database)
        assert ear.heard == []
        async with running(bus):
            await until(lambda: empty(database), deadline=20)

    assert {heard.subject for heard in ear.heard} == {f"thing_{n}" for n in range(200)}


async def test_a_handler_that_fails_for_a_while_does_not_hold_up_the_outbox_of_others(
    database: Database,
) -> None:
    async def fail_first(heard: Message) -> None:
        if heard.subject == "thing_0" and heard.attempt < 3:
            raise RuntimeError

    ear = Ear(fail_first)
    bus = MemoryBus(database["dead"], answers, retry_delays=DELAYS)
    listen(bus, ear)
    relay = relay_on(bus)
    things = store(database, relay)

    async with running(bus), relaying(relay):
        for n in range(10):
            await make(things, f"thing_{n}")
        await until(lambda: empty(database))
        letters = await bus.dead_letters()

    assert ear.done[-1] == next(heard.id for heard in ear.heard if heard.subject == "thing_0")
    assert len(set(ear.done)) == 10
    assert letters == [], f"{ONE} handled it in the end"


async def test_a_connection_to_the_store_that_breaks_again_and_again_does_not_end_the_relay(
    database: Database, silent: SilentBus, mongo: Mongo
) -> None:
    crashed = store(database, relay_on(SilentBus(), lease=0))
    relay = relay_on(silent, lease=0.5)

    async with Proxy(mongo.url).running() as proxy, connect(proxy.url) as client:
        store(client[database.name], relay)
        async with relaying(relay):
            for n in range(40):
                await make(crashed, f"thing_{n}")
                if n % 5 == 0:  # the relay connects when it looks: a reset waits until it has
                    await until(proxy.reset_all, deadline=20, what="a connection to break")
            await until(lambda: empty(database), deadline=30)

    assert {message.subject for message in taken(silent)} == {f"thing_{n}" for n in range(40)}


class Counting(CommandListener):
    """Counts the commands that the store is sent, by name."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()

    def started(self, event: CommandStartedEvent) -> None:
        self.seen[event.command_name] += 1

    def succeeded(self, event: object) -> None: ...
    def failed(self, event: object) -> None: ...


@pytest_asyncio.fixture
async def counted_things(
    database: Database, mongo: Mongo
) -> AsyncIterator[tuple[Database, Counting]]:
    """The same database over a connection whose commands are counted."""
    counting = Counting()
    async with AsyncMongoClient[dict[str, Any]](
        mongo.url, event_listeners=[counting], tz_aware=True
    ) as client:
        yield client[database.name], counting


@pytest.mark.parametrize("records", [1, 7, 60])
async def test_what_is_confirmed_together_leaves_its_outboxes_together(
    counted_things: tuple[Database, Counting], silent: SilentBus, records: int
) -> None:
    things_of, counting = counted_things
    relay = relay_on(silent, lease=60)
    things = store(things_of, relay)
    new = [New(Thing(id=f"thing_{n}"), (ThingMade(), ThingChanged())) for n in range(records)]

    async with relaying(relay):
        await things.add_many(new, by=SOMEONE)
        await until(lambda: silent.published.qsize() == 2 * records)
        await until(lambda: not relay.busy)

    assert await empty(things_of)
    assert counting.seen["insert"] == 1
    # One for all; a second where the machine was busy in between.
    assert 1 <= counting.seen["update"] <= 2


async def test_settling_one_record_leaves_what_was_pushed_meanwhile_to_its_own_publisher(
    database: Database, silent: SilentBus
) -> None:
    relay = relay_on(silent, lease=60)
    things = store(database, relay)
    elsewhere = store(database, relay_on(SilentBus(), lease=60))  # a replica that dies

    async with relaying(relay):
        for n in range(20):
            await make(things, f"thing_{n}")
            await elsewhere.change(f"thing_{n}", counted, by=SOMEONE)
        await until(lambda: not relay.busy)

    async for document in database["things"].find({}):
        assert [json.loads(entry["body"])["version"] for entry in document["outbox"]] == [2]
        assert "outbox_due" in document, "the poller finds it after the lease"


async def test_while_nothing_is_left_behind_the_relay_asks_ever_more_seldom(
    counted_things: tuple[Database, Counting], silent: SilentBus
) -> None:
    things_of, counting = counted_things
    relay = Relay("test", silent, poll_every=0.05, poll_slowest=1.0)
    store(things_of, relay)

    async with relaying(relay):
        await asyncio.sleep(3)  # until the pause has grown
        before = counting.seen.total()
        await asyncio.sleep(4)
        asked = counting.seen.total() - before

    assert 1 <= asked <= 8


async def test_an_event_that_is_not_confirmed_ends_the_long_pause(
    database: Database, silent: SilentBus
) -> None:
    refused = asyncio.Event()

    def refuse(_: Message) -> bool:
        refused.set()
        return True

    relay = Relay("test", silent, lease=60, poll_every=0.1, poll_slowest=30)
    things = store(database, relay)
    silent.refusing = refuse

    async with relaying(relay):
        await asyncio.sleep(10)  # the pause has grown to seconds
        await make(things)
        await asyncio.wait_for(refused.wait(), 5 * PATIENCE)
        silent.refusing = lambda _: False
        began = asyncio.get_running_loop().time()
        await until(lambda: empty(database), deadline=10)
        waited = asyncio.get_running_loop().time() - began

    assert waited < 2 * PATIENCE


async def test_a_relay_ends_when_it_is_told_to_whatever_it_is_doing(
    database: Database, silent: SilentBus
) -> None:
    for n in range(20):
        relay = relay_on(silent, lease=0)
        things = store(database, relay)
        async with relaying(relay):  # whose end is what is tested
            await asyncio.gather(*(make(things, f"thing_{n}_{m}") for m in range(3)))
            await asyncio.wait_for(silent.published.get(), 5)
