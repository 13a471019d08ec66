"""The network as an operator would set it, and how far each referral has come in it.

The broker's stream tells what happened, by the time of arrival in this process: that costs the broker
one more reader, and the services nothing. The store is asked only where no event tells it: is it
sealed, is anything left.
"""

import asyncio
import contextlib
import json
import secrets
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from aio_pika.abc import AbstractChannel

from shared.messaging.bus import Entry, Feed, Message
from shared.messaging.rabbit import RabbitBus
from shared.messaging.topology import Topology
from tests.harness.broker import Broker
from tests.harness.buses import raw
from tests.harness.buses import running as bus_running
from tests.harness.mongo import Mongo
from tests.harness.network import SERVICES, STORY, Network
from tests.harness.waiting import until

LONGEST = 300.0
DUE = {"outbox_due": {"$exists": True}}
# A message under way is in no queue: what is empty once may not be empty a little later.
LOOKS = 4
# The tests' own, so that crashes are over soon: here everything is as the services have it.
OF_TESTS = ("RELAY_LEASE", "RELAY_SLOWEST", "RETRY_DELAYS", "AUDIT_LEASE")


class AsDeployed(Network):
    """The four services with the settings they come with. `urls` leads some to the store by
    another way."""

    def __init__(
        self, broker: Broker, store: Mongo, folder: Path, urls: Mapping[str, str] | None = None
    ) -> None:
        self._urls = urls or {}
        super().__init__(broker, store, f"b{secrets.token_hex(5)}.", folder)
        self.topology = Topology(prefix=self.prefix)

    def environment(self, name: str) -> dict[str, str]:
        settings = super().environment(name)
        kept = {key: value for key, value in settings.items() if key not in OF_TESTS}
        return {**kept, "MONGO_URL": self._urls.get(name, self.mongo.url)}


class Arrival(NamedTuple):
    """An event as it came here; `at` is of `time.perf_counter`."""

    event_id: str
    type: str
    at: float


class Watch:
    """Every event of the stream by the referral it is about."""

    def __init__(self) -> None:
        self._arrived: dict[str, dict[str, Arrival]] = defaultdict(dict)
        self.newest = Arrival("", "", 0.0)

    async def append(self, entries: list[Entry]) -> None:
        at = time.perf_counter()
        for entry in entries:
            self._note(entry.message, at)

    async def last_read(self) -> None:
        return None  # from the first event on

    def _note(self, message: Message, at: float) -> None:
        self.newest = Arrival(message.id, message.type, at)
        self._arrived[message.stream].setdefault(message.id, self.newest)  # it may come twice

    def of(self, referral_id: str) -> list[Arrival]:
        """What has happened to a referral so far, in the order of the stream."""
        return list(self._arrived[referral_id].values())

    def told(self, referral_id: str) -> bool:
        """Whether all has happened that must, to the last notification."""
        types = Counter(arrival.type for arrival in self.of(referral_id))
        matches = {"notification.created": types["referral.match_suspected"]}  # the Hub's
        return not (STORY + Counter(matches)) - types

    def last(self, referral_id: str, event_type: str | None = None) -> Arrival:
        """The newest event of a referral, or the newest of a type."""
        return [a for a in self.of(referral_id) if event_type in (None, a.type)][-1]

    def types(self, referral_ids: Collection[str]) -> Counter[str]:
        """How often each event happened to these referrals."""
        return Counter(a.type for referral_id in referral_ids for a in self.of(referral_id))


@dataclass(frozen=True)
class Followed:
    """A running network, and the watch on it."""

    network: Network
    watch: Watch
    channel: AbstractChannel

    async def told(self, referral_ids: Collection[str]) -> None:
        """Until the last notification of each of these has been written."""
        left = list(referral_ids)

        def none_left() -> bool:
            left[:] = [referral_id for referral_id in left if not self.watch.told(referral_id)]
            return not left

        try:
            await until(none_left, deadline=LONGEST, what="the whole story of every referral")
        except AssertionError:
            types = dict(self.watch.types(left[:1]))
            raise AssertionError(f"{len(left)} are not told in full; the first: {types}") from None

    async def sealed(self, event_id: str) -> float:
        """Until a checkpoint covers this event. Returns when that was seen."""
        trail = self.network.mongo_of("audit")

        async def place() -> dict[str, Any] | None:
            return await trail["entries"].find_one({"_id": event_id}, {"seq": 1})

        entry = await until(place, deadline=LONGEST, what="the event in the trail")
        assert entry is not None
        larger = {"_id": {"$gt": entry["seq"]}}

        async def covered() -> bool:
            return await trail["checkpoints"].find_one(larger, {"_id": 1}) is not None

        await until(covered, deadline=LONGEST, what="a checkpoint over it")
        return time.perf_counter()

    async def quiet(self) -> float:
        """Until every outbox and every queue is empty. Returns since when they were."""
        left: list[str] = []

        async def nothing_left() -> float:
            since = time.perf_counter()
            for _ in range(LOOKS):
                left[:] = await self._left()
                if left:
                    return 0.0
                await asyncio.sleep(0.25)
            return since

        try:
            return await until(nothing_left, deadline=LONGEST, what="empty outboxes and queues")
        except AssertionError as error:
            raise AssertionError(f"{error}; left: {left}") from None

    def warnings(self) -> Counter[str]:
        """What the services' logs complain of: mostly events that had to be tried again."""
        found: Counter[str] = Counter()
        for name, module in self.network.modules.items():
            for line in module.log.read_text("utf-8").splitlines():
                entry = json.loads(line) if line.startswith("{") else {}
                if entry.get("level") in ("warning", "error"):
                    parts = [
                        str(entry[key])
                        for key in ("event", "queue", "type", "error")
                        if key in entry
                    ]
                    found[f"{name}: {' '.join(parts).replace(self.network.prefix, '')}"] += 1
        return found

    async def _left(self) -> list[str]:
        left = []
        for name in SERVICES:
            database = self.network.mongo_of(name)
            for collection in await database.list_collection_names():
                if await database[collection].find_one(DUE, {"_id": 1}):
                    left.append(f"{name}.{collection}")
        topology = self.network.topology
        for queue in topology.arguments().keys() - {f"{topology.prefix}{topology.feed}"}:
            declared = await self.channel.declare_queue(queue, passive=True)
            if declared.declaration_result.message_count:
                left.append(queue)
        return left


@contextlib.asynccontextmanager
async def following(network: Network) -> AsyncIterator[Followed]:
    """Start the network with its sample data, and watch it; all is stopped after."""
    watch = Watch()

    async def probe() -> None:
        await network.mongo_of("audit").client.admin.command("ping")

    bus = RabbitBus(network.broker.url, "bench", probe, network.topology)
    bus.feed(Feed("audit", watch.append, watch.last_read))
    try:
        await network.start()
        await network.load_sample()
        async with bus_running(bus), await raw(network.broker.url) as connection:
            followed = Followed(network, watch, await connection.channel())
            await followed.quiet()
            yield followed
    finally:
        await network.stop()
