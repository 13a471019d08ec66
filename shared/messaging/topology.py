"""The broker's exchanges, queues and bindings as data. Every service declares all of it.

All of it, because a publish counts as routed when *any* queue takes it: with only the trail
declared, an event meant for allocation would be confirmed and never handled.
Arguments can't change on an existing queue, so tunable limits belong in broker policies.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel

from shared.events.catalogue import event_types
from shared.messaging.bus import EARLY_DELAYS, RETRY_DELAYS, Wait

DELIVERY_LIMIT = 20
NO_LIMIT = 1_000_000_000

QUEUE_NAMES = (
    "referral.allocations",
    # Its own, so that looking for the same young person never holds up an answer to an agency.
    "referral.matching",
    # What a crash of the writer may have left undone.
    "referral.follow_up",
    # Who there is: only who is known here can be marked as unsafe.
    "referral.directory",
    "allocation.referrals",
    # Its own events: what follows from a decision must happen also when its writer has died.
    "allocation.follow_up",
    "allocation.capacity",
    # A queue of its own, so that a safety mark never waits behind a backlog.
    "allocation.safety",
    "notify.referrals",
    "notify.allocations",
    # A queue of its own, so that a withdrawal never waits behind a backlog.
    "notify.consent",
    "notify.agreements",
    # What the trail lacks of what a service has sent: each service sends its own again.
    *(f"{service}.sent" for service in ("referral", "allocation", "notify", "audit")),
)


def _bound() -> dict[str, tuple[str, ...]]:
    """Queue → types of events, from what each event says it is heard by."""
    heard = {name: data.heard_by for name, data in event_types().items()}
    if unknown := {queue for queues in heard.values() for queue in queues} - set(QUEUE_NAMES):
        raise ValueError(f"events are heard by queues that nobody has named: {sorted(unknown)}")
    return {
        queue: tuple(name for name, queues in heard.items() if queue in queues)
        for queue in QUEUE_NAMES
    }


# Who hears what. A test holds this equal to the handler tables of the services.
QUEUES: Mapping[str, tuple[str, ...]] = _bound()


@dataclass(frozen=True)
class Topology:
    """`prefix` keeps several topologies apart on one broker (tests); production leaves it empty."""

    queues: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: QUEUES)
    feed: str | None = "audit"
    prefix: str = ""
    retry_delays: tuple[float, ...] = RETRY_DELAYS

    @property
    def events(self) -> str:
        return f"{self.prefix}events"

    @property
    def retry(self) -> str:
        return f"{self.prefix}events.retry"

    @property
    def dead(self) -> str:
        return f"{self.prefix}events.dead"

    @property
    def exchanges(self) -> list[str]:
        """All of them."""
        return [self.events, self.retry, self.dead, *self.early_queues]

    def retry_queue(self, queue: str, delay: int) -> str:
        """The queue that gives a message back after this one of the delays (1, 2, …)."""
        return f"{self.prefix}{queue}.retry.{min(delay, len(self.retry_delays))}"

    def early_queue(self, level: int) -> str:
        """The queue, and the exchange before it, in which what is early waits for so long, whichever
        queue it came from: it goes back by the routing key that it was sent with."""
        return f"{self.prefix}events.early.{level}"

    @property
    def early_queues(self) -> list[str]:
        """All of those."""
        return [self.early_queue(level) for level in range(1, len(EARLY_DELAYS) + 1)]

    def waiting(self, queue: str, wait: Wait) -> tuple[str, str]:
        """The exchange and the routing key with which a message waits before it comes to the queue
        again."""
        if wait.kind == "early":
            return self.early_queue(wait.level), f"{self.prefix}{queue}"
        return self.retry, self.retry_queue(queue, wait.level)

    def arguments(self) -> dict[str, dict[str, Any]]:
        """Queue name to declaration arguments, identical on RabbitMQ 3.10 and 4.x."""
        declared: dict[str, dict[str, Any]] = {}
        for queue in self.queues:
            name = self.prefix + queue
            declared[name] = {
                **_quorum(DELIVERY_LIMIT),
                **_dead_lettering(self.dead, name),
            }
            for level, delay in enumerate(self.retry_delays, start=1):
                declared[self.retry_queue(queue, level)] = {
                    **_quorum(NO_LIMIT),
                    **_dead_lettering("", name),
                    "x-message-ttl": int(delay * 1000),
                }
            declared[f"{name}.dead"] = _quorum(NO_LIMIT)
        for name, delay in zip(self.early_queues, EARLY_DELAYS, strict=True):
            declared[name] = {
                **_quorum(NO_LIMIT),
                **_dead_lettering("", None),
                "x-message-ttl": int(delay * 1000),
            }
        if self.feed:
            declared[self.prefix + self.feed] = {"x-queue-type": "stream", "x-max-age": "30D"}
        return declared

    def bindings(self) -> list[tuple[str, str, str]]:
        """(exchange, routing key, queue)."""
        bound = [
            (self.events, event_type, self.prefix + queue)
            for queue, types in self.queues.items()
            for event_type in types
        ]
        for queue in self.queues:
            name = self.prefix + queue
            bound.append((self.dead, name, f"{name}.dead"))
            for level in range(1, len(self.retry_delays) + 1):
                retry = self.retry_queue(queue, level)
                bound.append((self.retry, retry, retry))
        bound += [(name, "", name) for name in self.early_queues]
        if self.feed:
            bound.append((self.events, "#", self.prefix + self.feed))
        return bound


def _quorum(limit: int) -> dict[str, Any]:
    return {"x-queue-type": "quorum", "x-delivery-limit": limit}


def _dead_lettering(exchange: str, routing_key: str | None) -> dict[str, Any]:
    """Without a routing key by that of the message."""
    return {
        "x-dead-letter-exchange": exchange,
        **({"x-dead-letter-routing-key": routing_key} if routing_key else {}),
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }


async def declare(channel: AbstractChannel, topology: Topology) -> None:
    """Declare all of it; repeating changes nothing. Raises when the broker has it otherwise."""
    exchanges = {
        topology.events: await channel.declare_exchange(
            topology.events, ExchangeType.TOPIC, durable=True
        )
    }
    for name in (topology.retry, topology.dead):
        exchanges[name] = await channel.declare_exchange(name, ExchangeType.DIRECT, durable=True)
    for name in topology.early_queues:
        exchanges[name] = await channel.declare_exchange(name, ExchangeType.FANOUT, durable=True)
    queues = {}
    for name, arguments in topology.arguments().items():
        queues[name] = await channel.declare_queue(name, durable=True, arguments=arguments)
    for exchange, routing_key, queue in topology.bindings():
        await queues[queue].bind(exchanges[exchange], routing_key)
