"""Tallies: a service says which events it has sent, each at least once, and sends them again."""

import json
import random
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from shared.clock import now
from shared.events import Event
from shared.events.trail import TrailEventsMissing
from shared.ids import new_id
from shared.messaging.bus import Message
from shared.messaging.relay import Relay
from shared.operating.tallies import Tallies
from shared.storage.store import Database, Store
from tests.harness.mongo import Mongo
from tests.harness.things import SOMEONE, Thing, ThingMade, counted
from tests.harness.waiting import until
from tests.service.conftest import SilentBus
from tests.service.test_relay import relaying

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def of_this(database: Database, bus: SilentBus) -> tuple[Relay, Store[Thing], Tallies]:
    """A service with things and tallies."""
    relay = Relay("notify", bus, lease=60, poll_every=0.05, poll_slowest=0.2)
    return relay, Store(database["things"], Thing, relay), Tallies(database, relay, every=300)


async def settled(database: Database) -> None:
    """Until every outbox is empty."""

    async def empty() -> bool:
        names = ("things", "tallies", "sent")
        left = [await database[n].find_one({"outbox_due": {"$exists": True}}) for n in names]
        return not any(left)

    await until(empty, what="empty outboxes")


def all_of(bus: SilentBus) -> list[Message]:
    return [bus.published.get_nowait() for _ in range(bus.published.qsize())]


def told(messages: list[Message]) -> list[list[str]]:
    """The ids in each tally."""
    tallies = [json.loads(m.body) for m in messages if m.type == "trail.tallied"]
    return [tally["data"]["event_ids"] for tally in tallies]


async def test_every_event_is_in_a_tally_and_each_tally_in_the_next(
    database: Database, silent: SilentBus
) -> None:
    relay, things, tallies = of_this(database, silent)
    await tallies.prepare()
    await things.prepare()
    async with relaying(relay):
        for round_of_it in range(4):
            for number in range(random.randint(0, 6)):
                one = f"thing_{round_of_it}_{number}"
                await things.add(Thing(id=one), ThingMade(), by=SOMEONE)
                for _ in range(random.randint(0, 3)):
                    await things.change(one, counted, by=SOMEONE)
            await settled(database)
            await tallies.take()
        await settled(database)
    sent = all_of(silent)
    lists = told(sent)
    said = [one for ids in lists for one in ids]

    assert len(said) == len(set(said)), "each once, where nothing goes wrong"
    assert set(said) == {m.id for m in sent} - {sent[-1].id}, "all but the last tally itself"
    assert len(lists) == 4
    assert not await database["things"].find_one({"sent": {"$exists": True}})


async def test_more_than_a_tally_holds_makes_several(
    database: Database, silent: SilentBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.operating.tallies.MOST", 7)
    relay, things, tallies = of_this(database, silent)
    await tallies.prepare()
    async with relaying(relay):
        await things.add(Thing(id="thing_1"), *[ThingMade()] * 10, by=SOMEONE)
        for number in range(2, 9):
            await things.add(Thing(id=f"thing_{number}"), ThingMade(), by=SOMEONE)
        await settled(database)
        await tallies.take()
        await settled(database)
    sent = all_of(silent)

    assert max(map(len, told(sent))) == 7
    said = {one for ids in told(sent) for one in ids}
    assert said >= {m.id for m in sent if m.type != "trail.tallied"}


class Calls(CommandListener):
    """What a client asks of the store, by kind."""

    def __init__(self) -> None:
        self.sent: Counter[str] = Counter()

    def started(self, event: CommandStartedEvent) -> None:
        self.sent[event.command_name] += 1

    def succeeded(self, _: CommandSucceededEvent) -> None:
        """Nothing to count."""

    def failed(self, _: CommandFailedEvent) -> None:
        """Nothing to count."""


@pytest.mark.parametrize("events", [1, 40])
async def test_a_tally_costs_the_same_calls_however_many_events_it_names(
    mongo: Mongo, database: Database, silent: SilentBus, events: int
) -> None:
    calls = Calls()
    async with AsyncMongoClient[dict[str, Any]](
        mongo.url, tz_aware=True, event_listeners=[calls]
    ) as client:
        relay, things, tallies = of_this(client[database.name], silent)
        await tallies.prepare()
        await things.prepare()
        async with relaying(relay):
            for number in range(events):
                await things.add(Thing(id=f"thing_{number}"), ThingMade(), by=SOMEONE)
            await settled(database)
        calls.sent.clear()
        await tallies.take()

        # A look into each of three collections that have outboxes; the archive, the tally, and one
        # update of the collection that had any.
        assert calls.sent == {"find": 3, "insert": 2, "update": 1}


async def test_of_several_replicas_one_takes_the_tally(
    database: Database, silent: SilentBus
) -> None:
    one, other = of_this(database, silent)[2], of_this(database, silent)[2]
    await one.prepare()

    first = [await each._is_time() for each in (one, other, one, other)]
    await database["tally_turns"].update_many({}, {"$set": {"next": LONG_AGO}})
    second = [await each._is_time() for each in (other, one, other)]

    assert first == [False] * 4, "a period has only begun"
    assert second == [True, False, False]


async def test_what_the_trail_lacks_is_sent_again_byte_for_byte(
    database: Database, silent: SilentBus
) -> None:
    relay, things, tallies = of_this(database, silent)
    await tallies.prepare()
    handler, _ = tallies.handlers["notify.sent"]
    async with relaying(relay):
        for number in range(5):
            await things.add(Thing(id=f"thing_{number}"), ThingMade(), by=SOMEONE)
        await settled(database)
        await tallies.take()
        await settled(database)
        sent = {m.id: m.body for m in all_of(silent)}
        lost = random.sample([i for i, b in sent.items() if b"trail.tallied" not in b], 2)
        for service in ("referral", "notify", "notify"):
            await handler.handle(asked(service, *lost, "evt_of_nobody"))
        await settled(database)
        again = {m.id: m.body for m in all_of(silent)}

    assert again == {one: sent[one] for one in lost}


async def test_all_of_a_time_is_sent_again_tallied_or_not_and_nothing_before(
    database: Database, silent: SilentBus
) -> None:
    relay, things, tallies = of_this(database, silent)
    await tallies.prepare()
    async with relaying(relay):
        await things.add(Thing(id="thing_old"), ThingMade(), by=SOMEONE)
        await settled(database)
        await tallies.take()
        await settled(database)
        before = {m.id for m in all_of(silent) if m.type == ThingMade.event_type}
        await database["sent"].update_many({}, {"$set": {"at": LONG_AGO}})
        since = now()
        for number in range(random.randint(3, 9)):
            await things.add(Thing(id=f"thing_{number}"), ThingMade(), by=SOMEONE)
            if random.random() < 0.4:
                await settled(database)
                await tallies.take()
        await settled(database)
        expected = {m.id: m.body for m in all_of(silent)}
        for _ in range(2):  # a second time, all of it comes a second time
            assert await tallies.again_since(since) > 0
            await settled(database)
            again = {m.id: m.body for m in all_of(silent)}
            made = {one for one, body in again.items() if b"trail.tallied" not in body}
            assert {one: again[one] for one in made}.items() <= expected.items()
            assert made == {i for i, body in expected.items() if b"trail.tallied" not in body}
            assert not before & set(again)


def asked(service: str, *ids: str) -> Event[TrailEventsMissing]:
    data = TrailEventsMissing(service=service, tally=3, event_ids=ids)
    return Event[TrailEventsMissing](
        id=new_id("evt"),
        source="/services/audit",
        type=data.event_type,
        subject="loss_1",
        time=LONG_AGO,
        dataschema="urn:hub-and-spoke:trail.events_missing:1",
        correlationid="loss_1",
        version=1,
        actor="service:audit",
        actorrole="service",
        data=data,
    )
