"""Buses of this test alone, taken away from the broker after it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from shared.messaging.bus import Bus, DeadLetter, Feed, Message, Probe, Queue, Unconfirmed
from shared.messaging.memory import MemoryBus
from shared.messaging.rabbit import RabbitBus
from shared.messaging.topology import Topology
from tests.harness.broker import Broker
from tests.harness.buses import DELAYS, delete, topology

if TYPE_CHECKING:
    from shared.storage.store import Database

MakeBus = Callable[..., Bus]


async def answers() -> None:
    """A probe of a store that is there."""


@pytest_asyncio.fixture
async def layout(broker: Broker, prefix: str) -> AsyncIterator[Topology]:
    """The test's topology on RabbitMQ: two queues and a feed."""
    made = topology(prefix)
    yield made
    await delete(broker.url, made.arguments(), made.exchanges)


@pytest.fixture(params=["rabbit", "memory"])
def make_bus(request: pytest.FixtureRequest) -> MakeBus:
    """Makes buses that share one transport: a second one is the first after a restart."""
    if request.param == "memory":
        database: Database = request.getfixturevalue("database")

        def memory(probe: Probe = answers) -> Bus:
            return MemoryBus(database["dead"], probe, retry_delays=DELAYS)

        return memory

    broker: Broker = request.getfixturevalue("broker")
    layout: Topology = request.getfixturevalue("layout")

    def rabbit(probe: Probe = answers) -> Bus:
        return RabbitBus(broker.url, "test", probe, layout)

    return rabbit


class SilentBus:
    """A bus nobody listens to: it keeps what it confirms, refuses and is slow on demand."""

    def __init__(self) -> None:
        self.published: asyncio.Queue[Message] = asyncio.Queue()
        self.refusing: Callable[[Message], bool] = lambda _: False
        self.takes: Callable[[Message], float] = lambda _: 0.0
        self.ready = True

    async def depths(self) -> dict[str, tuple[int, int]]:
        return {}

    async def publish(self, message: Message) -> None:
        if not self.ready or self.refusing(message):
            raise Unconfirmed("as the test wants it")
        if seconds := self.takes(message):
            await asyncio.sleep(seconds)
        self.published.put_nowait(message)

    def subscribe(self, queue: Queue) -> None:
        """Nobody listens."""

    def feed(self, feed: Feed) -> None:
        """Nobody listens."""

    async def run(self) -> None:
        """There is nothing to do."""

    async def dead_letters(self, limit: int = 100) -> list[DeadLetter]:
        return []

    async def replay(self, message_id: str) -> int:
        return 0

    async def discard(self, message_id: str) -> int:
        return 0


@pytest.fixture
def silent() -> SilentBus:
    """A bus that only keeps what is published."""
    return SilentBus()
