"""What one referral costs on its way through all four services: `make bench-way`.

Four real processes with the settings they come with, a private broker, the store of the tests, the
sample network. Every referral is about somebody else. Each phase has a network of its own:

calls   `CALLS` referrals one after the other, and proxies between the services and the store that
        count commands by kind. What is asked while nothing goes on is measured for `IDLE` seconds
        before and after, and taken off.
light   `LIGHT` referrals one after the other, without proxies: how long each step takes.
load    `REFERRALS` referrals by `CLIENTS` at once: how many a second, and the processor time.

`PHASES` says which. Latency of an event is until its arrival here from the broker's stream.
"""

import asyncio
import os
import platform
import random
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pymongo import AsyncMongoClient

from benchmarks.counting import Call, counting
from benchmarks.cpu import Meter
from benchmarks.following import AsDeployed, Followed, following
from benchmarks.synthetic import MOST, young_people
from benchmarks.way_tables import (
    asked,
    call_table,
    cpu_table,
    event_line,
    growth_line,
    latency_table,
    say,
    warning_lines,
)
from shared.operating.telemetry import set_up
from tests.harness.broker import Broker
from tests.harness.broker import choose as choose_broker
from tests.harness.mongo import Mongo
from tests.harness.mongo import choose as choose_store
from tests.harness.network import SERVICES

SEED = int(os.environ.get("SEED", "1"))
IDLE = float(os.environ.get("IDLE", "20"))
CALLS = int(os.environ.get("CALLS", "40"))
LIGHT = int(os.environ.get("LIGHT", "40"))
REFERRALS = int(os.environ.get("REFERRALS", "200"))
CLIENTS = int(os.environ.get("CLIENTS", "16"))
PHASES = os.environ.get("PHASES", "calls,light,load").split(",")

STEPS = {
    "allocated": "allocation.made",
    "referral says allocated": "referral.status_changed",
    "last notification": "notification.created",
}


class Place(NamedTuple):
    """What a phase runs on."""

    broker: Broker
    store: Mongo
    folder: Path


class Posts:
    """Posts the school's referrals and remembers when each was asked, answered and sealed."""

    def __init__(self, followed: Followed) -> None:
        self.followed, self._people = followed, enumerate(young_people(SEED), 1)
        self.asked: dict[str, float] = {}
        self.answered: dict[str, float] = {}
        self.sealed: dict[str, float] = {}

    async def one(self) -> str:
        """Post the next one. Returns its id once it was answered with 201."""
        number, subject = next(self._people)
        began = time.perf_counter()
        answer = await self.followed.network.refer(f"BENCH-{number}", subject=subject)
        ended = time.perf_counter()
        assert answer.status_code == 201, answer.text
        referral_id = str(answer.json()["id"])
        self.asked[referral_id], self.answered[referral_id] = began, ended
        return referral_id

    async def to_the_end(self) -> None:
        """Post the next one and follow it until it is sealed."""
        referral_id = await self.one()
        await self.followed.told([referral_id])
        last = self.followed.watch.last(referral_id)
        self.sealed[referral_id] = await self.followed.sealed(last.event_id)

    def report(self) -> None:
        """The events of these referrals, and how long it was from the request to each step."""
        watch = self.followed.watch
        rows = {"answered with 201": self._since(self.answered)}
        for label, event_type in STEPS.items():
            rows[label] = self._since({r: watch.last(r, event_type).at for r in self.asked})
        rows["sealed"] = self._since(self.sealed)
        latency_table({label: took for label, took in rows.items() if took})
        event_line(watch.types(self.asked), len(self.asked))
        warning_lines(self.followed.warnings())

    def _since(self, reached: dict[str, float]) -> list[float]:
        return [at - self.asked[referral_id] for referral_id, at in reached.items()]


async def calls(place: Place) -> None:
    """How often each service asks the store, idle and for a referral."""
    async with counting(SERVICES, place.store.url) as (urls, seen):
        async with following(AsDeployed(*place, urls)) as followed:
            posts, before = Posts(followed), await idle_calls(seen)
            start, marks = Counter(seen), [(time.perf_counter(), asked(seen))]
            for _ in range(CALLS):
                await posts.to_the_end()
                marks.append((time.perf_counter(), asked(seen)))
            await followed.quiet()
            took, all_of_it = time.perf_counter() - marks[0][0], seen - start
            after = await idle_calls(seen)
        types, warnings = followed.watch.types(posts.asked), followed.warnings()
    idle = {call: (before.get(call, 0) + after.get(call, 0)) / 2 for call in seen}
    each = {call: (all_of_it[call] - idle[call] * took) / CALLS for call in seen}
    say(f"\n## Store calls a second while nothing goes on ({IDLE:g} s before and after)\n")
    call_table(idle)
    say(f"before the referrals {asked(before):.1f} a second, after them {asked(after):.1f}")
    say(f"\n## Store calls for one referral ({CALLS} in {took:.0f} s, idle calls taken off)\n")
    call_table(each)
    event_line(types, CALLS)
    warning_lines(warnings)
    growth_line(marks, asked(idle))
    say("\nThe same by collection:\n")
    call_table(each, by_collection=True)


async def idle_calls(seen: "Counter[Call]") -> dict[Call, float]:
    """Calls a second while nothing goes on, of every sort there was so far."""
    start, began = Counter(seen), time.perf_counter()
    await asyncio.sleep(IDLE)
    took = time.perf_counter() - began
    return {call: (n - start[call]) / took for call, n in seen.items()}


async def light(place: Place) -> None:
    """How long one referral takes that has the network to itself."""
    chance = random.Random(SEED)
    async with following(AsDeployed(*place)) as followed:
        posts = Posts(followed)
        for _ in range(LIGHT):
            # Else each would be posted just after a checkpoint was signed, and wait longest for its own.
            await asyncio.sleep(chance.uniform(0.5, 1.5))
            await posts.to_the_end()
        say("\n## Milliseconds from the request, one referral at a time\n")
        posts.report()


async def load(place: Place) -> None:
    """How many referrals a second, and what they take of the processor."""
    async with following(AsDeployed(*place)) as followed:
        posts, meter = Posts(followed), Meter(followed.network)
        await meter.add(place.store, place.broker)
        idle = await idle_cpu(meter)
        start, began = meter.read(), time.perf_counter()
        turns = iter(range(REFERRALS))
        await asyncio.gather(*(client(posts, turns) for _ in range(CLIENTS)))
        posted = time.perf_counter() - began
        await followed.told(posts.asked)
        sealed = await followed.sealed(followed.watch.newest.event_id)
        took, end = time.perf_counter() - began, meter.read()
        done = max(sealed, await followed.quiet()) - began
        say(f"\n## {REFERRALS} referrals by {CLIENTS} clients at once\n")
        say(f"posted in {posted:.1f} s: {REFERRALS / posted:.1f} a second")
        say(f"all done and sealed in {done:.1f} s: {REFERRALS / done:.1f} a second\n")
        posts.report()
    say("\nMilliseconds of processor time:\n")
    cpu_table(idle, {name: end[name] - start[name] for name in end}, took, REFERRALS)


async def client(posts: Posts, turns: Iterator[int]) -> None:
    """Post one after the other while it is anybody's turn."""
    for _ in turns:
        await posts.one()


async def idle_cpu(meter: Meter) -> dict[str, float]:
    """Milliseconds a second while nothing goes on."""
    start, began = meter.read(), time.perf_counter()
    await asyncio.sleep(IDLE)
    took = time.perf_counter() - began
    return {name: (ms - start[name]) / took for name, ms in meter.read().items()}


async def head(place: Place) -> None:
    """What was measured on what."""
    async with AsyncMongoClient[dict[str, Any]](place.store.url) as client:
        built = await client.server_info()
    store = f"{place.store.describe} {built.get('secantusVersion', built['version'])}"
    say(f"Python {platform.python_version()}; {place.broker.describe}; {store}")
    say(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; seed {SEED}")


PHASE: dict[str, Callable[[Place], Awaitable[None]]] = {
    "calls": calls,
    "light": light,
    "load": load,
}


async def main() -> None:
    set_up("bench", "WARNING")
    assert max(CALLS, LIGHT, REFERRALS) <= MOST, f"there are {MOST} young people"
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        broker, store = choose_broker(folder / "broker"), choose_store(folder / "store")
        try:
            await asyncio.gather(broker.start(), store.start())
            await head(Place(broker, store, folder))
            for name in PHASES:
                await PHASE[name](Place(broker, store, folder / name))
        finally:
            await store.stop()
            await broker.stop()


if __name__ == "__main__":
    asyncio.run(main())
