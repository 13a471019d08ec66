"""Our messages as AMQP 0-9-1 messages, and one confirmed way to publish them."""

import asyncio
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from aiormq.exceptions import DeliveryError, PublishError
from pamqp.commands import Basic

from shared.events import CONTENT_TYPE
from shared.messaging.bus import Message, Unconfirmed

TIMEOUT = 10.0
CHANNEL_TIMEOUT = 10.0


def to_amqp(message: Message, **headers: Any) -> aio_pika.Message:
    """Persistent, with the headers other readers filter on; the body is the event itself."""
    carried: dict[str, Any] = {
        "hub-subject": message.subject,
        "hub-version": message.version,
        "hub-attempt": message.attempt,
        "hub-early": message.early,
        "cloudEvents:id": message.id,
        "cloudEvents:type": message.type,
        "cloudEvents:subject": message.subject,
        **headers,
    }
    if message.traceparent:
        carried["traceparent"] = message.traceparent
    return aio_pika.Message(
        message.body,
        message_id=message.id,
        type=message.type,
        correlation_id=message.stream,
        content_type=CONTENT_TYPE,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        timestamp=datetime.now(UTC),
        headers=carried,
    )


def from_amqp(delivery: AbstractIncomingMessage) -> Message:
    """What arrived; a stranger's message without our properties still gets an id to be parked under."""
    headers = delivery.headers
    identity = delivery.message_id or hashlib.sha256(delivery.body).hexdigest()
    return Message(
        id=identity,
        type=str(delivery.type or "unknown"),
        stream=str(delivery.correlation_id or identity),
        body=delivery.body,
        subject=str(headers.get("hub-subject", "")),
        version=_number(headers.get("hub-version")),
        traceparent=str(headers["traceparent"]) if "traceparent" in headers else None,
        attempt=_number(headers.get("hub-attempt")),
        early=_number(headers.get("hub-early")),
    )


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0


class Publisher:
    """One confirm channel. `lose` is called when the outcome of a publish is unknown.

    Then the connection must be closed before the same bytes are published again, or a late
    copy could overtake.
    """

    def __init__(
        self,
        connection: aio_pika.abc.AbstractConnection,
        channel: AbstractChannel,
        lose: Callable[[str], None],
    ) -> None:
        self._connection, self._channel, self._lose = connection, channel, lose
        self._exchanges: dict[str, aio_pika.abc.AbstractExchange] = {}
        self._in_flight: set[str] = set()

    async def send(self, exchange: str, routing_key: str, message: aio_pika.Message) -> None:
        """Returns when the broker has it safely in every bound queue. Raises `Unconfirmed`."""
        identity = message.message_id or ""
        if identity in self._in_flight:
            # Two with the same id in flight on one channel would swap their confirms.
            raise Unconfirmed("already in flight")
        self._in_flight.add(identity)
        try:
            await self._unblocked()
            target = await self._exchange(exchange)
            result = await target.publish(message, routing_key, mandatory=True, timeout=TIMEOUT)
        except Unconfirmed:
            raise
        except PublishError:
            self._lose("unroutable")  # a binding is gone: the next generation declares it again
            raise Unconfirmed("unroutable") from None
        except DeliveryError:
            raise Unconfirmed("refused by the broker") from None
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # A half-open connection cancels its waiters, not us.
            self._lose("publish cancelled")
            raise Unconfirmed("unknown outcome") from None
        except Exception as error:
            self._lose(f"publish failed: {type(error).__name__}")
            raise Unconfirmed("unknown outcome") from None
        finally:
            self._in_flight.discard(identity)
        if not isinstance(result, Basic.Ack):
            raise Unconfirmed("not acknowledged")

    async def _exchange(self, name: str) -> aio_pika.abc.AbstractExchange:
        if not name:
            return self._channel.default_exchange
        if name not in self._exchanges:
            self._exchanges[name] = await self._channel.get_exchange(name, ensure=False)
        return self._exchanges[name]

    async def _unblocked(self) -> None:
        # While the broker is short of memory or disk it blocks publishers: nothing is sent then.
        transport = self._connection.transport
        if transport is None:
            raise Unconfirmed("not connected")
        try:
            async with asyncio.timeout(TIMEOUT):
                await transport.connection.ready()
        except TimeoutError:
            raise Unconfirmed("the broker blocks publishers") from None


async def open_channel(
    connection: AbstractConnection, *, publisher_confirms: bool = False
) -> AbstractChannel:
    """A channel of its own on this connection. Raises `TimeoutError`."""
    channel = connection.channel(
        publisher_confirms=publisher_confirms, on_return_raises=publisher_confirms
    )
    async with asyncio.timeout(CHANNEL_TIMEOUT):
        await channel.initialize()
    return channel
