"""The feed's stream on RabbitMQ: read on from where its reader stopped, if it is still that stream.

An offset alone says nothing of the stream it was in: after a broker's disk was lost, or the stream
deleted, another begins at 0 under the same name. So the reader keeps a mark, the offset and a digest
of the message there, and the stream is asked for that message first. RabbitMQ lets who asks for an
offset behind the end wait, and keeps from them whatever comes below it. So where the message doesn't
come, a marker of ours is published into the stream: its offset is the end. What decides is an order,
never a time, however slow the broker is.
"""

import asyncio
import contextlib
import hashlib
import re
import secrets
from dataclasses import dataclass

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue

from shared.messaging.bus import Entry, Unconfirmed
from shared.messaging.marks import Break, Mark
from shared.messaging.wire import Publisher, from_amqp

FEED_PREFETCH = 500
FEED_BATCH = 256
FEED_GATHER = 0.1
# How long the marked message is waited for before a marker is sent after it; and the marker.
AT_ONCE = 2.0
PATIENCE = 20.0
# Its whole content is known, so that nothing is hidden by passing over it.
MARKER = re.compile(rb"feed-marker:[0-9a-f]{32}")


@dataclass(frozen=True)
class Met:
    """The message is there: what follows it is what was not read."""


def decided(read: Mark, offset: int, digest: str) -> Met | Break | None:
    """What the message at this offset says of the one that was read; None: the next one has to. Pure."""
    if offset < read.offset:
        return None
    if offset > read.offset:
        return Break(read, "truncated", offset)
    return Met() if digest == read.digest else Break(read, "other", offset)


class Stream:
    """One consumer on the stream."""

    def __init__(self, queue: AbstractQueue, read: Mark | None) -> None:
        self._queue, self._last = queue, -1 if read is None else read.offset
        self._arrived: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()

    @classmethod
    async def open(cls, channel: AbstractChannel, name: str, read: Mark | None) -> "Stream":
        """Consume from the message of the mark on, or from the first."""
        await channel.set_qos(prefetch_count=FEED_PREFETCH)
        stream = cls(await channel.get_queue(name, ensure=False), read)
        start = "first" if read is None else read.offset
        await stream._queue.consume(stream._arrived.put, arguments={"x-stream-offset": start})
        return stream

    async def meet(self, read: Mark, publisher: Publisher | None) -> Break | None:
        """Pass the message of the mark, or say why it is not there.

        Raises `TimeoutError` and `Unconfirmed` where the broker answers neither: try again.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(AT_ONCE):
                return await self._met(read)
        async with asyncio.timeout(PATIENCE):
            end = await self._end(publisher)
            # Below it nothing can come any more; above it the message, or another, must come.
            return Break(read, "younger", end) if end <= read.offset else await self._met(read)

    async def _met(self, read: Mark) -> Break | None:
        while True:
            delivery = await self._arrived.get()
            found = decided(read, _offset(delivery), digest_of(delivery))
            await delivery.ack()
            if found is not None:
                return found if isinstance(found, Break) else None

    async def _end(self, publisher: Publisher | None) -> int:
        """An offset behind everything that was there before."""
        if publisher is None:
            raise Unconfirmed("not connected")
        new: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
        tag = await self._queue.consume(new.put, arguments={"x-stream-offset": "next"})
        marker = b"feed-marker:" + secrets.token_hex(16).encode()
        await publisher.send("", self._queue.name, _message(marker))
        while (delivery := await new.get()).body != marker:
            await delivery.ack()
        await self._queue.cancel(tag)
        return _offset(delivery)

    async def batch(self) -> list[AbstractIncomingMessage]:
        """The next messages: at least one."""
        batch = [await self._arrived.get()]
        await asyncio.sleep(FEED_GATHER)  # events come in bursts: one write for all of it
        while len(batch) < FEED_BATCH and not self._arrived.empty():
            batch.append(self._arrived.get_nowait())
        return batch

    def entries(self, batch: list[AbstractIncomingMessage]) -> list[Entry]:
        """What of a batch was not read before, without markers."""
        return [
            Entry(from_amqp(delivery), _offset(delivery), digest_of(delivery))
            for delivery in batch
            if _offset(delivery) > self._last and MARKER.fullmatch(delivery.body) is None
        ]


def digest_of(delivery: AbstractIncomingMessage) -> str:
    """A digest of what was published: its id, its time and its content."""
    at = int(delivery.timestamp.timestamp()) if delivery.timestamp else None
    head = f"{delivery.message_id}\n{at}\n".encode()
    return hashlib.sha256(head + delivery.body).hexdigest()


def _message(marker: bytes) -> aio_pika.Message:
    persistent = aio_pika.DeliveryMode.PERSISTENT
    return aio_pika.Message(marker, message_id=marker.decode(), delivery_mode=persistent)


def _offset(delivery: AbstractIncomingMessage) -> int:
    offset = delivery.headers.get("x-stream-offset")
    if not isinstance(offset, int):
        raise TypeError("a message of a stream has an offset")
    return offset
