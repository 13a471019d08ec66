"""RabbitMQ going away, lying, refusing and coming back: late and doubled is allowed, lost is not."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

import aio_pika
import pytest
import pytest_asyncio
from aiormq.exceptions import ChannelPreconditionFailed

from shared.messaging.bus import DeadLetter, Entry, Message, Unconfirmed
from shared.messaging.dispatch import dispatcher
from shared.messaging.rabbit import RabbitBus
from shared.messaging.stream import FEED_PREFETCH
from shared.messaging.topology import Topology, declare
from shared.storage.store import Database
from tests.harness.broker import Broker, evaluate, settle
from tests.harness.buses import (
    ONE,
    Ear,
    Trail,
    confirmed,
    delete,
    depth,
    listen,
    publish,
    raw,
    running,
    topology,
)
from tests.harness.proxy import Proxy
from tests.harness.things import CHANGED, MADE, message
from tests.harness.waiting import stopped, until
from tests.service.conftest import answers


@pytest_asyncio.fixture
async def proxy(broker: Broker) -> AsyncIterator[Proxy]:
    """A network to the broker that can be broken."""
    async with Proxy(broker.url).running() as made:
        yield made


@pytest.fixture
def ours(broker: Broker) -> Broker:
    """The broker, where we may break it."""
    if not broker.ours:
        pytest.skip("the broker of AMQP_URL isn't ours to break")
    return broker


def bus_on(url: str, layout: Topology, *, heartbeat: int = 10) -> RabbitBus:
    """A bus whose store always answers."""
    return RabbitBus(url, "test", answers, layout, heartbeat=heartbeat)


class Load:
    """Publishes all the time, each event until it is confirmed."""

    def __init__(self, bus: RabbitBus, workers: int = 5) -> None:
        self._bus, self._workers = bus, workers
        self.confirmed: set[str] = set()
        self._enough = asyncio.Event()

    async def _publish(self) -> None:
        while not self._enough.is_set():
            event = message(MADE)
            await publish(self._bus, event, deadline=60)
            self.confirmed.add(event.id)
            await asyncio.sleep(0.002)

    async def more(self, count: int = 20, deadline: float = 45) -> None:
        """Until so many more are confirmed."""
        goal = len(self.confirmed) + count
        await until(lambda: len(self.confirmed) >= goal, deadline=deadline, what="more confirms")

    @contextlib.asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        """Within the block; every publish ended in a confirm or in `Unconfirmed`, none otherwise."""
        tasks = [asyncio.create_task(self._publish()) for _ in range(self._workers)]
        try:
            yield
            assert not any(task.done() for task in tasks), [t for t in tasks if t.done()]
            self._enough.set()
            await asyncio.wait_for(asyncio.gather(*tasks), 45)
        finally:
            for task in tasks:
                task.cancel()


async def letters_of(bus: RabbitBus) -> list[DeadLetter]:
    """At least one dead letter."""
    return await until(bus.dead_letters, deadline=30, what="a dead letter")


async def test_an_event_that_reaches_no_queue_is_unconfirmed_until_the_binding_is_back(
    broker: Broker, layout: Topology
) -> None:
    layout = replace(layout, feed=None)  # the trail would take it, and that would count
    ear = Ear()
    bus = bus_on(broker.url, layout)
    listen(bus, ear)

    async with running(bus):
        async with await raw(broker.url) as connection, connection.channel() as channel:
            queue = await channel.get_queue(f"{layout.prefix}{ONE}", ensure=False)
            await queue.unbind(layout.events, CHANGED)
        event = message(CHANGED)
        with pytest.raises(Unconfirmed, match="unroutable"):
            await bus.publish(event)
        await publish(bus, event)
        await until(lambda: ear.done == [event.id])

    assert bus.generation == 2


async def test_a_deleted_queue_is_noticed_and_declared_again(
    broker: Broker, layout: Topology
) -> None:
    ear = Ear()
    bus = bus_on(broker.url, layout)
    listen(bus, ear)

    async with running(bus):
        async with await raw(broker.url) as connection, connection.channel() as channel:
            await channel.queue_delete(f"{layout.prefix}{ONE}")
        await until(lambda: bus.generation == 2 and bus.ready)
        event = message()
        await publish(bus, event)
        await until(lambda: ear.done == [event.id])


async def test_a_broker_killed_under_load_loses_nothing_it_confirmed(
    ours: Broker, layout: Topology
) -> None:
    ear, trail = Ear(), Trail()
    bus = bus_on(ours.url, layout)
    listen(bus, ear)
    bus.feed(trail.feed)
    load = Load(bus)

    async with running(bus) as run:
        await settle(ours)
        async with load.going_on():
            for _ in range(2):
                await load.more()
                await ours.kill()
                await until(lambda: not bus.ready)
                await ours.start()
                await load.more()
        await until(lambda: load.confirmed <= set(ear.done), deadline=20)
        await until(lambda: load.confirmed <= set(trail.ids), deadline=20)
        assert not run.done()

    offsets = [entry.offset for entry in trail.entries if entry.offset is not None]
    assert offsets == sorted(set(offsets)), "the feed never goes back"
    assert await depth(ours.url, f"{layout.prefix}{ONE}.dead") == 0


async def test_connections_reset_again_and_again_under_load_lose_nothing(
    proxy: Proxy, layout: Topology
) -> None:
    ear, trail = Ear(), Trail()
    bus = bus_on(proxy.url, layout)
    listen(bus, ear)
    bus.feed(trail.feed)
    load = Load(bus)

    async with running(bus):
        async with load.going_on():
            for _ in range(4):
                await load.more()
                assert proxy.reset_all() >= 2
        await until(lambda: load.confirmed <= set(ear.done), deadline=20)
        await until(lambda: load.confirmed <= set(trail.ids), deadline=20)
        # All may have been confirmed and heard before the last reset: coming back is waited for.
        await until(lambda: bus.generation >= 5 and bus.ready, deadline=20)


async def test_a_bus_comes_back_also_when_its_handlers_were_writing_to_the_store(
    proxy: Proxy, layout: Topology, database: Database
) -> None:
    async def write(heard: Message) -> None:
        for _ in range(5):
            await database["heard"].update_one(
                {"_id": heard.id}, {"$inc": {"times": 1}}, upsert=True
            )

    ear = Ear(write)
    bus = bus_on(proxy.url, layout)
    listen(bus, ear)
    load = Load(bus)

    async with running(bus):
        async with load.going_on():
            for _ in range(4):
                ear.heard.clear()
                await until(lambda: len(ear.heard) > 10)
                proxy.reset_all()
        await until(lambda: load.confirmed <= set(ear.done), deadline=20)


@pytest.mark.parametrize("hole", ["both ways", "confirms only"])
async def test_a_half_open_connection_is_noticed_and_ends_no_task_of_ours(
    proxy: Proxy, layout: Topology, hole: str
) -> None:
    ear, trail = Ear(), Trail()
    bus = bus_on(proxy.url, layout, heartbeat=1)
    listen(bus, ear)
    bus.feed(trail.feed)
    load = Load(bus)

    async with running(bus):
        async with load.going_on():
            await load.more()
            proxy.hole() if hole == "both ways" else proxy.hole_down()
            await until(lambda: not bus.ready, deadline=15, what="the hole being noticed")
            proxy.heal()
            await load.more()
        await until(lambda: load.confirmed <= set(ear.done), deadline=20)
        await until(lambda: load.confirmed <= set(trail.ids), deadline=20)


async def test_a_connection_that_dies_while_it_is_being_set_up_does_not_end_the_bus(
    proxy: Proxy, layout: Topology
) -> None:
    ear = Ear()
    bus = bus_on(proxy.url, layout, heartbeat=1)
    listen(bus, ear)
    run = asyncio.create_task(bus.run())

    try:
        # Both connections are up, the topology is on its way: then there is silence.
        await until(lambda: proxy.connections == 2)
        await until(lambda: proxy.sent_up > 2000, what="declarations on their way")
        proxy.hole_down()
        await until(lambda: bus.generation == 2 or run.done(), deadline=20)
        proxy.heal()
        event = message()
        await publish(bus, event, deadline=30)
        await until(lambda: ear.done == [event.id])
    finally:
        await stopped(run, what="the bus")


async def test_a_broker_short_of_memory_confirms_nothing_and_still_gives_out_what_it_has(
    ours: Broker, layout: Topology
) -> None:
    may_go_on = asyncio.Event()

    async def wait(_: Message) -> None:
        await may_go_on.wait()

    ear = Ear(wait)
    bus = bus_on(ours.url, layout)
    listen(bus, ear)
    before = [message(stream="before") for _ in range(3)]
    during = message(stream="during")

    async with running(bus):
        await publish(bus, *before)
        await ours.ctl("set_vm_memory_high_watermark", "0")
        try:
            publishing = asyncio.create_task(publish(bus, during, deadline=60))
            may_go_on.set()
            await until(lambda: len(ear.done) == 3)
            await asyncio.wait({publishing}, timeout=1)
            assert not publishing.done()
        finally:
            await ours.ctl("set_vm_memory_high_watermark", "0.4")
        await asyncio.wait_for(publishing, 60)
        await until(lambda: during.id in ear.done)

    assert ear.done[:3] == [event.id for event in before]


async def test_a_full_queue_refuses_and_the_other_publishes_of_that_moment_are_unharmed(
    ours: Broker, layout: Topology
) -> None:
    bus, reader, ear = bus_on(ours.url, layout), bus_on(ours.url, layout), Ear()
    listen(reader, ear)
    full = f"{layout.prefix}{ONE}".replace(".", r"\.")

    async def refused() -> bool:
        return not await confirmed(bus, message(CHANGED))

    await ours.ctl("set_policy", "full", f"^{full}$", '{"max-length": 1}', "--apply-to", "queues")
    try:
        async with running(bus):
            await until(refused, what="a refused publish")  # a quorum queue overshoots its limit
            for_full = [message(CHANGED) for _ in range(20)]
            for_trail = [message("thing.unheard") for _ in range(20)]
            results = await asyncio.gather(*(confirmed(bus, m) for m in for_full + for_trail))
            async with running(reader):
                await publish(bus, for_full[-1])
                await until(lambda: for_full[-1].id in ear.done)
    finally:
        await ours.ctl("clear_policy", "full")

    assert results[20:] == [True] * 20
    assert results[:20].count(False) > 10
    assert bus.generation == 1


async def test_the_same_event_twice_at_the_same_time_is_confirmed_once(
    broker: Broker, layout: Topology
) -> None:
    bus = bus_on(broker.url, layout)
    event = message()

    async with running(bus):
        results = await asyncio.gather(*(confirmed(bus, event) for _ in range(5)))
        assert sorted(results) == [False, False, False, False, True]
        assert await confirmed(bus, event)


async def test_a_message_of_a_stranger_is_parked_and_can_be_found(
    broker: Broker, layout: Topology
) -> None:
    bus = bus_on(broker.url, layout)
    ear = Ear(dispatcher(ONE, ()))
    listen(bus, ear)
    queue = f"{layout.prefix}{ONE}"

    async with running(bus):
        async with await raw(broker.url) as connection, connection.channel() as channel:
            for body in (b"\xff\x00 no json", b"[]", b'{"type": "no.such"}'):
                await channel.default_exchange.publish(aio_pika.Message(body), queue)
        await until(lambda: len(ear.heard) == 3)
        letters = await until(lambda: _all(bus, 3))
        replayed = [await bus.replay(letter.message_id) for letter in letters]
        await until(lambda: len(ear.heard) == 6)

    assert {letter.reason for letter in letters} == {
        "poison:not_json",
        "poison:not_an_object",
        "poison:unknown_type",
    }
    assert {letter.type for letter in letters} == {"unknown"}
    assert len({letter.message_id for letter in letters}) == 3
    assert replayed == [1, 1, 1]


async def _all(bus: RabbitBus, count: int) -> list[DeadLetter]:
    letters = await bus.dead_letters()
    return letters if len(letters) == count else []


async def test_an_event_that_kills_its_process_is_parked_alone_and_the_others_are_handled(
    broker: Broker, layout: Topology
) -> None:
    deadly = message()
    killed = asyncio.Event()

    async def die(heard: Message) -> None:
        if heard.id == deadly.id:
            killed.set()
            await asyncio.Event().wait()
        await asyncio.sleep(0.01)

    ear = Ear(die)
    others = [message() for _ in range(60)]
    wanted = {event.id for event in others}
    lives = 0
    publisher = bus_on(broker.url, layout)
    async with running(publisher):
        await publish(publisher, *others[:5], deadly, *others[5:])

    while True:
        lives += 1
        killed.clear()
        bus = bus_on(broker.url, layout)  # a new process remembers nothing
        listen(bus, ear)

        async def killed_or_parked(bus: RabbitBus = bus) -> bool:
            return killed.is_set() or bool(await bus.dead_letters())

        async with running(bus):
            await until(killed_or_parked, deadline=20)
            if not killed.is_set():
                (letter,) = await bus.dead_letters()
                await until(lambda: wanted <= set(ear.done))
                break

    assert (letter.message_id, letter.reason) == (deadly.id, "broker:delivery_limit")
    assert lives < 25


@pytest.mark.parametrize("reader", ["queue", "feed"])
async def test_a_reader_the_broker_lost_patience_with_starts_again(
    ours: Broker, layout: Topology, reader: str
) -> None:
    slow = 1

    async def dawdle() -> None:
        nonlocal slow
        if slow:
            slow -= 1
            await asyncio.sleep(3)

    async def dawdle_over(_: Message) -> None:
        if reader == "queue":
            await dawdle()

    class SlowTrail(Trail):
        async def append(self, entries: list[Entry]) -> None:
            if reader == "feed":
                await dawdle()
            await super().append(entries)

    await evaluate(ours, "application:set_env(rabbit, consumer_timeout, 1000).")
    await evaluate(ours, "application:set_env(rabbit, channel_tick_interval, 500).")
    ear, trail = Ear(dawdle_over), SlowTrail()
    bus = bus_on(ours.url, layout)
    listen(bus, ear)
    bus.feed(trail.feed)
    try:
        async with running(bus):
            await publish(bus, message())
            noticed = (lambda: len(ear.heard) == 2) if reader == "queue" else (lambda: trail.ids)
            await until(noticed, what="the reader being there again")
            await publish(bus, message())
            await until(lambda: len(set(ear.done)) == 2 and len(set(trail.ids)) == 2)
    finally:
        await evaluate(ours, "application:set_env(rabbit, consumer_timeout, 1800000).")
        await evaluate(ours, "application:set_env(rabbit, channel_tick_interval, 60000).")


async def test_the_feed_reads_what_was_published_while_it_was_away_and_nothing_twice(
    broker: Broker, layout: Topology
) -> None:
    trail, published = Trail(), list[str]()

    def caught_up() -> bool:
        return len(trail.entries) >= len(published)

    for count in (10, 2 * FEED_PREFETCH, 10):
        events = [message() for _ in range(count)]
        without = bus_on(broker.url, layout)
        async with running(without):
            await asyncio.gather(*(publish(without, event) for event in events))
        published += [event.id for event in events]
        bus = bus_on(broker.url, layout)
        bus.feed(trail.feed)
        async with running(bus):
            await until(caught_up)

    assert trail.ids == published
    assert [entry.offset for entry in trail.entries] == list(range(len(published)))


async def test_declaring_again_changes_nothing_and_other_arguments_are_an_error(
    broker: Broker, layout: Topology
) -> None:
    async with await raw(broker.url) as connection:
        for _ in range(2):
            async with connection.channel() as channel:
                await declare(channel, layout)
        other = replace(layout, retry_delays=(1.0, 2.0, 3.0))
        channel = await connection.channel()
        with pytest.raises(ChannelPreconditionFailed):
            await declare(channel, other)


async def test_two_prefixes_on_one_broker_hear_nothing_of_each_other(
    broker: Broker, layout: Topology
) -> None:
    here, there = Ear(), Ear()
    elsewhere = topology(f"x{layout.prefix}")
    mine, theirs = bus_on(broker.url, layout), bus_on(broker.url, elsewhere)
    listen(mine, here)
    listen(theirs, there)
    event, other = message(), message()

    async with running(mine), running(theirs):
        await publish(mine, event)
        await publish(theirs, other)
        await until(lambda: here.done and there.done)

    await delete(broker.url, elsewhere.arguments())
    assert (here.ids, there.ids) == ([event.id], [other.id])
