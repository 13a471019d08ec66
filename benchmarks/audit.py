"""`make bench-audit`: the trail against bare inserts, pymerkle, and bare hashing, in one run.

Everything on one machine, one after the other, on the store that MONGO_URL names or the embedded
one. Sizes: `SIZES=10000,100000,1000000`. The figures of a run go to benchmarks/README.md by hand.
"""

import asyncio
import contextlib
import hashlib
import json
import os
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo import ASCENDING
from pymongo.asynchronous.collection import AsyncCollection

from allinone.embedded import document_store
from benchmarks.paging import PAGES_OF, paging
from services.audit.exports.export import Export
from services.audit.exports.files import files_of, tar_of
from services.audit.log.hashes import tile_id
from services.audit.log.leaf import leaf_of
from services.audit.log.tiles import unpack_bundle
from services.audit.log.tree import Range, consistency_ranges, inclusion_ranges
from services.audit.verify.exported import check_export
from services.audit.verify.signed import keys_of
from services.audit.verify.sources import source_of
from shared.clock import now
from shared.ids import new_id
from shared.operating.runner import mongo
from shared.storage.store import Database
from tests.harness.trails import OneTrail, body, writer

SIZES = [int(s) for s in os.environ.get("SIZES", "10000,100000,1000000").split(",")]
BATCH = 256
RATE_OVER = int(os.environ.get("RATE_OVER", "20000"))
APPEND_UP_TO = int(os.environ.get("APPEND_UP_TO", "100000"))
FILL = 1024
PROOFS = 200
RESTARTS = 5
WRITES = 2000
PYMERKLE_PROOFS = 3


def say(line: str) -> None:
    print(line, flush=True)


def event(number: int) -> bytes:
    """About 900 bytes, as the network's events are."""
    concerns = [
        {"code": "missing_episodes", "recency": "current", "agency_id": f"ag_{number % 40}"}
    ]
    return body(
        number,
        subject_id=f"sub_{number % 5000}",
        urgency="same_day",
        area="northtown",
        concerns=concerns * 3,
        settings_avoided=["police", "social_care"],
    )


async def rate(total: int, step: Callable[[int, int], Awaitable[None]]) -> float:
    """Events a second of `step(start, stop)` over `total` of them."""
    started = time.perf_counter()
    for start in range(0, total, BATCH):
        await step(start, min(total, start + BATCH))
    return total / (time.perf_counter() - started)


async def append_rates(database: Database) -> None:
    """(a) the trail, (b) bare inserts of the same documents, without and with the same indexes."""
    say(f"\n## Appending {RATE_OVER} events in batches of {BATCH}\n")
    bodies = [event(n) for n in range(RATE_OVER)]
    trail = writer(database)
    await trail.parts.prepare()
    ours = await rate(RATE_OVER, lambda a, b: trail.append(*bodies[a:b]))
    documents = [d async for d in trail.parts.trail.scan({}, RATE_OVER)]

    async def bare(collection: "AsyncCollection[dict[str, Any]]") -> float:
        async def step(start: int, stop: int) -> None:
            await collection.insert_many(documents[start:stop], ordered=True)

        return await rate(RATE_OVER, step)

    indexed = database["bare_indexed"]
    await indexed.create_index("seq", unique=True)
    await indexed.create_index([("fields.keys", ASCENDING), ("seq", ASCENDING)])
    plain, same = await bare(database["bare"]), await bare(indexed)
    say(f"trail (parse, canonical JSON, hash, tiles, state): {ours:,.0f} events/s")
    say(
        f"bare inserts, no index but _id:                   {plain:,.0f} events/s ({ours / plain:.2f})"
    )
    say(
        f"bare inserts, the same search indexes:            {same:,.0f} events/s ({ours / same:.2f})"
    )
    with contextlib.suppress(ImportError):
        say(
            f"pymerkle, SQLite:                                 {_pymerkle_rate(documents):,.0f} events/s"
        )


def _pymerkle_rate(documents: list[dict[str, Any]]) -> float:
    from pymerkle import SqliteTree

    with tempfile.TemporaryDirectory() as folder, SqliteTree(str(Path(folder) / "t.db")) as tree:
        started = time.perf_counter()
        for document in documents[:5000]:
            tree.append_entry(document["leaf"])
        return min(5000, len(documents)) / (time.perf_counter() - started)


async def grow(trail: OneTrail, stop: int) -> None:
    """On to `stop` entries and signed: as the feed would up to APPEND_UP_TO, then filled in."""
    start = (await trail.parts.trail.state())["size"]
    appended = min(stop, APPEND_UP_TO)
    for first in range(start, appended, BATCH):
        await trail.append(*(event(n) for n in range(first, min(appended, first + BATCH))))
    if appended < stop:
        await fill(trail, max(start, appended), stop)
    await trail.sign()


async def fill(trail: OneTrail, start: int, stop: int) -> None:
    """Entries and tiles as they would be, written straight into the store without search fields."""
    store, at = trail.parts.trail, now()
    edge = await store.tree.edge(start)
    for first in range(start, stop, FILL):
        leaves = [leaf_of(event(n), at) for n in range(first, min(stop, first + FILL))]
        documents = [
            {"_id": leaf.entry_id, "seq": seq, "leaf": leaf.raw, "leaf_hash": leaf.leaf_hash}
            for seq, leaf in enumerate(leaves, first)
        ]
        await store.entries.insert_many(documents, ordered=False)
        tiles = edge.push([leaf.leaf_hash for leaf in leaves])
        if tiles:
            await store.tiles.insert_many(
                [{"_id": tile_id(t.level, t.index), **vars(t)} for t in tiles]
            )
    moved = {"size": stop, "root": edge.root(), "edge": edge.packed(), "holder": None}
    await store.states.update_one({}, {"$set": moved})


@dataclass
class Took:
    """Seconds of the same thing, done several times."""

    seconds: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    def __str__(self) -> str:
        p95 = statistics.quantiles(self.seconds, n=20)[-1]
        return f"{self.median * 1000:.1f} ms (p95 {p95 * 1000:.1f})"


async def proofs(database: Database, size: int) -> tuple[Took, Took]:
    """Cold inclusion and consistency proofs: a reader each that remembers nothing, state and all."""

    async def cold(ranges: list[Range]) -> float:
        reader = writer(database).parts.trail
        started = time.perf_counter()
        await reader.tree.proof(ranges, size, await reader.state())
        return time.perf_counter() - started

    inclusion, consistency = Took([]), Took([])
    for _ in range(PROOFS):
        seq, first = random.randrange(size), random.randrange(1, size)
        inclusion.seconds.append(await cold([*inclusion_ranges(seq, size), (0, size)]))
        consistency.seconds.append(await cold(consistency_ranges(first, size)))
    return inclusion, consistency


def pymerkle_proof(size: int) -> Took:
    """pymerkle's inclusion proof at a size, from SQLite."""
    from pymerkle import SqliteTree

    with tempfile.TemporaryDirectory() as folder, SqliteTree(str(Path(folder) / "t.db")) as tree:
        for start in range(0, size, 10_000):
            stop = min(size, start + 10_000)
            tree.append_entries([f"leaf {n}".encode() for n in range(start, stop)], 10_000)
        took = Took([])
        for _ in range(PYMERKLE_PROOFS):
            started = time.perf_counter()
            tree.prove_inclusion(random.randrange(1, size + 1), size)
            took.seconds.append(time.perf_counter() - started)
        return took


async def restarts(database: Database) -> Took:
    """Until a new process could append: lease, checks, right edge from entries and tiles."""
    took = Took([])
    for _ in range(RESTARTS):
        await release(database)
        fresh = writer(database)
        started = time.perf_counter()
        await fresh.parts.sequencer.last_read()
        took.seconds.append(time.perf_counter() - started)
    await release(database)
    return took


async def release(database: Database) -> None:
    """As a writer does that stops in good order."""
    await database["state"].update_one({}, {"$set": {"holder": None}})


async def write_and_weigh(url: str, name: str) -> None:
    """What a process of its own does: take the lease, append WRITES events, sign, say its memory."""
    async with mongo(url) as client:
        trail = writer(client[name])
        await trail.parts.sequencer.last_read()
        await grow(trail, (await trail.parts.trail.state())["size"] + WRITES)
        await release(client[name])
    say(f"{_resident():.0f}")


def _resident() -> float:
    """Megabytes of this process in memory now, not at its peak (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


async def memory_of_a_writer(url: str, name: str) -> int:
    """Megabytes resident in a writer that has just appended at the present size."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.audit", url, name),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "APPEND_UP_TO": str(2**53)},
    )
    said, _ = await process.communicate()
    return int(said)


async def export_of(trail: OneTrail, size: int, path: Path) -> None:
    """A full export as it is fetched."""
    export = Export(
        id=new_id("exp"),
        asked_by="auditor:bench",
        purpose="bench",
        asked_at=now(),
        size=size,
        filter={},
    )
    with path.open("wb") as tar:
        async for piece in tar_of(files_of(trail.parts.trail, trail.parts.ring, export)):
            tar.write(piece)


def bare_hashing(path: Path, size: int) -> tuple[float, float]:
    """Wall and CPU seconds of SHA-256 over each leaf of an export, alone: they are in memory."""
    source = source_of(path)
    wall, cpu, count = 0.0, 0.0, 0
    for name in source.names():
        if name.startswith("tile/entries/"):
            leaves = unpack_bundle(source.read(name) or b"")
            count += len(leaves)
            started, began = time.perf_counter(), time.process_time()
            for leaf in leaves:
                hashlib.sha256(leaf).digest()
            wall, cpu = wall + time.perf_counter() - started, cpu + time.process_time() - began
    assert count == size
    return wall, cpu


def verified(path: Path, key: str) -> tuple[float, float]:
    """Wall and CPU seconds of all that `verify export` does: reading the tar, unpacking, hashing
    leaves, nodes and files, comparing tiles, checkpoints and digests."""
    started, began = time.perf_counter(), time.process_time()
    check_export(source_of(path), keys_of([key], []), None)
    return time.perf_counter() - started, time.process_time() - began


async def verification(trail: OneTrail, size: int, folder: Path) -> None:
    """Verifying a full export against the bare cost of hashing its leaves: the best of three each."""
    path = folder / f"{size}.tar"
    await export_of(trail, size, path)
    bare = _best([bare_hashing(path, size) for _ in range(3)])
    ours = _best([verified(path, trail.key) for _ in range(3)])
    megabytes = path.stat().st_size / 1e6
    path.unlink()
    say(f"\n## Verifying an export of {size:,} ({megabytes:,.0f} MB)\n")
    say(f"all of it, from the tar to the verdict: {ours[0]:.2f} s, CPU {ours[1]:.2f} s")
    say(f"hashing its leaves, in memory:          {bare[0]:.2f} s, CPU {bare[1]:.2f} s")
    say(f"times: {ours[0] / bare[0]:.1f}, CPU {ours[1] / bare[1]:.1f}")


def _best(runs: list[tuple[float, float]]) -> tuple[float, float]:
    return min(wall for wall, _ in runs), min(cpu for _, cpu in runs)


@contextlib.asynccontextmanager
async def a_store(folder: Path) -> AsyncIterator[str]:
    """The one of MONGO_URL, or the embedded one."""
    # A given store keeps our databases (`bench_…`): dropping a large one can outlast the socket.
    if url := os.environ.get("MONGO_URL"):
        yield url
        return
    async with document_store(folder / "store") as url:
        yield url


async def by_size(trail: OneTrail, url: str, name: str, size: int) -> None:
    """Everything that must not get worse as the trail grows. Leaves it WRITES entries larger."""
    before = (await trail.parts.trail.state())["size"]
    started = time.perf_counter()
    await grow(trail, size)
    grew = (size - before) / (time.perf_counter() - started)
    inclusion, consistency = await proofs(trail.database, size)
    restart = await restarts(trail.database)
    memory = await memory_of_a_writer(url, name)
    say(f"{size:>9,}: inclusion {inclusion}, consistency {consistency}, restart {restart}")
    say(f"{'':>9}  a writer's memory {memory} MB; grown to this size at {grew:,.0f}/s")
    with contextlib.suppress(ImportError):
        theirs = pymerkle_proof(size)
        times = theirs.median / inclusion.median
        say(f"{'pymerkle':>9}: inclusion {theirs.median * 1000:.1f} ms ({times:.0f} times)")


async def main() -> None:
    """One run."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        async with a_store(folder) as url, mongo(url) as client:
            what = "MONGO_URL" if os.environ.get("MONGO_URL") else "SecantusDB, synced to disk"
            say(
                f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {sys.version.split()[0]}, {what}"
            )
            name = f"bench_{os.getpid()}"
            await append_rates(client[f"{name}_rate"])
            database: Database = client[name]
            trail = writer(database)
            await trail.parts.prepare()
            say("\n## By size\n")
            for size in SIZES:
                await by_size(trail, url, name, size)
            await verification(trail, SIZES[-1], folder)
            await paging(client[f"{name}_paging"], PAGES_OF)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(write_and_weigh(*sys.argv[1:]))
    else:
        say(json.dumps({"sizes": SIZES}))
        asyncio.run(main())
