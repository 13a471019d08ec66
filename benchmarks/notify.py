"""Whom a hostile endpoint slows, and what a thousand endpoints weigh: `make bench-notify`.

Notify is a process of its own, on the broker and store of the tests. The endpoints are here, on
loopback. Every condition begins with a fresh process and a fresh database.

Latency is from `created_at` in the body of a call to its arrival. The same deliveries to the same
well-behaved endpoints are made three times: alone, beside as many other well-behaved ones, and
beside as many hostile ones. What hostility costs is the third against the second; the second
against the first is what more work costs, whoever it is for.
"""

import asyncio
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from shared.clock import now
from tests.harness.broker import Broker
from tests.harness.broker import choose as choose_broker
from tests.harness.hostile import WAYS, Hostile
from tests.harness.mongo import Mongo
from tests.harness.mongo import choose as choose_store
from tests.harness.network import Network, running
from tests.harness.processes import free_port
from tests.harness.publisher import publishing
from tests.harness.receiver import receiving_as
from tests.harness.waiting import until
from tests.service.notifying import Hands, Told, consent, event_of, referral, stores_on

GOOD = int(os.environ.get("GOOD", "10"))
EACH = int(os.environ.get("EACH", "3"))
REFERRALS = int(os.environ.get("REFERRALS", "60"))
PAUSE = float(os.environ.get("PAUSE", "2"))
ROUNDS = int(os.environ.get("ROUNDS", "1"))
ENDPOINTS = [int(n) for n in os.environ.get("ENDPOINTS", "10,100,1000").split(",")]
LONGEST = 900.0


@dataclass
class Timed(Hostile):
    """Notes how long each notification took to arrive."""

    took: list[float] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.match_info.get("name", "").startswith("well"):
            body = json.loads(await request.read())
            created = datetime.fromisoformat(body["created_at"])
            self.took.append((datetime.now(UTC) - created).total_seconds())
        return await super().answer(request)


@asynccontextmanager
async def notify(broker: Broker, store: Mongo, folder: Path) -> AsyncIterator[tuple[Network, Told]]:
    """One process of notify, and what it knows, to be written into its database."""
    async with running(broker, store, folder, ["notify"]) as network:
        told = Told(stores_on(network.mongo_of("notify"), now), Hands(now()))
        yield network, told


async def know(told: Told, receiver: Timed, names: Sequence[str]) -> None:
    """Agencies with an agreement, consent, and a verified webhook each."""
    await told.network(*names)
    await told.says(consent())
    down = f"http://127.0.0.1:{free_port()}/hook"
    for name in names:
        await told.subscribed(name, url=down if name.startswith("down") else receiver.at(name))
    # Only the deliveries are measured, not the telling of how we got here.
    nothing = {"$set": {"outbox": []}, "$unset": {"outbox_due": ""}}
    await told.stores.subscriptions.collection.update_many({}, nothing)


async def refer(network: Network, count: int, pause: float) -> None:
    """So many referrals by the school, with a pause after each."""
    async with publishing(network) as bus:
        for number in range(count):
            name = f"ref_{number}"
            await bus.publish(event_of("referral.received", name, 1, **referral(name)))
            await asyncio.sleep(pause)


async def latencies(
    broker: Broker, store: Mongo, folder: Path, beside: Sequence[str]
) -> list[float]:
    """Seconds per delivery to the good endpoints, in ascending order."""
    async with receiving_as(Timed) as receiver, notify(broker, store, folder) as (network, told):
        await know(told, receiver, [*(f"well-{n}" for n in range(GOOD)), *beside])
        await refer(network, REFERRALS, PAUSE)
        expected = REFERRALS * GOOD
        await until(
            lambda: len(receiver.took) >= expected, deadline=LONGEST, what="the good endpoints"
        )
        receiver.release.set()
        return sorted(receiver.took)


async def weigh(broker: Broker, store: Mongo, folder: Path, endpoints: int) -> str:
    """One event to so many endpoints: the memory of the process before, and at its peak."""
    async with receiving_as(Timed) as receiver, notify(broker, store, folder) as (network, told):
        await know(told, receiver, [f"well-{n}" for n in range(endpoints)])
        pid = network.modules["notify"].pid
        before, started = memory_from_here(pid), time.monotonic()
        await refer(network, 1, 0)
        await until(lambda: len(receiver.took) >= endpoints, deadline=LONGEST, what="all of them")
        took = time.monotonic() - started
        await told_all(told)
        peak = memory(pid, "VmHWM")
    return f"{endpoints:>9,} {before:>9.1f} {peak:>9.1f} {peak - before:>9.1f} {took:>9.1f}"


async def told_all(told: Told) -> None:
    """Until no delivery and no event waits any more."""

    async def nothing_left() -> bool:
        stored = told.stores.notifications.collection
        waiting = {"$or": [{"webhook_due": {"$exists": True}}, {"outbox_due": {"$exists": True}}]}
        await asyncio.sleep(0.5)  # counting is work for the store too
        return await stored.count_documents(waiting) == 0

    await until(nothing_left, deadline=LONGEST, what="everything being over")


def memory_from_here(pid: int) -> float:
    """Megabytes now; and the peak counts from now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return memory(pid, "VmRSS")


def memory(pid: int, name: str) -> float:
    """Megabytes (Linux, proc_pid_status(5))."""
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    (line,) = [line for line in lines if line.startswith(f"{name}:")]
    return int(line.split()[1]) / 1024


def row(label: str, took: list[float]) -> str:
    high = took[int(len(took) * 0.95)]
    parts = (statistics.median(took), high, took[-1])
    return f"{label:<32} {len(took):>6} " + " ".join(f"{1000 * part:>9.0f}" for part in parts)


def ratio(label: str, slow: list[float], fast: list[float]) -> str:
    of_medians = statistics.median(slow) / statistics.median(fast)
    return f"{label:<32} median {of_medians:.2f}, max {slow[-1] / fast[-1]:.2f}"


async def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        broker, store = choose_broker(folder / "broker"), choose_store(folder / "store")
        await asyncio.gather(broker.start(), store.start())
        try:
            print(
                f"{broker.describe}; {store.describe}; Python {platform.python_version()}; ", end=""
            )
            print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", flush=True)
            if REFERRALS:
                await compare(broker, store, folder)
            if ENDPOINTS:
                print(f"\n{'endpoints':>9} {'MB before':>9} {'MB peak':>9} {'grown':>9} {'s':>9}")
                for number in ENDPOINTS:
                    print(await weigh(broker, store, folder / f"m{number}", number), flush=True)
        finally:
            await store.stop()
            await broker.stop()


async def compare(broker: Broker, store: Mongo, folder: Path) -> None:
    """The same deliveries under the three conditions, round by round, and their ratios."""
    ways = (*WAYS, "down")
    beside = {
        "alone": [],
        "beside well-behaved ones": [f"other-{n}" for n in range(EACH * len(ways))],
        "beside hostile ones": [f"{way}-{n}" for way in ways for n in range(EACH)],
    }
    took: dict[str, list[float]] = {label: [] for label in beside}
    print(f"{REFERRALS} referrals, one every {PAUSE} s, to {GOOD} good endpoints ", end="")
    print(f"beside {EACH * len(ways)} others ({', '.join(ways)}); {ROUNDS} rounds; milliseconds")
    print(f"{'':<32} {'count':>6} {'median':>9} {'p95':>9} {'max':>9}", flush=True)
    for number in range(ROUNDS):
        for label, names in beside.items():
            found = await latencies(broker, store, folder / f"{number}{label[-9:]}", names)
            took[label] = sorted([*took[label], *found])
            print(row(label, found), flush=True)
    alone, well, hostile = took.values()
    print(ratio("hostile against alone", hostile, alone))
    print(ratio("hostile against well-behaved", hostile, well))
    print(ratio("well-behaved against alone", well, alone))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
