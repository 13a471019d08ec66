"""How long one allocation takes, by how much is in the database: `make bench-allocation`.

Measures the handler of `referral.received` alone (risk, decision, reservation, allocation) on the
store of the tests, one after the other. What is there: workers in Hubs of ten, past allocations
of other young people. The last line puts all workers into one Hub, which no Hub is like.
"""

import asyncio
import os
import random
import statistics
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from services.allocation.app import DEFAULT_POLICY
from services.allocation.caseload.capacity import register_worker
from services.allocation.caseload.worker import WorkerEntry
from services.allocation.handlers import handlers
from services.allocation.hubs.hub import Hub, HubEntry, register_hub
from services.allocation.risk.policy_file import load_policy
from services.allocation.store import Stores
from shared.clock import now
from shared.ids import derived_id
from shared.messaging.memory import MemoryBus
from shared.messaging.relay import Relay
from shared.operating.runner import Platform, mongo
from shared.storage.store import Database
from tests.harness.mongo import choose
from tests.harness.room import a_referral

SEED = int(os.environ.get("SEED", "1"))
SIZES = [int(n) for n in os.environ.get("WORKERS", "10,100,1000,10000").split(",")]
PAST = int(os.environ.get("PAST", "100000"))
REFERRALS = int(os.environ.get("REFERRALS", "100"))
PER_HUB = 10
CODES = ("missing_episodes", "older_partner", "staying_out_late", "drug_use")


async def _nothing() -> None:
    """The store answers."""


def stores_on(database: Database) -> Stores:
    """A stores whose events nobody publishes: only the work itself is measured."""
    bus = MemoryBus(database["dead"], _nothing)
    return Stores.on(Platform(database, Relay("allocation", bus)), load_policy(DEFAULT_POLICY))


async def staff(stores: Stores, count: int, per_hub: int) -> list[str]:
    """So many workers; returns the areas, one per Hub."""
    areas: list[str] = []
    documents: list[dict[str, Any]] = []
    for number in range(-(-count // per_hub)):
        area, hub_id = f"area_{number}", f"hub_{number}"
        areas.append(area)
        hub, _ = register_hub(hub_id, HubEntry(name="Bench Hub", areas=(area,)))
        await stores.hubs.collection.insert_one(_document(hub))
        size = min(per_hub, count - number * per_hub)
        documents += [_worker(hub, area, number * per_hub + n) for n in range(size)]
        if len(documents) > 500:
            await stores.workers.collection.insert_many(documents)
            documents = []
    if documents:
        await stores.workers.collection.insert_many(documents)
    return areas


def _worker(hub: Hub, area: str, number: int) -> dict[str, Any]:
    entry = WorkerEntry(
        hub_id=hub.id, worker_role="hub_worker", areas=(area,), host_setting="hub", cap=1000
    )
    worker, _ = register_worker(f"wk_{number:06}", entry, hub, now())
    due = {name: at for name, at in worker.timers().items() if at is not None}
    return {**_document(worker), **due}


def _document(record: Any) -> dict[str, Any]:
    return {**record.model_dump(exclude={"id"}), "_id": record.id, "version": 1, "outbox": []}


async def remember(stores: Stores, count: int) -> None:
    """Closed allocations of the past, of other young people, without their decisions."""
    at = now() - timedelta(days=200)
    for start in range(0, count, 500):
        await stores.allocations.collection.insert_many(
            [
                {
                    "_id": derived_id("ref", "past", str(number)),
                    "version": 3,
                    "outbox": [],
                    "subject_id": f"sub_past_{number // 2}",
                    "hub_id": f"hub_{number % 1000}",
                    "status": "closed",
                    "worker_id": None,
                    "workers_before": [f"wk_{number % 10000:06}"],
                    "received_at": at,
                    "closed_at": at,
                    "level_rank": 1,
                    "urgency_rank": 1,
                }
                for number in range(start, min(count, start + 500))
            ]
        )


async def measure(stores: Stores, areas: list[str], label: str) -> list[float]:
    """Milliseconds per referral."""
    random_ = random.Random(SEED)
    on_referrals = handlers(stores)["allocation.referrals"]
    (handle,) = (one.handle for one in on_referrals if one.type == "referral.received")
    took = []
    for number in range(REFERRALS + 10):
        codes = random_.sample(CODES, random_.randrange(4))
        event = a_referral(f"{label}/{number}", *codes, area=random_.choice(areas))
        started = time.perf_counter()
        await handle(event)
        took.append(1000 * (time.perf_counter() - started))
        found = await stores.allocations.get(event.subject)
        assert found.status == "offered", found.status
    return took[10:]


def line(label: str, took: list[float]) -> str:
    ordered = sorted(took)
    high = ordered[int(len(ordered) * 0.95)]
    return f"{label:<44} {statistics.median(took):8.1f} {high:8.1f} {max(took):8.1f}"


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = choose(Path(folder))
        await store.start()
        client = mongo(store.url)
        print(
            f"{store.describe}; seed {SEED}; {REFERRALS} referrals each; milliseconds", flush=True
        )
        print(f"{'in the database':<44} {'median':>8} {'p95':>8} {'max':>8}")
        cases = [(size, 0, PER_HUB) for size in SIZES]
        cases += [(SIZES[-1], PAST, PER_HUB), (SIZES[-1], 0, SIZES[-1])]
        for size, past, per_hub in cases:
            database = client[f"bench_{size}_{past}_{per_hub}"]
            stores = stores_on(database)
            await stores.prepare()
            areas = await staff(stores, size, per_hub)
            await remember(stores, past)
            one_hub = " in one Hub" if per_hub == size and size > PER_HUB else ""
            label = f"{size:,} workers{one_hub}, {past:,} past allocations"
            print(line(label, await measure(stores, areas, label)), flush=True)
        await client.close()
        await store.stop()


if __name__ == "__main__":
    asyncio.run(main())
