"""The bus over RabbitMQ: a crash-only supervisor on plain connections.

One *generation* is two connections (publishing and consuming: an alarm blocks a publisher's
socket whole), the whole topology declared, and one consumer per queue. Whatever goes wrong, the
generation is torn down and the next one built; nothing is repaired in place.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime
from typing import NoReturn

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from yarl import URL

from shared.bus import DeadLetter, Entry, Feed, Message, Probe, Queue, Unconfirmed
from shared.bus.consumer import CHANNEL_TIMEOUT, Consumer
from shared.bus.failure import until_back
from shared.bus.topology import Topology, declare
from shared.bus.wire import Publisher, from_amqp, to_amqp
from shared.cancellation import heed
from shared.telemetry import log

HEARTBEAT = 10
FEED_PREFETCH = 500
FEED_BATCH = 256


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
            self._publisher = publisher
            log.info("bus.up", service=self._service, generation=self.generation)
            async with asyncio.TaskGroup() as tasks:
                for consumer in self._consumers:
                    tasks.create_task(consumer.run(lose))
                for feed in self._feeds:
                    tasks.create_task(self._read(feed, consuming, lose))
                heed()
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
        channel = await _open(connection)
        await declare(channel, self._topology)
        await channel.close()

    async def _publisher_on(
        self, connection: AbstractConnection, lose: Callable[[str], None]
    ) -> Publisher:
        channel = await _open(connection, publisher_confirms=True)
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
        last = await feed.last_offset()
        arrived: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
        channel = await _open(connection)
        try:
            underlay = await channel.get_underlay_channel()
            underlay.on_consumer_cancel_callbacks.add(lambda _: lose(f"feed {feed.name}"))
            await channel.set_qos(prefetch_count=FEED_PREFETCH)
            stream = await channel.get_queue(self._topology.prefix + feed.name, ensure=False)
            start = "first" if last is None else last + 1
            await stream.consume(arrived.put, arguments={"x-stream-offset": start})
            while True:
                heed()
                batch = [await arrived.get()]
                while len(batch) < FEED_BATCH and not arrived.empty():
                    batch.append(arrived.get_nowait())
                # A stream delivers whole chunks: the first may begin before the offset asked for.
                entries = [Entry(from_amqp(d), _offset(d)) for d in batch]
                await feed.append([e for e in entries if last is None or (e.offset or 0) > last])
                for delivery in batch:
                    await delivery.ack()
        finally:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(2):
                    await channel.close()

    async def dead_letters(self, limit: int = 100) -> list[DeadLetter]:
        letters: list[DeadLetter] = []
        async with self._connect("dead-letters", lambda _: None) as connection:
            for queue in self._topology.queues:
                channel = await _open(connection)
                parked = await channel.get_queue(
                    f"{self._topology.prefix}{queue}.dead", ensure=False
                )
                while len(letters) < limit:
                    delivery = await parked.get(no_ack=False, fail=False)
                    if delivery is None:
                        break
                    letters.append(_letter(queue, delivery))
                await channel.close()  # unacknowledged: everything goes back where it was
        return letters

    async def replay(self, message_id: str) -> int:
        replayed = 0
        async with self._connect("dead-letters", lambda _: None) as connection:
            publisher = await self._publisher_on(connection, lambda _: None)
            for queue in self._topology.queues:
                channel = await _open(connection)
                name = f"{self._topology.prefix}{queue}"
                parked = await channel.get_queue(f"{name}.dead", ensure=False)
                # All are looked at before the first is given back: it could be parked again at once.
                found = []
                while (delivery := await parked.get(no_ack=False, fail=False)) is not None:
                    if from_amqp(delivery).id == message_id:
                        found.append(delivery)
                for delivery in found:
                    fresh = replace(from_amqp(delivery), attempt=0)
                    await publisher.send("", name, to_amqp(fresh))
                    await delivery.ack()  # after the confirm: a crash between doubles, never loses
                    replayed += 1
                await channel.close()
        return replayed


async def _open(
    connection: AbstractConnection, *, publisher_confirms: bool = False
) -> AbstractChannel:
    channel = connection.channel(
        publisher_confirms=publisher_confirms, on_return_raises=publisher_confirms
    )
    async with asyncio.timeout(CHANNEL_TIMEOUT):
        await channel.initialize()
    return channel


def _offset(delivery: AbstractIncomingMessage) -> int | None:
    offset = delivery.headers.get("x-stream-offset")
    return offset if isinstance(offset, int) else None


def _letter(queue: str, delivery: AbstractIncomingMessage) -> DeadLetter:
    message = from_amqp(delivery)
    since = delivery.headers.get("hub-failed-at")
    deaths = delivery.headers.get("x-death")
    reason = str(
        delivery.headers.get("hub-error") or (f"broker:{_death(deaths)}" if deaths else "unknown")
    )
    return DeadLetter(
        queue=queue,
        message_id=message.id,
        type=message.type,
        reason=reason,
        attempts=message.attempt,
        since=datetime.fromisoformat(str(since)) if since else None,
        body=message.body,
    )


def _death(deaths: object) -> str:
    first = deaths[0] if isinstance(deaths, list) and deaths else {}
    return str(first.get("reason", "unknown")) if isinstance(first, dict) else "unknown"


def _ending(generation: "asyncio.Task[None]") -> str:
    error = None if generation.cancelled() else generation.exception()
    return _name(error) if error else "cancelled by its connection"


def _name(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        return ",".join(sorted({_name(inner) for inner in error.exceptions}))
    return f"Lost({error})" if isinstance(error, Lost) else type(error).__name__
