"""Messages that RabbitMQ holds parked: listed without taking them, given back one by one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime

from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage

from shared.messaging.bus import DeadLetter
from shared.messaging.topology import Topology
from shared.messaging.wire import Publisher, from_amqp, open_channel, to_amqp


async def letters(
    connection: AbstractConnection, topology: Topology, limit: int
) -> list[DeadLetter]:
    """Up to `limit` parked messages of all queues; every one stays where it is."""
    found: list[DeadLetter] = []
    for queue in topology.queues:
        channel = await open_channel(connection)
        parked = await channel.get_queue(f"{topology.prefix}{queue}.dead", ensure=False)
        while len(found) < limit:
            delivery = await parked.get(no_ack=False, fail=False)
            if delivery is None:
                break
            found.append(_letter(queue, delivery))
        await channel.close()  # unacknowledged: everything goes back where it was
    return found


async def give_back(
    connection: AbstractConnection, topology: Topology, publisher: Publisher, message_id: str
) -> int:
    """Parked messages with this id go back to their queues for a first attempt. Returns how many."""
    replayed = 0
    for queue in topology.queues:
        name = f"{topology.prefix}{queue}"
        async with _found(connection, name, message_id) as found:
            for delivery in found:
                fresh = replace(from_amqp(delivery), attempt=0, early=0)
                await publisher.send("", name, to_amqp(fresh))
                await delivery.ack()  # after the confirm: a crash between doubles, never loses
                replayed += 1
    return replayed


async def discarded(connection: AbstractConnection, topology: Topology, message_id: str) -> int:
    """Parked messages with this id are gone on return. Returns how many."""
    count = 0
    for queue in topology.queues:
        async with _found(connection, f"{topology.prefix}{queue}", message_id) as found:
            for delivery in found:
                await delivery.ack()
                count += 1
    return count


@asynccontextmanager
async def _found(
    connection: AbstractConnection, queue: str, message_id: str
) -> AsyncIterator[list[AbstractIncomingMessage]]:
    """Those of a queue with this id, held; after the block all that were not acknowledged go back."""
    channel = await open_channel(connection)
    parked = await channel.get_queue(f"{queue}.dead", ensure=False)
    # All are looked at before the first is given back: it could be parked again at once.
    found = []
    while (delivery := await parked.get(no_ack=False, fail=False)) is not None:
        if from_amqp(delivery).id == message_id:
            found.append(delivery)
    yield found
    await channel.close()


async def depth(channel: AbstractChannel, topology: Topology, queue: str) -> tuple[int, int]:
    """How many messages wait in a queue, or to come back to it, and how many are parked."""

    async def ready(name: str) -> int:
        declared = await channel.declare_queue(name, passive=True)
        return declared.declaration_result.message_count or 0

    levels = range(1, len(topology.retry_delays) + 1)
    waiting = [f"{topology.prefix}{queue}", *(topology.retry_queue(queue, n) for n in levels)]
    return sum([await ready(name) for name in waiting]), await ready(f"{waiting[0]}.dead")


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
