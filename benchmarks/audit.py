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
from pathlib import Path
from typing import Any

from pymongo import ASCENDING
from pymongo.asynchronous.collection import AsyncCollection

from services.audit.domain.leaf import leaf_of
from services.audit.domain.records import Export
from services.audit.domain.tiles import unpack_bundle
from services.audit.domain.tree import consistency_ranges, inclusion_ranges
from services.audit.exporter import files_of, tar_of
from services.audit.store import tile_id
from services.audit.verify.exported import check_export
from services.audit.verify.sources import keys_of, source_of
from services.embedded import document_store
from shared.clock import now
from shared.ids import new_id
from shared.runner import mongo
from shared.store import Database
from tests.harness.trails import OneTrail, body, writer

SIZES = [int(s) for s in os.environ.get("SIZES", "10000,100000,1000000").split(",")]
BATCH = 256
RATE_OVER = int(os.environ.get("RATE_OVER", "20000"))
APPEND_UP_TO = int(os.environ.get("APPEND_UP_TO", "100000"))
FILL = 1024
PROOFS = 40
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
    await indexed.create_index("fields.at")
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


async def grow(trail: OneTrail, start: int, stop: int) -> None:
    """On to `stop` entries and signed: as the feed would up to APPEND_UP_TO, then filled in."""
    appended = min(stop, APPEND_UP_TO)
    for first in range(start, appended, BATCH):
        await trail.append(*(event(n) for n in range(first, min(appended, first + BATCH))))
    if appended < stop:
        await fill(trail, max(start, appended), stop)
    await trail.sign()


async def fill(trail: OneTrail, start: int, stop: int) -> None:
    """Entries and tiles as they would be, written straight into the store without search fields."""
    store, at = trail.parts.trail, now()
    edge = await store.edge(start)
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
    await store.states.update_one({}, {"$set": {"size": stop, "root": edge.root(), "holder": None}})


async def proofs(database: Database, size: int) -> tuple[float, float]:
    """Median milliseconds of a cold inclusion and consistency proof: a fresh reader each time."""
    inclusion, consistency = [], []
    for _ in range(PROOFS):
        cold = writer(database).parts.trail
        seq, first = random.randrange(size), random.randrange(1, size)
        started = time.perf_counter()
        await cold.proof([*inclusion_ranges(seq, size), (0, size)], size)
        inclusion.append(time.perf_counter() - started)
        started = time.perf_counter()
        await cold.proof(consistency_ranges(first, size), size)
        consistency.append(time.perf_counter() - started)
    return statistics.median(inclusion) * 1000, statistics.median(consistency) * 1000


def pymerkle_proof(size: int) -> float:
    """Median milliseconds of pymerkle's inclusion proof at a size, from SQLite."""
    from pymerkle import SqliteTree

    with tempfile.TemporaryDirectory() as folder, SqliteTree(str(Path(folder) / "t.db")) as tree:
        for start in range(0, size, 10_000):
            stop = min(size, start + 10_000)
            tree.append_entries([f"leaf {n}".encode() for n in range(start, stop)], 10_000)
        took = []
        for _ in range(PYMERKLE_PROOFS):
            started = time.perf_counter()
            tree.prove_inclusion(random.randrange(1, size + 1), size)
            took.append(time.perf_counter() - started)
        return statistics.median(took) * 1000


async def restart(database: Database) -> float:
    """Milliseconds until a new process could append: lease, checks, right edge."""
    await database["state"].update_one({}, {"$set": {"holder": None}})
    fresh = writer(database)
    started = time.perf_counter()
    await fresh.parts.sequencer.last_offset()
    return (time.perf_counter() - started) * 1000


async def verification(trail: OneTrail, size: int, folder: Path) -> None:
    """Verifying a full export against the bare cost of hashing the same bytes."""
    export = Export(
        id=new_id("exp"),
        asked_by="auditor:bench",
        purpose="bench",
        asked_at=now(),
        size=size,
        filter={},
    )
    path = folder / f"{size}.tar"
    with path.open("wb") as tar:
        async for piece in tar_of(files_of(trail.parts.trail, trail.parts.ring, export)):
            tar.write(piece)
    source = source_of(path)
    bundles = [source.read(n) or b"" for n in source.names() if n.startswith("tile/entries/")]
    leaves = [leaf for raw in bundles for leaf in unpack_bundle(raw)]
    assert len(leaves) == size
    started = time.perf_counter()
    for leaf in leaves:
        hashlib.sha256(leaf).digest()
    bare = time.perf_counter() - started
    del leaves, bundles
    started = time.perf_counter()
    check_export(source_of(path), keys_of([trail.key], []), None)
    ours = time.perf_counter() - started
    say(
        f"verify an export of {size:,}: {ours:.2f} s ({path.stat().st_size / 1e6:,.0f} MB); "
        f"bare hashing {bare:.2f} s; {ours / bare:.1f} times"
    )
    path.unlink()


@contextlib.asynccontextmanager
async def a_store(folder: Path) -> AsyncIterator[str]:
    """The one of MONGO_URL, or the embedded one."""
    # A given store keeps our databases (`bench_…`): dropping a large one can outlast the socket.
    if url := os.environ.get("MONGO_URL"):
        yield url
        return
    async with document_store(folder / "store") as url:
        yield url


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
            before = 0
            for size in SIZES:
                started = time.perf_counter()
                await grow(trail, before, size)
                grew = (size - before) / (time.perf_counter() - started)
                inclusion, consistency = await proofs(database, size)
                took = await restart(database)
                trail = writer(database)
                await database["state"].update_one({}, {"$set": {"holder": None}})
                memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
                say(
                    f"{size:>9,}: inclusion {inclusion:.1f} ms, consistency {consistency:.1f} ms, "
                    f"restart {took:.0f} ms, appended at {grew:,.0f}/s, peak memory {memory:.0f} MB"
                )
                with contextlib.suppress(ImportError):
                    theirs = pymerkle_proof(size)
                    say(
                        f"{'pymerkle':>9}: inclusion {theirs:.1f} ms ({theirs / inclusion:.0f} times)"
                    )
                before = size
            for size in SIZES[-1:]:
                await verification(trail, size, folder)


if __name__ == "__main__":
    say(json.dumps({"sizes": SIZES}))
    asyncio.run(main())
