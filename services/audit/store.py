"""The trail as stored, and how it is read.

`entries`, `tiles` (full ones only) and `checkpoints` are only ever inserted; one `state` document
moves on, and only what lies below its size counts. A partial tile is no document of its own: at
level 0 it is the last entries' leaf hashes, above it is the roots of the tiles below. The state
carries a copy of them, its `edge`, so that a proof is one read of the state and one of full tiles.
"""

import contextlib
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError

from services.audit.domain.edge import Edge
from services.audit.domain.fields import TIMES, query_of
from services.audit.domain.tiles import (
    HEIGHT,
    WIDTH,
    Tile,
    node_reader,
    partial_tiles,
    tiles_for,
    width_at,
)
from services.audit.domain.tree import EMPTY_ROOT, HASH_SIZE, Range, nodes_of, proof_of
from shared.clock import now
from shared.store import Database, Document

STATE = "trail"


def tile_id(level: int, index: int) -> str:
    """The `_id` of a full tile; ids sort as level and index do."""
    return f"{level:02d}/{index:016d}"


class Damaged(Exception):
    """The store doesn't hold what was written to it. `where` is a code and a number."""

    def __init__(self, code: str, at: int) -> None:
        super().__init__(f"{code} at {at}")
        self.code, self.at = code, at


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

    async def prepare(self) -> None:
        """Create the indexes and the first state; safe to repeat."""
        await self.entries.create_index("seq", unique=True)
        await self.entries.create_index([("fields.keys", ASCENDING), ("seq", ASCENDING)])
        first = {"_id": STATE, "size": 0, "root": EMPTY_ROOT, "edge": []}
        first |= {"offset": None, "epoch": 0}
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

    async def _signed(self, where: Document, *, limit: int, order: int = 1) -> list[Signed]:
        cursor = self.checkpoints.find(where).sort("_id", order).limit(limit)
        return [Signed(d["_id"], bytes(d["root"]), d["note"]) async for d in cursor]

    async def find(
        self, where: Mapping[str, Any], *, start: int, size: int, limit: int
    ) -> list[Document]:
        """Entries with start <= seq < size whose fields match, in order.

        `from` and `to` in `where` bound the time of recording, as `instant` writes times.
        """
        start, size = await self._span(where, start, size)
        fields, found = query_of(where), list[Document]()
        while start < size and len(found) < limit:
            left = limit - len(found)
            # All entries are a window of places: a limit alone the embedded store applies last.
            stop = size if fields else min(size, start + left)
            query = {**fields, "seq": {"$gte": start, "$lt": stop}}
            found += [d async for d in self.entries.find(query).sort("seq", 1).limit(left)]
            start = stop
        return found

    async def _span(self, where: Mapping[str, Any], start: int, size: int) -> tuple[int, int]:
        if "from" in where:
            start = max(start, await self._first_at(where["from"], size))
        if "to" in where:
            size = await self._first_at(where["to"], size)
        return start, size

    async def _first_at(self, at: str, size: int) -> int:
        """The place of the first entry below `size` recorded at that time or later, else `size`.

        Times never go back from entry to entry, so this is about twenty reads and needs no index.
        """
        low, high = 0, size
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
        start, size = await self._span(where, start, size)
        fields = {name: value for name, value in where.items() if name not in TIMES}
        while found := await self.find(fields, start=start, size=size, limit=WIDTH):
            for document in found:
                yield document
            if len(found) < WIDTH:
                return
            start = found[-1]["seq"] + 1

    async def entry(self, seq: int) -> Document | None:
        """One entry by its place; it counts only below the size of the state."""
        return await self.entries.find_one({"seq": seq})

    async def event(self, event_id: str) -> Document | None:
        """One entry by the id of its event."""
        return await self.entries.find_one({"_id": event_id})

    async def edge(self, size: int) -> Edge:
        """The right edge at a size, from the evidence: entries and the roots of full tiles.

        Clipped to the size: a full tile may be there that doesn't count yet. At most 255 documents
        a level are read, whatever the size. Raises `Damaged` where some lack.
        """
        return Edge(size, [await self._partial(tile) for tile in partial_tiles(size)])

    async def _carried(self, state: Document) -> Edge:
        """The right edge as the state carries it, if it gives the state's root: then no other has
        its hashes. From the evidence if it doesn't, or if an older version wrote the state."""
        with contextlib.suppress(ValueError, TypeError):  # whatever else may stand there
            edge = Edge.unpacked(state["size"], state.get("edge", ()))
            if edge.root() == state["root"]:
                return edge
        return await self.edge(state["size"])

    async def hashes(self, wanted: Iterable[Tile], state: Document) -> dict[tuple[int, int], bytes]:
        """The bytes of tiles of a tree no larger than the state's, each cut to its width.

        The state was read before: a tile that is full in it is stored, for tiles are written first.
        Raises `Damaged` where one lacks.
        """
        tiles = {(tile.level, tile.index): tile for tile in wanted}
        found: dict[tuple[int, int], bytes] = {}
        last = {(tile.level, tile.index) for tile in partial_tiles(state["size"])}
        if partial := tiles.keys() & last:
            edge = await self._carried(state)
            found = {key: b"".join(edge.levels[key[0]]) for key in partial}
        if ids := [tile_id(*key) for key in sorted(tiles.keys() - last)]:
            async for document in self.tiles.find({"_id": {"$in": ids}}):
                found[document["level"], document["index"]] = bytes(document["hashes"])
        for key, tile in tiles.items():
            if key not in found:
                raise Damaged("tile_missing", tile.index << (HEIGHT * (tile.level + 1)))
        return {key: found[key][: tile.width * HASH_SIZE] for key, tile in tiles.items()}

    async def proof(self, ranges: Sequence[Range], size: int, state: Document) -> list[bytes]:
        """The hashes of a proof in the tree of that size, no larger than the state's: one read of
        a few tiles, whatever the size. Raises `Damaged`."""
        read = node_reader(await self.hashes(tiles_for(nodes_of(ranges), size), state))
        try:
            return proof_of(ranges, read)
        except (LookupError, ValueError):
            raise Damaged("tile_too_short", size) from None

    async def _partial(self, tile: Tile) -> list[bytes]:
        if not tile.width:
            return []
        start = tile.index * WIDTH
        span = {"$gte": start, "$lt": start + tile.width}
        if tile.level == 0:
            name, place = "leaf_hash", "seq"
            cursor = self.entries.find({"seq": span}, {"seq": 1, "leaf_hash": 1}).sort("seq", 1)
        else:
            name, place = "root", "index"
            ids = [tile_id(tile.level - 1, n) for n in range(start, start + tile.width)]
            where = {"_id": {"$in": ids}}
            cursor = self.tiles.find(where, {"index": 1, "root": 1}).sort("_id", 1)
        hashes: list[bytes] = []
        async for document in cursor:
            if document[place] != start + len(hashes):
                break
            hashes.append(bytes(document[name]))
        if len(hashes) != tile.width:
            lacking = start + len(hashes)
            code = "tile_missing" if tile.level else "entry_missing"
            raise Damaged(code, lacking << (HEIGHT * tile.level))
        return hashes

    async def tile(self, tile: Tile, state: Document) -> bytes | None:
        """A tile as `GET /tile/…` serves it, or None where the state's tree has no such tile."""
        if not 0 < tile.width <= width_at(tile.level, tile.index, state["size"]):
            return None
        return (await self.hashes([tile], state))[tile.level, tile.index]
