"""The bus over RabbitMQ: a crash-only supervisor on plain connections.

One *generation* is two connections (publishing and consuming: an alarm blocks a publisher's
socket whole), the whole topology declared, and one consumer per queue. Whatever goes wrong, the
generation is torn down and the next one built; nothing is repaired in place.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from typing import NoReturn

import aio_pika
from aio_pika.abc import AbstractConnection
from yarl import URL

from shared.messaging.bus import DeadLetter, Feed, Message, Probe, Queue, Unconfirmed
from shared.messaging.consumer import Consumer
from shared.messaging.failure import until_back
from shared.messaging.parked import depth, discarded, give_back, letters
from shared.messaging.stream import Stream
from shared.messaging.topology import Topology, declare
from shared.messaging.wire import CHANNEL_TIMEOUT, Publisher, open_channel, to_amqp
from shared.operating.cancellation import raise_if_cancelled
from shared.operating.telemetry import log

HEARTBEAT = 10


class Lost(Exception):
    """This generation is over."""


class RabbitBus:
    """One per process. `probe` returns when the service's own store answers."""

    def __init__(
        self,
        url: str,
        service: str,
        probe: Probe,
        topology: Topology | None = None,
        *,
        heartbeat: int = HEARTBEAT,
    ) -> None:
        self._url = URL(url).update_query(heartbeat=heartbeat)
        self._service, self._probe, self._topology = service, probe, topology or Topology()
        self._queues: list[Queue] = []
        self._feeds: list[Feed] = []
        self._consumers: list[Consumer] = []
        self._publisher: Publisher | None = None
        self._connection: AbstractConnection | None = None
        self.generation = 0

    @property
    def ready(self) -> bool:
        return self._publisher is not None and all(c.consuming for c in self._consumers)

    def subscribe(self, queue: Queue) -> None:
        self._queues.append(queue)

    def feed(self, feed: Feed) -> None:
        self._feeds.append(feed)

    async def publish(self, message: Message) -> None:
        publisher = self._publisher
        if publisher is None:
            raise Unconfirmed("not connected")
        await publisher.send(self._topology.events, message.type, to_amqp(message))

    async def run(self) -> NoReturn:
        failures = 0
        while True:
            self.generation += 1
            before = self._loop_time()
            # A task of its own: a dying connection cancels whoever waits for it, and that must
            # end the generation, not the bus.
            generation = asyncio.create_task(self._live())
            try:
                await asyncio.wait({generation})
            finally:
                generation.cancel()
                await asyncio.wait({generation})
                self._publisher, self._consumers = None, []
            log.warning("bus.lost", service=self._service, error=_ending(generation))
            failures = 0 if self._loop_time() - before > 10 else min(failures + 1, 5)
            await asyncio.sleep(random.uniform(0.1, min(5.0, 0.2 * 2**failures)))  # noqa: S311

    @staticmethod
    def _loop_time() -> float:
        return asyncio.get_running_loop().time()

    async def _live(self) -> None:
        loop = asyncio.get_running_loop()
        lost: asyncio.Future[str] = loop.create_future()

        def lose(why: str) -> None:
            if not lost.done():
                lost.set_result(why)

        async with (
            self._connect("publish", lose) as publishing,
            self._connect("consume", lose) as consuming,
        ):
            await self._declare(publishing)
            publisher = await self._publisher_on(publishing, lose)
            aside = await self._publisher_on(publishing, lose)
            self._consumers = [
                Consumer(consuming, aside, self._topology, queue, self._probe)
                for queue in self._queues
            ]
            self._publisher, self._connection = publisher, publishing
            log.info("bus.up", service=self._service, generation=self.generation)
            async with asyncio.TaskGroup() as tasks:
                for consumer in self._consumers:
                    tasks.create_task(consumer.run(lose))
                for feed in self._feeds:
                    tasks.create_task(self._read(feed, consuming, lose))
                raise_if_cancelled()
                why = await lost
                self._publisher = None
                raise Lost(why)

    @contextlib.asynccontextmanager
    async def _connect(
        self, purpose: str, lose: Callable[[str], None]
    ) -> AsyncIterator[AbstractConnection]:
        name = f"{self._service}.{purpose}"
        connection = await aio_pika.connect(
            self._url, timeout=CHANNEL_TIMEOUT, client_properties={"connection_name": name}
        )
        try:
            assert connection.transport is not None  # noqa: S101 - connect() has just set it
            connection.transport.connection.closing.add_done_callback(
                lambda _: lose(f"connection for {purpose}")
            )
            yield connection
        finally:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(2):
                    await connection.close()

    async def _declare(self, connection: AbstractConnection) -> None:
        channel = await open_channel(connection)
        await declare(channel, self._topology)
        await channel.close()

    async def _publisher_on(
        self, connection: AbstractConnection, lose: Callable[[str], None]
    ) -> Publisher:
        channel = await open_channel(connection, publisher_confirms=True)
        underlay = await channel.get_underlay_channel()
        underlay.closing.add_done_callback(lambda _: lose("publishing channel"))
        return Publisher(connection, channel, lose)

    async def _read(
        self, feed: Feed, connection: AbstractConnection, lose: Callable[[str], None]
    ) -> NoReturn:
        while True:
            await until_back(self._probe)
            try:
                await self._read_from(feed, connection, lose)
            except Exception as error:  # from the stored offset again; the trail must go on
                log.warning("bus.feed_failed", queue=feed.name, error=type(error).__name__)
                await asyncio.sleep(0.5)

    async def _read_from(
        self, feed: Feed, connection: AbstractConnection, lose: Callable[[str], None]
    ) -> None:
        read = await feed.last_read()
        channel = await open_channel(connection)
        try:
            underlay = await channel.get_underlay_channel()
            underlay.on_consumer_cancel_callbacks.add(lambda _: lose(f"feed {feed.name}"))
            stream = await Stream.open(channel, self._topology.prefix + feed.name, read)
            if read is not None:
                found = await stream.meet(read, self._publisher)
                if found is not None:
                    return await feed.broken(found)
            while True:
                raise_if_cancelled()
                batch = await stream.batch()
                if entries := stream.entries(batch):
                    await feed.append(entries)
                for delivery in batch:
                    await delivery.ack()
        finally:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(2):
                    await channel.close()

    async def dead_letters(self, limit: int = 100) -> list[DeadLetter]:
        async with self._connect("dead-letters", lambda _: None) as connection:
            return await letters(connection, self._topology, limit)

    async def depths(self) -> dict[str, tuple[int, int]]:
        if self._publisher is None or self._connection is None:
            raise Unconfirmed("not connected")
        async with self._connection.channel() as channel:
            return {
                each.name: await depth(channel, self._topology, each.name) for each in self._queues
            }

    async def replay(self, message_id: str) -> int:
        async with self._connect("dead-letters", lambda _: None) as connection:
            publisher = await self._publisher_on(connection, lambda _: None)
            return await give_back(connection, self._topology, publisher, message_id)

    async def discard(self, message_id: str) -> int:
        async with self._connect("dead-letters", lambda _: None) as connection:
            return await discarded(connection, self._topology, message_id)


def _ending(generation: "asyncio.Task[None]") -> str:
    error = None if generation.cancelled() else generation.exception()
    return _name(error) if error else "cancelled by its connection"


def _name(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        return ",".join(sorted({_name(inner) for inner in error.exceptions}))
    return f"Lost({error})" if isinstance(error, Lost) else type(error).__name__
