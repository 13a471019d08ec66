"""The trail as stored, and how it is read.

`entries`, `tiles` (full ones only) and `checkpoints` are only ever inserted; one `state` document
moves on, and only what lies below its size counts. `tree` reads the hashes.
"""

import contextlib
import json
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError

from services.audit.log import gauges
from services.audit.log.finding import holds, keys_of, some_of, with_both
from services.audit.log.growth import Growth
from services.audit.log.hashes import Hashes
from services.audit.log.tiles import WIDTH
from services.audit.log.tree import EMPTY_ROOT
from services.audit.log.unsealed import Unsealed
from services.audit.search.fields import TIMES
from shared.clock import now
from shared.storage.store import Database, Document

STATE = "trail"


@dataclass(frozen=True)
class Signed:
    """A stored checkpoint: size, root and the signed note."""

    size: int
    root: bytes
    note: str


class Trail:
    """Reads the trail. What it returns is what the store holds, checked only where it says so."""

    def __init__(self, database: Database) -> None:
        self.entries, self.tiles = database["entries"], database["tiles"]
        self.checkpoints, self.states = database["checkpoints"], database["state"]
        self.tree = Hashes(database)
        self.growth = Growth()
        self.unsealed = Unsealed()
        gauges.watch(self.unsealed)

    async def prepare(self) -> None:
        """Create the indexes and the first state; safe to repeat."""
        await self.entries.create_index("seq", unique=True)
        await self.entries.create_index([("fields.keys", ASCENDING), ("seq", ASCENDING)])
        first = {"_id": STATE, "size": 0, "root": EMPTY_ROOT, "edge": []}
        first |= {"offset": None, "digest": None, "epoch": 0}
        with contextlib.suppress(DuplicateKeyError):  # the trail exists
            await self.states.insert_one(
                {**first, "holder": None, "lease_until": now(), "frozen": None}
            )

    async def state(self) -> Document:
        """The one mutable document. Raises `LookupError` before `prepare`."""
        state = await self.states.find_one({"_id": STATE})
        if state is None:
            raise LookupError("the trail has not been prepared")
        return state

    async def newest(self) -> Signed | None:
        """The largest checkpoint, or None before the first."""
        found = await self._signed({}, limit=1, order=-1)
        return found[0] if found else None

    async def checkpoint(self, size: int) -> Signed | None:
        """The checkpoint of exactly this size."""
        found = await self._signed({"_id": size}, limit=1)
        return found[0] if found else None

    async def checkpoints_from(self, size: int, limit: int = 1000) -> list[Signed]:
        """Checkpoints of this size and larger, in order."""
        return await self._signed({"_id": {"$gte": size}}, limit=limit)

    async def checkpoints_of(self, first: int, last: int) -> list[Signed]:
        """Checkpoints of first <= size <= last, in order."""
        return await self._signed({"_id": {"$gte": first, "$lte": last}}, limit=last - first + 1)

    async def _signed(self, where: Document, *, limit: int, order: int = 1) -> list[Signed]:
        cursor = self.checkpoints.find(where).sort("_id", order).limit(limit)
        return [Signed(d["_id"], bytes(d["root"]), d["note"]) async for d in cursor]

    async def find(
        self, where: Mapping[str, Any], *, start: int, size: int, limit: int
    ) -> list[Document]:
        """Entries with start <= seq < size whose fields match, in order.

        `from` and `to` in `where` bound the time of recording, as `instant` writes times.
        """
        start, size = await self.span(where, start, size)
        return await some_of(self.entries, where, start, size, limit)

    async def keys_of(self, key: str, size: int) -> list[frozenset[str]]:
        """What each entry with seq < size that has this key is found by, in order."""
        return await keys_of(self.entries, key, size)

    async def span(self, where: Mapping[str, Any], start: int, size: int) -> tuple[int, int]:
        """Of the places start … size-1 those in the window of time, as (first, behind the last)."""
        if "from" in where:
            start = max(start, await self._first_at(where["from"], size))
        if "to" in where:
            size = await self._first_at(where["to"], size, low=start)
        return start, size

    async def _first_at(self, at: str, size: int, *, low: int = 0) -> int:
        """The place of the first entry from `low` on and below `size` recorded at that time or later,
        else `size`.

        Times never go back from entry to entry, so this is about twenty reads and needs no index.
        """
        high = size
        while low < high:
            middle = (low + high) // 2
            found = await self.entry(middle)
            if found is None:  # it was deleted: the next that is there
                later = {"seq": {"$gt": middle, "$lt": high}}
                found = await self.entries.find_one(later, sort=[("seq", 1)])
            if found is None or json.loads(found["leaf"])["recorded_at"] >= at:
                high = middle
            else:
                low = found["seq"] + 1
        return low

    async def scan(
        self, where: Mapping[str, Any], size: int, *, start: int = 0
    ) -> AsyncIterator[Document]:
        """Every match below `size`, in order, a batch at a time: bounded memory. As `find`."""
        start, size = await self.span(where, start, size)
        fields = {name: value for name, value in where.items() if name not in TIMES}
        while found := await self.find(fields, start=start, size=size, limit=WIDTH):
            for document in found:
                yield document
            if len(found) < WIDTH:
                return
            start = found[-1]["seq"] + 1

    async def with_any(
        self, keys: Sequence[str], size: int, *, start: int = 0
    ) -> AsyncIterator[Document]:
        """Every entry with start <= seq < size that is found by one of these `name:value` keys, in order."""
        where = {"fields.keys": {"$in": list(keys)}, "seq": {"$gte": start, "$lt": size}}
        async for document in self.entries.find(where).sort("seq", 1):
            yield document

    def with_both(self, by: Collection[str], keys: Collection[str]) -> AsyncIterator[Document]:
        """Every entry found by one of `by`, of which there should be few, and one of `keys` as well."""
        return with_both(self.entries, by, keys)

    async def holds(self, keys: Iterable[str]) -> bool:
        """Whether an entry is found by one of these `name:value` keys."""
        return await holds(self.entries, list(keys), (await self.state())["size"])

    async def entry(self, seq: int) -> Document | None:
        """One entry by its place; it counts only below the size of the state."""
        return await self.entries.find_one({"seq": seq})

    async def event(self, event_id: str) -> Document | None:
        """One entry by the id of its event."""
        return await self.entries.find_one({"_id": event_id})
