"""Many allocation processes on one broker and store, referrals for them, and what must hold."""

import asyncio
import contextlib
import json
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import ConnectionFailure

from allinone.embedded import AUDIENCE, ISSUER, Keys
from services.allocation.assignment.choice import replay
from services.allocation.caseload.capacity import hard_cap, register_worker
from services.allocation.caseload.worker import WorkerEntry
from services.allocation.hubs.hub import HubEntry, register_hub
from services.allocation.records import HELD, Allocation
from services.allocation.store import Stores
from shared.clock import now
from shared.events import Event
from shared.events.referral import Concern, ReferralReceived
from shared.ids import derived_id
from shared.messaging.bus import Entry, Feed, Message
from shared.messaging.rabbit import RabbitBus
from shared.messaging.relay import Relay
from shared.messaging.topology import QUEUES, Topology
from shared.operating.cancellation import raise_if_cancelled
from shared.operating.runner import Platform, mongo
from shared.origin import Origin
from tests.harness.broker import Broker
from tests.harness.buses import delete, depths, running
from tests.harness.mongo import Mongo
from tests.harness.processes import Module
from tests.harness.waiting import PATIENCE, until

HUB, AREAS = "hub_load", ("northtown", "westby", "eastham")
SOMEONE = Origin("operator:test", "operator")
CODES = ("missing_episodes", "older_partner", "staying_out_late", "drug_use", "images_shared")


@dataclass
class Watch:
    """Every event in the order of the broker's stream; and each breach of a cap, as it happens."""

    seen: dict[str, dict[str, Any]] = field(default_factory=dict)
    breaches: list[str] = field(default_factory=list)
    decided: set[str] = field(default_factory=set)

    async def append(self, entries: list[Entry]) -> None:
        for entry in entries:
            event = json.loads(entry.message.body)
            self.seen[event["id"]] = event
            data = event["data"]
            if event["type"] in ("allocation.made", "allocation.waiting"):
                self.decided.add(event["subject"])
            if event["type"] == "worker.caseload_changed" and data["caseload"] > data["cap"]:
                self.breaches.append(f"{data['worker_id']}: {data['caseload']} > {data['cap']}")

    async def last_read(self) -> None:
        return None

    def gaps(self) -> dict[str, list[int]]:
        """Records whose versions, as published, have a hole."""
        versions: dict[str, set[int]] = defaultdict(set)
        for event in self.seen.values():
            if event["source"] == "/services/allocation":
                versions[event["subject"]].add(event["version"])
        return {
            subject: sorted(known)
            for subject, known in versions.items()
            if known != set(range(1, max(known) + 1))
        }


class Allocators:
    """So many processes of the allocation service, and the stores they all write to."""

    def __init__(
        self, broker: Broker, store: Mongo, prefix: str, folder: Path, processes: int
    ) -> None:
        self.broker, self.store, self.prefix = broker, store, prefix
        self.topology = Topology(prefix=prefix, retry_delays=(0.3, 0.6, 1.0))
        self.database = f"test_{prefix.strip('.')}"
        keys = Keys(folder / "keys")
        environment = {
            "ENVIRONMENT": "development",
            "AMQP_URL": broker.url,
            "MONGO_URL": store.url,
            "MONGO_DATABASE": self.database,
            "BUS_PREFIX": prefix,
            "RETRY_DELAYS": json.dumps(self.topology.retry_delays),
            # Not shorter than what a store under all this load takes: the poller would publish
            # again what is under way, and make it slower still.
            "RELAY_LEASE": "10",
            "AUTH_JWKS": str(keys.jwks),
            "AUTH_ISSUER": ISSUER,
            "AUTH_AUDIENCE": AUDIENCE,
            "AUTH_ACCOUNT_KEY": keys.secret("auth_account", 32),
            "LOG_LEVEL": "WARNING",
        }
        self.modules = [
            Module("services.allocation", environment, folder) for _ in range(processes)
        ]
        self.client: AsyncMongoClient[Any] = mongo(store.url, PATIENCE)
        self.bus = RabbitBus(broker.url, "test", self._probe, self.topology)
        self.watch = Watch()
        self.bus.feed(Feed("audit", self.watch.append, self.watch.last_read))
        # This relay never runs: what the test writes itself is published by the services.
        relay = Relay("allocation", self.bus, lease=0)
        self.stores = Stores.on(Platform(self.client[self.database], relay), policy())
        self.kills = 0

    async def _probe(self) -> None:
        await self.client.admin.command("ping")

    async def start(self) -> None:
        await asyncio.gather(*(module.start_ready(60) for module in self.modules))

    async def stop(self) -> None:
        for module in self.modules:
            module.kill()
        with contextlib.suppress(ConnectionFailure):  # after a big run this takes the store long
            await self.client.drop_database(self.database)
        await self.client.close()
        names = self.topology.exchanges
        await delete(self.broker.url, self.topology.arguments(), names)

    async def staff(self, workers: int, cap: int, random_: random.Random) -> None:
        """A Hub with so many workers, each for two of three areas."""
        at = now()
        hub, event = register_hub(HUB, HubEntry(name="Load Hub", areas=AREAS))
        await self.stores.hubs.add(hub, event, by=SOMEONE)
        for number in range(workers):
            entry = WorkerEntry(
                hub_id=HUB,
                worker_role=random_.choice(["hub_worker", "spoke_worker"]),
                areas=tuple(random_.sample(AREAS, 2)),
                host_setting=random_.choice(["hub", "police", "school"]),
                cap=cap,
            )
            worker, made = register_worker(f"wk_{number:03}", entry, hub, at)
            await self.stores.workers.add(worker, made, by=SOMEONE)

    async def refer(self, count: int, random_: random.Random) -> list[str]:
        """Publish so many referrals, some of them twice; return their ids."""
        messages = [_referral(number, random_) for number in range(count)]
        for start in range(0, count, 50):
            some = messages[start : start + 50]
            await asyncio.gather(*(self.bus.publish(m) for m in some))
            again = random_.sample(some, len(some) // 10)
            await asyncio.gather(*(self.bus.publish(m) for m in again))
        return [message.subject for message in messages]

    async def kill_now_and_then(self, random_: random.Random, every: float) -> None:
        """SIGKILL a process soon and every few seconds, and start it again, until cancelled."""
        pause = 0.5
        while True:
            await asyncio.sleep(pause)  # pacing, not waiting
            pause = every * random_.uniform(0.5, 1.5)
            module = random_.choice(self.modules)
            module.kill()
            self.kills += 1
            module.start()

    async def look_at_caps(self) -> None:
        """Read all workers again and again, until cancelled, and note who is above the cap."""
        while True:
            raise_if_cancelled()
            for worker in await self.stores.workers.find({}, limit=100_000):
                if worker.caseload > hard_cap(worker, now()):
                    self.watch.breaches.append(f"{worker.id}: {worker.caseload}")
            await asyncio.sleep(0.5)  # every state in between is in the events

    async def all_up(self) -> None:
        """Until every process answers again."""
        await asyncio.gather(*(module.until_ready(60) for module in self.modules))

    async def decided(self, referrals: int, deadline: float) -> None:
        """Until so many referrals have an allocation."""

        # From the events, not the store: to ask it all the time would be most of its work.
        try:
            await until(lambda: len(self.watch.decided) >= referrals, deadline=deadline)
        except AssertionError:
            letters = [(d.queue, d.reason) for d in await self.bus.dead_letters()]
            stored = await self.stores.allocations.collection.estimated_document_count()
            tails = "\n".join(module.tail(8) for module in self.modules)
            raise AssertionError(
                f"{len(self.watch.decided)} of {referrals} decided, {stored} stored; "
                f"parked: {letters}\n{tails}"
            ) from None

    async def quiet(self, referrals: int, deadline: float) -> None:
        """Until every referral is decided on, and no outbox and no queue holds anything."""

        async def nothing_left() -> bool:
            # A message that is being handled is in no queue: look again a little later.
            for _ in range(4):
                await asyncio.sleep(0.25)
                if await self._left():
                    return False
            return True

        await self.decided(referrals, deadline)

        await until(nothing_left, deadline=deadline, what="all referrals being decided on")

    async def _left(self) -> list[str]:
        stores = self.stores
        for store in (stores.allocations, stores.workers, stores.subjects):
            if await store.collection.find_one({"outbox_due": {"$exists": True}}, {"_id": 1}):
                return ["outbox"]
        for queue in (queue for queue in QUEUES if queue.startswith("allocation.")):
            names = [self.prefix + queue, f"{self.prefix}{queue}.dead"]
            names += [self.topology.retry_queue(queue, level) for level in (1, 2, 3)]
            if any((await depths(self.broker.url, names)).values()):
                return [queue]
        if any((await depths(self.broker.url, self.topology.early_queues)).values()):
            return ["early"]
        return []


@asynccontextmanager
async def aside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Do this beside the block. Fails if it came to an end before the block did."""
    task = asyncio.create_task(work)
    try:
        yield
        assert not task.done(), f"it ended by itself: {task}"
    finally:
        task.cancel()
        await asyncio.wait({task})


async def check(stores: Stores, referral_ids: list[str]) -> Counter[str]:
    """What must hold when all is quiet. Returns how many allocations are in which state."""
    allocations: dict[str, Allocation] = {}
    for allocation in await stores.allocations.find({}, limit=100_000):
        allocations[allocation.id] = allocation
        for decision in await stores.decided(allocation):
            assert replay(decision) == decision, f"{allocation.id} replays differently"
    workers = await stores.workers.find({}, limit=100_000)
    held: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for worker in workers:
        assert worker.caseload <= hard_cap(worker, now()), f"{worker.id} is above the cap"
        for case in worker.cases:
            held[case.referral_id].append((worker.id, case.weight))

    assert set(allocations) == set(referral_ids), "lost, or made up"
    for allocation in allocations.values():
        mine = [(allocation.worker_id, allocation.weight)] if allocation.status in HELD else []
        assert held[allocation.id] == mine, f"{allocation.id}: {held[allocation.id]} for {mine}"
    one_worker(allocations.values())
    heaviest: dict[tuple[str | None, str], int] = defaultdict(int)
    for allocation in (a for a in allocations.values() if a.status in HELD):
        of_child = (allocation.worker_id, allocation.subject_id)
        heaviest[of_child] = max(heaviest[of_child], allocation.weight)
    assert sum(w.caseload for w in workers) == sum(heaviest.values())
    return Counter(allocation.status for allocation in allocations.values())


def one_worker(allocations: Iterable[Allocation]) -> None:
    """Nobody has two workers of one Hub for their open cases without the Hub being told."""
    of_child: dict[tuple[str, str | None], list[Allocation]] = defaultdict(list)
    for allocation in allocations:
        if allocation.status in HELD:
            of_child[allocation.subject_id, allocation.hub_id].append(allocation)
    for child, cases in of_child.items():
        workers = {case.worker_id for case in cases}
        told = any("two_workers" in case.flags for case in cases)
        assert len(workers) == 1 or told, f"{child} has {workers}, and nobody was told"


@asynccontextmanager
async def allocators(
    broker: Broker, store: Mongo, prefix: str, folder: Path, processes: int
) -> AsyncIterator[Allocators]:
    """The processes, started; killed and cleared away after."""
    made = Allocators(broker, store, prefix, folder, processes)
    try:
        await made.start()
        async with running(made.bus):
            yield made
    finally:
        await made.stop()


def policy() -> Any:
    """The default policy."""
    from services.allocation.app import DEFAULT_POLICY
    from services.allocation.risk.policy_file import load_policy

    return load_policy(DEFAULT_POLICY)


def _child(number: int, random_: random.Random) -> str:
    """Several referrals about one young person, now and then; of some four at once."""
    four = number // 4
    return f"four {four}" if four % 3 == 0 else str(random_.randrange(10 * number + 10) // 12)


def _referral(number: int, random_: random.Random) -> Message:
    referral_id, at = derived_id("ref", "load", str(number)), now()
    agency_id = f"ag_{random_.randrange(20)}"
    concerns = tuple(
        Concern(code=code, recency="current", agency_id=agency_id, reported_at=at)
        for code in random_.sample(CODES, random_.randrange(4))
    )
    data = ReferralReceived(
        referral_id=referral_id,
        subject_id=derived_id("sub", _child(number, random_)),
        agency_id=agency_id,
        urgency=random_.choice(["same_day", "one_working_day", "ten_working_days"]),
        received_at=at,
        due_at=at + timedelta(days=1),
        age_band="13_to_15",
        area=random_.choice(AREAS),
        concerns=concerns,
        settings_avoided=("police",) if random_.random() < 0.3 else (),
    )
    event = Event[ReferralReceived](
        id=derived_id("evt", referral_id),
        source="/services/referral",
        type="referral.received",
        subject=referral_id,
        time=at,
        dataschema="urn:hub-and-spoke:referral.received:1",
        correlationid=referral_id,
        version=1,
        actor=f"agency:{agency_id}",
        actorrole="agency",
        data=data,
    )
    return Message.of(event.body())
