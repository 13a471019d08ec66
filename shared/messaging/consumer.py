"""Consuming one queue: lanes per stream, manual acks, retries, parking, and holding in an outage."""

import asyncio
import contextlib
import zlib
from collections.abc import Callable
from typing import Any, NoReturn

from aio_pika.abc import AbstractConnection, AbstractIncomingMessage
from aiormq.exceptions import AMQPError, ChannelInvalidStateError

from shared.clock import now
from shared.errors import Outage, Poison
from shared.messaging.bus import MAX_ATTEMPTS, Message, Probe, Queue, Unconfirmed
from shared.messaging.failure import reason, until_back
from shared.messaging.topology import Topology
from shared.messaging.wire import CHANNEL_TIMEOUT, Publisher, from_amqp, to_amqp
from shared.operating.cancellation import raise_if_cancelled
from shared.operating.failpoints import failpoint
from shared.operating.telemetry import log, parked, retried

LANES = 8
PREFETCH = 4 * LANES
HANDLER_TIMEOUT = 60.0
POISON_AFTER = 3


class _PoisonMode(Exception):
    """Something may be killing the process: carry on with one message at a time."""


class Consumer:
    """Handles one queue over one connection until that is lost."""

    def __init__(
        self,
        connection: AbstractConnection,
        publisher: Publisher,
        topology: Topology,
        queue: Queue,
        probe: Probe,
    ) -> None:
        self._connection, self._publisher, self._topology = connection, publisher, topology
        self._queue, self._probe = queue, probe
        self._name = topology.prefix + queue.name
        self.consuming = False

    async def run(self, lost: Callable[[str], None]) -> NoReturn:
        """Consume for ever; a lost channel or a broker's cancel is reported through `lost`."""
        one_by_one = False
        while True:
            await until_back(self._probe)
            try:
                await self._consume(lost, one_by_one)
            except* _PoisonMode:
                one_by_one = True
                log.warning("bus.poison_mode", queue=self._name)
            else:
                one_by_one = False

    async def _consume(self, lost: Callable[[str], None], one_by_one: bool) -> None:
        leaving = False

        def report(why: str) -> None:
            if not leaving:
                lost(why)

        channel = self._connection.channel(publisher_confirms=False)
        async with asyncio.timeout(CHANNEL_TIMEOUT):
            await channel.initialize()
        try:
            underlay = await channel.get_underlay_channel()
            underlay.closing.add_done_callback(lambda _: report(f"channel of {self._name}"))
            underlay.on_consumer_cancel_callbacks.add(lambda _: report(f"consumer of {self._name}"))
            await channel.set_qos(prefetch_count=1 if one_by_one else PREFETCH)
            async with asyncio.TaskGroup() as tasks:
                lanes: list[asyncio.Queue[AbstractIncomingMessage]] = [
                    asyncio.Queue() for _ in range(1 if one_by_one else LANES)
                ]
                workers = [tasks.create_task(self._work(lane, one_by_one)) for lane in lanes]

                async def into_lane(delivery: AbstractIncomingMessage) -> None:
                    # Only enqueue: the client cancels its callbacks when the channel goes.
                    stream = (delivery.correlation_id or "").encode()
                    lanes[zlib.crc32(stream) % len(lanes)].put_nowait(delivery)

                queue = await channel.get_queue(self._name, ensure=False)
                await queue.consume(into_lane)
                self.consuming = True
                raise_if_cancelled()
                await asyncio.wait(workers, return_when=asyncio.FIRST_COMPLETED)
                for worker in workers:  # the share of poison mode is done
                    worker.cancel()
        finally:
            leaving = True
            self.consuming = False
            with contextlib.suppress(Exception):
                async with asyncio.timeout(2):
                    await channel.close()

    async def _work(self, lane: "asyncio.Queue[AbstractIncomingMessage]", one_by_one: bool) -> None:
        share = 2 * PREFETCH
        while not one_by_one or share > 0:
            raise_if_cancelled()
            delivery = await lane.get()
            count = delivery.headers.get("x-delivery-count", 0)
            if not one_by_one and isinstance(count, int) and count >= POISON_AFTER:
                raise _PoisonMode
            await self._process(delivery)
            share -= 1

    async def _process(self, delivery: AbstractIncomingMessage) -> None:
        message = from_amqp(delivery)
        error = await self._handle(message)
        if error is not None:
            await self._set_aside(message, error)
            failpoint("consumer.after_retry_publish")
        failpoint("consumer.before_ack")
        # After a reconnect this ack can't work; the copy that comes then is a duplicate.
        with contextlib.suppress(ChannelInvalidStateError, AMQPError):
            await delivery.ack()

    async def _handle(self, message: Message) -> Exception | None:
        held = 0
        while True:
            try:
                async with asyncio.timeout(HANDLER_TIMEOUT):
                    await self._queue.handle(message)
                return None
            except Outage:
                # Held here, unacknowledged: prefetch bounds it, and no attempt is used up.
                held += 1
                await until_back(self._probe, held=held)
            except Exception as error:  # every failure ends as a retry or a dead letter
                log.warning(
                    "bus.failed",
                    queue=self._name,
                    type=message.type,
                    event_id=message.id,
                    error=reason(error),
                )
                return error

    async def _set_aside(self, message: Message, error: Exception) -> None:
        headers: dict[str, Any] = {"hub-error": reason(error), "hub-failed-at": now().isoformat()}
        message, wait = message.again(error)
        park = isinstance(error, Poison) or message.attempt >= MAX_ATTEMPTS
        if park:
            exchange, key = self._topology.dead, self._name
        else:
            exchange, key = self._topology.waiting(self._queue.name, wait)
        # The original stays unacknowledged until the copy is confirmed.
        while True:
            try:
                await self._publisher.send(exchange, key, to_amqp(message, **headers))
                break
            except Unconfirmed:
                raise_if_cancelled()
                await asyncio.sleep(0.5)
        (parked if park else retried)(self._name, message.type)
        if park:
            log.error("bus.parked", queue=self._name, type=message.type, event_id=message.id)
