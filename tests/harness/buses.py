"""Both buses for tests: two small queues and a feed, short retry delays, ears that remember."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from functools import partial

import aio_pika

from shared.messaging.bus import Bus, Entry, Feed, Message, Queue, Unconfirmed
from shared.messaging.marks import Break, Mark
from shared.messaging.topology import Topology
from tests.harness.things import CHANGED, MADE
from tests.harness.waiting import stopped, until

ONE, TWO = "one.things", "two.things"
QUEUES = {ONE: (MADE, CHANGED), TWO: (MADE,)}
DELAYS = (0.2, 0.4, 0.6)


def topology(prefix: str, feed: str | None = "trail") -> Topology:
    """Two queues, and a feed unless it is None."""
    return Topology(queues=QUEUES, feed=feed, prefix=prefix, retry_delays=DELAYS)


class Ear:
    """A handler that remembers when it was called with what, and then does what `then` says."""

    def __init__(self, then: Callable[[Message], Awaitable[None]] | None = None) -> None:
        self.heard: list[Message] = []
        self.times: list[float] = []
        self.done: list[str] = []
        self.then = then

    async def __call__(self, message: Message) -> None:
        self.heard.append(message)
        self.times.append(asyncio.get_running_loop().time())
        if self.then:
            await self.then(message)
        self.done.append(message.id)

    @property
    def ids(self) -> list[str]:
        return [message.id for message in self.heard]

    @property
    def gaps(self) -> list[float]:
        """Seconds between one call and the next."""
        return [later - sooner for sooner, later in zip(self.times, self.times[1:], strict=False)]


class Trail:
    """A feed's reader that remembers; `fails` times it raises first."""

    def __init__(self, fails: int = 0) -> None:
        self.entries: list[Entry] = []
        self.breaks: list[Break] = []
        self.fails = fails
        self._read: Mark | None = None

    async def append(self, entries: list[Entry]) -> None:
        if self.fails:
            self.fails -= 1
            raise RuntimeError("the trail's store is away")
        self.entries.extend(entries)
        self._read = entries[-1].mark

    async def last_read(self) -> Mark | None:
        return self._read

    async def broken(self, found: Break) -> None:
        self.breaks.append(found)
        self._read = None

    @property
    def ids(self) -> list[str]:
        return [entry.message.id for entry in self.entries]

    @property
    def feed(self) -> Feed:
        return Feed("trail", self.append, self.last_read, self.broken)


def fails(times: int, error: Exception) -> Callable[[Message], Awaitable[None]]:
    """For `Ear`: raise `error` the first `times` times."""
    left = times

    async def then(_: Message) -> None:
        nonlocal left
        if left:
            left -= 1
            raise error

    return then


def listen(bus: Bus, one: Ear | None = None, two: Ear | None = None) -> None:
    """Subscribe both queues."""
    bus.subscribe(Queue(ONE, QUEUES[ONE], one or Ear()))
    bus.subscribe(Queue(TWO, QUEUES[TWO], two or Ear()))


@contextlib.asynccontextmanager
async def running(bus: Bus, *, deadline: float = 30) -> AsyncIterator[asyncio.Task[None]]:
    """The bus runs within the block; the task is its `run`."""
    run = asyncio.create_task(bus.run())
    try:
        await until(lambda: bus.ready or run.done(), deadline=deadline, what="the bus being ready")
        yield run
        assert not run.done(), "run() came to an end by itself"
    finally:
        await stopped(run, what="the bus")


async def publish(bus: Bus, *messages: Message, deadline: float = 20) -> None:
    """Publish one after the other, each until it is confirmed, as the relay does."""
    for message in messages:
        what = f"the confirm of {message.type}"
        await until(partial(confirmed, bus, message), deadline=deadline, what=what)


async def confirmed(bus: Bus, message: Message) -> bool:
    """Whether publishing it once is confirmed."""
    try:
        await bus.publish(message)
    except Unconfirmed:
        return False
    return True


async def raw(url: str) -> aio_pika.abc.AbstractConnection:
    """A plain connection, for what a stranger or an operator does."""
    return await aio_pika.connect(url)


async def delete(url: str, names: Iterable[str], exchanges: Iterable[str] = ()) -> None:
    """Delete queues and exchanges, there or not."""
    async with await raw(url) as connection, connection.channel() as channel:
        for name in names:
            await channel.queue_delete(name)
        for name in exchanges:
            await channel.exchange_delete(name)


async def depth(url: str, queue: str) -> int:
    """How many messages are ready in a queue."""
    return (await depths(url, [queue]))[queue]


async def depths(url: str, queues: Iterable[str]) -> dict[str, int]:
    """How many messages are ready in each of these queues."""
    found = {}
    async with await raw(url) as connection, connection.channel() as channel:
        for queue in queues:
            declared = await channel.declare_queue(queue, passive=True)
            found[queue] = declared.declaration_result.message_count or 0
    return found
