"""Pages of a filter, over HTTP as an auditor asks: what it matches may be all of the trail, half of it,
or what one young person has. Part of `make bench-audit`; alone: `python -m benchmarks.paging`.
"""

import asyncio
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx2
from fastapi import FastAPI

from services.audit.log.leaf import leaf_of
from services.audit.search import routes
from services.audit.search.fields import fields_of, search_of
from shared.clock import now
from shared.operating.runner import mongo
from shared.storage.store import Database
from shared.web.access import knowing, nobody
from shared.web.problems import install
from shared.web.tokens import Caller, caller
from tests.harness.mongo import choose
from tests.harness.trails import OneTrail, body, writer

PAGES_OF = int(os.environ.get("PAGES_OF", "100000"))
PAGES = 20
FILL = 1024
FILTERS = {
    "all of them": {"agency": "ag_school"},
    "half of them": {"type": "record.viewed", "agency": "ag_school"},
    "one in a hundred": {"worker": "wk_7", "type": "referral.received"},
    "twenty in all": {"subject_id": "sub_7"},
}


def event(number: int, of: int) -> bytes:
    """Every second a look, every hundredth by one worker, one young person in twenty entries."""
    data: dict[str, Any] = {"subject_id": f"sub_{number % (of // 20)}", "agency_id": "ag_school"}
    if number % 2:
        data |= {"type": "record.viewed", "actor": "agency:ag_school", "viewer_kind": "referrer"}
    elif number % 100 == 0:
        data |= {"actor": "worker:wk_7", "actorrole": "worker"}
    return body(number, **data)


async def filled(database: Database, of: int) -> OneTrail:
    """A sealed trail of so many entries, each with what it is found by."""
    trail = writer(database)
    await trail.parts.prepare()
    store, at, edge = trail.parts.trail, now(), await trail.parts.trail.tree.edge(0)
    for first in range(0, of, FILL):
        leaves = [leaf_of(event(n, of), at) for n in range(first, min(of, first + FILL))]
        documents = [
            {
                "_id": leaf.entry_id,
                "seq": seq,
                "leaf": leaf.raw,
                "leaf_hash": leaf.leaf_hash,
                "fields": search_of(fields_of(leaf.event)),
            }
            for seq, leaf in enumerate(leaves, first)
        ]
        await store.entries.insert_many(documents, ordered=False)
        await trail.parts.sequencer._writes.fill(edge.push([leaf.leaf_hash for leaf in leaves]))
    moved = {"size": of, "root": edge.root(), "edge": edge.packed(), "holder": None}
    await store.states.update_one({}, {"$set": moved})
    await trail.sign()
    return trail


def client(trail: OneTrail) -> httpx2.AsyncClient:
    """An auditor of this trail."""
    app = FastAPI()
    install(app)
    app.state.audit = trail.parts
    app.dependency_overrides[caller] = lambda: Caller("any", "auditor")
    app.include_router(routes.router, dependencies=[knowing(nobody)])
    transport = httpx2.ASGITransport(app=app)
    return httpx2.AsyncClient(transport=transport, base_url="http://trail.example")


async def page(
    http: httpx2.AsyncClient, where: dict[str, str], cursor: str
) -> tuple[float, str | None]:
    """Milliseconds of a page of 100, and the cursor of the next."""
    started = time.perf_counter()
    answer = await http.get("/v1/trail", params={**where, "cursor": cursor})
    took = (time.perf_counter() - started) * 1000
    following: str | None = answer.raise_for_status().json()["next"]
    return took, following


async def compared(http: httpx2.AsyncClient, where: dict[str, str], of: int) -> str:
    """Pages from the beginning and from the middle on, each beside one without a filter."""
    took, plain = list[float](), list[float]()
    await page(http, where, f"{of}.0")  # the first look into an index after many inserts costs
    for start in (0, of // 2):
        cursor: str | None = f"{of}.{start}"
        for _ in range(PAGES):
            if cursor is not None:
                plain.append((await page(http, {}, cursor))[0])
                spent, cursor = await page(http, where, cursor)
                took.append(spent)
    times = statistics.median(took) / statistics.median(plain)
    return (
        f"median {statistics.median(took):.1f} ({times:.1f} times no filter), max {max(took):.1f}"
    )


async def paging(database: Database, of: int) -> None:
    """Of each filter the first pages, and those from the middle of the trail on."""
    print(f"\n## Pages of 100 from {of:,} entries, over HTTP, each recorded; milliseconds\n")
    trail = await filled(database, of)
    async with client(trail) as http:
        for name, where in FILTERS.items():
            print(f"{name}: {await compared(http, where, of)}", flush=True)


async def main() -> None:
    """On the store that the tests would take."""
    with tempfile.TemporaryDirectory() as folder:
        store = choose(Path(folder))
        await store.start()
        try:
            print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {store.describe}")
            async with mongo(store.url) as connected:
                await paging(connected["bench_paging"], PAGES_OF)
        finally:
            await store.stop()


if __name__ == "__main__":
    asyncio.run(main())
