"""Many allocation processes on one broker and store, referrals for them, and what must hold."""

import asyncio
import contextlib
import json
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import ConnectionFailure

from services.allocation.domain.allocations import HELD, Allocation
from services.allocation.domain.capacity import hard_cap, register_worker
from services.allocation.domain.choice import replay
from services.allocation.domain.hubs import HubEntry, register_hub
from services.allocation.domain.workers import Worker, WorkerEntry
from services.allocation.store import Desk
from services.embedded import AUDIENCE, ISSUER, Keys
from shared.bus import Entry, Feed, Message
from shared.bus.rabbit import RabbitBus
from shared.bus.topology import QUEUES, Topology
from shared.clock import now
from shared.events import Event
from shared.events.referral import Concern, ReferralReceived
from shared.ids import derived_id
from shared.origin import Origin
from shared.relay import Relay
from shared.runner import Platform, mongo
from tests.harness.broker import Broker, settle
from tests.harness.buses import delete, depth, running
from tests.harness.mongo import Mongo
from tests.harness.processes import Module
from tests.harness.waiting import until

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

    async def last_offset(self) -> int | None:
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
    """So many processes of the allocation service, and the desk they all write to."""

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
            "CLOCK_EVERY": "2",
            "AUTH_JWKS": str(keys.jwks),
            "AUTH_ISSUER": ISSUER,
            "AUTH_AUDIENCE": AUDIENCE,
            "LOG_LEVEL": "WARNING",
        }
        self.modules = [
            Module("services.allocation", environment, folder) for _ in range(processes)
        ]
        self.client: AsyncMongoClient[Any] = mongo(store.url)
        self.bus = RabbitBus(broker.url, "test", self._probe, self.topology)
        self.watch = Watch()
        self.bus.feed(Feed("audit", self.watch.append, self.watch.last_offset))
        # This relay never runs: what the test writes itself is published by the services.
        relay = Relay("allocation", self.bus, lease=0)
        self.desk = Desk.on(Platform(self.client[self.database], relay), policy())
        self.kills = 0

    async def _probe(self) -> None:
        await self.client.admin.command("ping")

    async def start(self) -> None:
        await asyncio.gather(*(module.start_ready(60) for module in self.modules))
        if self.broker.ours:
            await settle(self.broker)

    async def stop(self) -> None:
        for module in self.modules:
            module.kill()
        with contextlib.suppress(ConnectionFailure):  # after a big run this takes the store long
            await self.client.drop_database(self.database)
        await self.client.close()
        names = (self.topology.events, self.topology.retry, self.topology.dead)
        await delete(self.broker.url, self.topology.arguments(), names)

    async def staff(self, workers: int, cap: int, random_: random.Random) -> None:
        """A Hub with so many workers, each for two of three areas."""
        at = now()
        hub, event = register_hub(HUB, HubEntry(name="Load Hub", areas=AREAS))
        await self.desk.hubs.add(hub, event, by=SOMEONE)
        for number in range(workers):
            entry = WorkerEntry(
                hub_id=HUB,
                worker_role=random_.choice(["hub_worker", "spoke_worker"]),
                areas=tuple(random_.sample(AREAS, 2)),
                host_setting=random_.choice(["hub", "police", "school"]),
                cap=cap,
            )
            worker, made, due = register_worker(f"wk_{number:03}", entry, hub, at)
            await self.desk.workers.add(worker, made, by=SOMEONE, due=due)

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
            async for document in self.desk.workers.collection.find({}, {"outbox": 0}):
                worker = Worker.model_validate({**document, "id": document["_id"]})
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
            stored = await self.desk.allocations.collection.estimated_document_count()
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
        desk = self.desk
        for store in (desk.allocations, desk.workers, desk.subjects):
            if await store.collection.find_one({"outbox_due": {"$exists": True}}, {"_id": 1}):
                return ["outbox"]
        for queue in (queue for queue in QUEUES if queue.startswith("allocation.")):
            names = [self.prefix + queue, f"{self.prefix}{queue}.dead"]
            names += [self.topology.retry_queue(queue, level) for level in (1, 2, 3)]
            for name in names:
                if await depth(self.broker.url, name):
                    return [name]
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


async def check(desk: Desk, referral_ids: list[str]) -> Counter[str]:
    """What must hold when all is quiet. Returns how many allocations are in which state."""
    allocations: dict[str, Allocation] = {}
    async for document in desk.allocations.collection.find({}, {"outbox": 0}):
        allocation = Allocation.model_validate({**document, "id": document["_id"]})
        allocations[allocation.id] = allocation
        for decision in await desk.decided(allocation):
            assert replay(decision) == decision, f"{allocation.id} replays differently"
    workers = await desk.workers.find({}, limit=100_000)
    held: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for worker in workers:
        assert worker.caseload <= hard_cap(worker, now()), f"{worker.id} is above the cap"
        for case in worker.cases:
            held[case.referral_id].append((worker.id, case.weight))

    assert set(allocations) == set(referral_ids), "lost, or made up"
    for allocation in allocations.values():
        mine = [(allocation.worker_id, allocation.weight)] if allocation.status in HELD else []
        assert held[allocation.id] == mine, f"{allocation.id}: {held[allocation.id]} for {mine}"
    open_ = [a for a in allocations.values() if a.status in HELD]
    assert sum(w.caseload for w in workers) == sum(a.weight for a in open_)
    return Counter(allocation.status for allocation in allocations.values())


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
    from services.allocation.domain.policy import load_policy

    return load_policy(DEFAULT_POLICY.read_text("utf-8"))


def _referral(number: int, random_: random.Random) -> Message:
    referral_id, at = derived_id("ref", "load", str(number)), now()
    agency_id = f"ag_{random_.randrange(20)}"
    concerns = tuple(
        Concern(code=code, recency="current", agency_id=agency_id, reported_at=at)
        for code in random_.sample(CODES, random_.randrange(4))
    )
    data = ReferralReceived(
        referral_id=referral_id,
        # Several referrals about one young person, now and then.
        subject_id=derived_id("sub", str(random_.randrange(10 * number + 10) // 12)),
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
