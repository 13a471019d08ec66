"""Events of services that are not there: published to the broker as their owners would."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aio_pika

from shared.events import Event
from shared.messaging.bus import Message
from shared.messaging.wire import to_amqp
from tests.harness.buses import raw
from tests.harness.network import Network


class Publisher:
    """Publishes, each confirmed by the broker."""

    def __init__(self, exchange: aio_pika.abc.AbstractExchange) -> None:
        self._exchange = exchange

    async def publish(self, *events: Event[Any]) -> None:
        """On return every event is in the queues it belongs in."""
        for start in range(0, len(events), 50):
            part = events[start : start + 50]
            await asyncio.gather(*(self._one(event) for event in part))

    async def _one(self, event: Event[Any]) -> None:
        await self._exchange.publish(
            to_amqp(Message.of(event.body())), event.type, mandatory=True, timeout=20
        )


@asynccontextmanager
async def publishing(network: Network) -> AsyncIterator[Publisher]:
    """A publisher to this network's broker."""
    async with await raw(network.broker.url) as connection, connection.channel() as channel:
        yield Publisher(await channel.get_exchange(network.topology.events, ensure=False))
