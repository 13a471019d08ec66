"""The bus: what a service may rely on, whichever transport is behind it.

Two implementations hold this contract, and one test suite holds both to it:
`shared.messaging.rabbit` (RabbitMQ) and `shared.messaging.memory` (one process, for trying and demos).

- `publish` returns once every queue bound to the type has the message safely; else `Unconfirmed`.
- A handler sees a message at least once; messages of one stream in order, unless one is retried.
- A handler that raises is tried again after growing delays; after `MAX_ATTEMPTS` the message is
  parked with its reason. `Poison` is parked at once. `Outage` holds the queue until the store
  answers again, and costs the message no attempt. Nor does `NotFound`, `MAX_EARLY` times: what the
  message is about is on its way in another queue, so it comes again within milliseconds, and later
  after the first delay each time. Meanwhile the others of its stream go on.
- Nothing is dropped: parked messages are listed and replayed by a command.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, NamedTuple, Protocol

from shared.errors import NotFound
from shared.messaging.marks import Break, Mark

MAX_ATTEMPTS = 6
RETRY_DELAYS = (5.0, 60.0, 600.0)
# What is only early is tried again after these, and after that after the first of the others.
EARLY_DELAYS = (0.05, 0.15, 0.5, 1.5)
MAX_EARLY = 120


class Unconfirmed(Exception):
    """Not confirmed: perhaps sent, perhaps not. Publish the same bytes with the same id again."""


class Wait(NamedTuple):
    """Which of the delays a message waits for: of those for what is early, or of the growing ones. The
    last of them stands for every later one."""

    kind: Literal["early", "retry"]
    level: int

    def seconds(self, retry_delays: Sequence[float]) -> float:
        """How long that is."""
        delays = EARLY_DELAYS if self.kind == "early" else retry_delays
        return delays[min(self.level, len(delays)) - 1]


@dataclass(frozen=True)
class Message:
    """One event on its way. `body` is the event exactly as its outbox holds it."""

    id: str
    type: str
    stream: str
    body: bytes
    subject: str = ""
    version: int = 0
    traceparent: str | None = None
    attempt: int = 0
    early: int = 0

    @classmethod
    def of(cls, body: str | bytes) -> "Message":
        """The message for an event's stored body."""
        event = json.loads(body)
        return cls(
            id=event["id"],
            type=event["type"],
            stream=event["correlationid"],
            body=body.encode() if isinstance(body, str) else body,
            subject=event["subject"],
            version=event["version"],
            traceparent=event.get("traceparent"),
        )

    def again(self, error: Exception) -> tuple["Message", "Wait"]:
        """The same message for its next attempt, and what comes before it."""
        if isinstance(error, NotFound) and self.early < MAX_EARLY:
            early = self.early + 1
            soon = early <= len(EARLY_DELAYS)
            return replace(self, early=early), Wait("early", early) if soon else Wait("retry", 1)
        return replace(self, attempt=self.attempt + 1), Wait("retry", self.attempt + 1)


Handle = Callable[[Message], Awaitable[None]]
Probe = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Queue:
    """`<service>.<subject>`: the types it is bound to, and who handles them."""

    name: str
    types: tuple[str, ...]
    handle: Handle


@dataclass(frozen=True)
class Entry:
    """A message of the feed with its offset there; None where the transport keeps none."""

    message: Message
    offset: int | None = None
    digest: str = ""

    @property
    def mark(self) -> Mark | None:
        """What its reader keeps to read on behind it."""
        return None if self.offset is None else Mark(self.offset, self.digest)


async def _unheard(_: Break) -> None:
    """For a reader that keeps no mark: to it no feed is another."""


@dataclass(frozen=True)
class Feed:
    """Every event in exact order, from behind `last_read()`, or from the first. Who reads keeps the
    mark.

    `append` must be safe to repeat. Whatever it raises, the feed starts again from `last_read`.
    Where the message of the mark is not there, `broken` is told so before anything is read; from
    then on `last_read` is None, and the feed is read from its beginning.
    """

    name: str
    append: Callable[[list[Entry]], Awaitable[None]]
    last_read: Callable[[], Awaitable[Mark | None]]
    broken: Callable[[Break], Awaitable[None]] = _unheard


@dataclass(frozen=True)
class DeadLetter:
    """A parked message: where, why, since when, after how many attempts."""

    queue: str
    message_id: str
    type: str
    reason: str
    attempts: int
    since: datetime | None
    body: bytes = field(repr=False, default=b"")


class Bus(Protocol):
    """What services publish to and subscribe on."""

    @property
    def ready(self) -> bool:
        """Whether a publish would be confirmed now and all queues are being consumed."""

    async def publish(self, message: Message) -> None:
        """Returns when the message is safe in every bound queue. Raises `Unconfirmed`."""

    def subscribe(self, queue: Queue) -> None:
        """Handle the queue's messages once the bus runs. Call before `run`."""

    def feed(self, feed: Feed) -> None:
        """Read every event in order once the bus runs. Call before `run`."""

    async def run(self) -> None:
        """Connect, consume and reconnect until cancelled."""

    async def dead_letters(self, limit: int = 100) -> list[DeadLetter]:
        """Parked messages of all queues of this bus's topology."""

    async def depths(self) -> dict[str, tuple[int, int]]:
        """Of each queue subscribed to: how many messages wait, and how many are parked. Raises
        `Unconfirmed`, or what the transport raises, where that can't be told."""

    async def replay(self, message_id: str) -> int:
        """Give parked messages with this id back to their queue. Returns how many."""

    async def discard(self, message_id: str) -> int:
        """Take parked messages with this id away for good. Returns how many."""
