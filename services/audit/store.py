"""The trail as stored, and how it is read.

`entries`, `tiles` (full ones only) and `checkpoints` are only ever inserted; one `state` document
moves on, and only what lies below its size counts. A partial tile is never stored: at level 0 it
is the last entries' leaf hashes, above it is the roots of the tiles below.
"""

import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError

from services.audit.domain.edge import Edge
from services.audit.domain.fields import query_of
from services.audit.domain.tiles import HEIGHT, WIDTH, Tile, node_reader, tiles_for, width_at
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
        await self.entries.create_index("fields.at")
        first = {"_id": STATE, "size": 0, "root": EMPTY_ROOT, "offset": None, "epoch": 0}
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
        """Entries with start <= seq < size whose fields match, in order."""
        query: Document = {**query_of(where), "seq": {"$gte": start, "$lt": size}}
        return [d async for d in self.entries.find(query).sort("seq", 1).limit(limit)]

    async def scan(
        self, where: Mapping[str, Any], size: int, *, start: int = 0
    ) -> AsyncIterator[Document]:
        """Every match below `size`, in order, a batch at a time: bounded memory."""
        while found := await self.find(where, start=start, size=size, limit=WIDTH):
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
        """The right edge at a size, clipped to it: a full tile may be there that doesn't count yet.

        At most 255 hashes a level are read, whatever the size. Raises `Damaged` where some lack.
        """
        levels = []
        level = 0
        while size >> (HEIGHT * level):
            width = (size >> (HEIGHT * level)) % WIDTH
            index = (size >> (HEIGHT * level)) // WIDTH
            levels.append(await self._partial(Tile(level, index, width)) if width else [])
            level += 1
        return Edge(size, levels)

    async def hashes(self, wanted: Iterable[Tile]) -> dict[tuple[int, int], bytes]:
        """The bytes of tiles, each cut to its width. Raises `Damaged` where some lack."""
        tiles = {(tile.level, tile.index): tile for tile in wanted}
        found: dict[tuple[int, int], bytes] = {}
        if tiles:
            ids = [tile_id(level, index) for level, index in sorted(tiles)]
            async for document in self.tiles.find({"_id": {"$in": ids}}):
                key = (document["level"], document["index"])
                found[key] = bytes(document["hashes"])[: tiles[key].width * HASH_SIZE]
        for key, tile in tiles.items():
            if key not in found:
                if tile.width == WIDTH:
                    raise Damaged("tile_missing", tile.index << (HEIGHT * (tile.level + 1)))
                found[key] = b"".join(await self._partial(tile))
        return found

    async def proof(self, ranges: Sequence[Range], size: int) -> list[bytes]:
        """The hashes of a proof in the tree of that size: a few tile reads. Raises `Damaged`."""
        read = node_reader(await self.hashes(tiles_for(nodes_of(ranges), size)))
        try:
            return proof_of(ranges, read)
        except (LookupError, ValueError):
            raise Damaged("tile_too_short", size) from None

    async def _partial(self, tile: Tile) -> list[bytes]:
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

    async def tile(self, tile: Tile, size: int) -> bytes | None:
        """A tile as `GET /tile/…` serves it, or None where a tree of that size has no such tile."""
        if not 0 < tile.width <= width_at(tile.level, tile.index, size):
            return None
        return (await self.hashes([tile]))[tile.level, tile.index]
