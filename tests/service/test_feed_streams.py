"""A stream that is not the one that was read: noticed, told, and read from its beginning."""

from typing import Any

import aio_pika
import pytest

from shared.messaging.bus import Message
from shared.messaging.marks import Break, Mark
from shared.messaging.rabbit import RabbitBus
from shared.messaging.stream import Stream
from shared.messaging.topology import Topology
from tests.harness.broker import Broker
from tests.harness.buses import Trail, delete, publish, raw, running
from tests.harness.things import message
from tests.harness.waiting import until
from tests.service.conftest import answers

# A stream keeps its newest segments at least.
SMALL: dict[str, Any] = {"x-queue-type": "stream", "x-max-length-bytes": 20_000}
SMALL |= {"x-stream-max-segment-size-bytes": 10_000}


def bus_on(broker: Broker, layout: Topology, trail: Trail | None = None) -> RabbitBus:
    """A bus, with a reader of the feed or without."""
    bus = RabbitBus(broker.url, "test", answers, layout)
    if trail is not None:
        bus.feed(trail.feed)
    return bus


async def published(broker: Broker, layout: Topology, count: int) -> list[Message]:
    """So many events, while nobody reads the feed; where it is not there it is made."""
    events = [message() for _ in range(count)]
    async with running(bus := bus_on(broker, layout)):
        for event in events:
            await publish(bus, event)
    return events


async def read(broker: Broker, layout: Topology, trail: Trail, count: int) -> None:
    """Until the reader has so many entries."""
    async with running(bus_on(broker, layout, trail)):
        await until(lambda: len(trail.entries) >= count, deadline=30, what=f"{count} entries")


async def met(connection: aio_pika.abc.AbstractConnection, name: str) -> Break | None:
    """What a reader of the first message alone finds."""
    async with connection.channel() as channel:
        mark = Mark(0, "of the first message")
        return await (await Stream.open(channel, name, mark)).meet(mark, None)


@pytest.mark.parametrize(("new", "reason"), [(1, "younger"), (9, "other")])
async def test_a_stream_that_was_made_anew_is_read_from_its_beginning_and_told_of(
    broker: Broker, layout: Topology, new: int, reason: str
) -> None:
    trail = Trail()
    before = await published(broker, layout, 5)
    await read(broker, layout, trail, 5)
    last = trail.entries[-1].mark
    await delete(broker.url, [f"{layout.prefix}trail"])
    after = await published(broker, layout, new)

    await read(broker, layout, trail, 5 + new)

    assert last is not None
    assert [(one.read, one.reason) for one in trail.breaks] == [(last, reason)]
    assert trail.ids == [event.id for event in before + after]


async def test_the_same_stream_is_read_on_and_no_break_is_told_of_whoever_looked_into_it(
    broker: Broker, layout: Topology
) -> None:
    trail = Trail()
    events = await published(broker, layout, 5)
    await read(broker, layout, trail, 5)
    # Another reader met another stream, say: its marker is in this one from now on.
    stray = Trail()
    stray.entries, stray.breaks = [], []
    await stray.broken(Break(Mark(0, ""), "other", 0))
    stray._read = Mark(10_000, "of another stream")
    async with running(bus_on(broker, layout, stray)):
        await until(lambda: len(stray.entries) == 5, deadline=30, what="what is there")
    events += await published(broker, layout, 5)
    await read(broker, layout, trail, 10)

    assert trail.breaks == []
    assert [one.reason for one in stray.breaks] == ["other", "younger"]
    assert trail.ids == [event.id for event in events]
    assert stray.ids == trail.ids[:5]


async def test_a_stream_deleted_while_it_is_read_is_told_of_and_nothing_later_is_missed(
    broker: Broker, layout: Topology
) -> None:
    trail = Trail()
    async with running(bus := bus_on(broker, layout, trail)):
        for _ in range(3):
            await publish(bus, message())
        await until(lambda: len(trail.entries) == 3, what="three entries")
        await delete(broker.url, [f"{layout.prefix}trail"])
        await until(lambda: bool(trail.breaks), deadline=30, what="being told")
        later = [message() for _ in range(2)]
        for event in later:
            await publish(bus, event)
        await until(lambda: len(trail.entries) == 5, deadline=30, what="what came later")

    assert trail.ids[3:] == [event.id for event in later]


async def test_a_stream_cut_at_its_beginning_behind_what_was_read_is_told_of(
    broker: Broker, prefix: str
) -> None:
    name = f"{prefix}cut"
    found: list[Break] = []

    async def cut() -> bool:
        for _ in range(20):
            await channel.default_exchange.publish(aio_pika.Message(bytes(5_000)), name, timeout=20)
        one = await met(connection, name)
        found.extend([one] if one else [])
        return one is not None and one.reason == "truncated"

    async with await raw(broker.url) as connection, connection.channel() as channel:
        await channel.declare_queue(name, durable=True, arguments=SMALL)
        try:
            await until(cut, deadline=40, what="a stream that was cut")
        finally:
            await channel.queue_delete(name, timeout=20)

    assert found[-1].read.offset == 0 < found[-1].found
