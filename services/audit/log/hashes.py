"""The hashes of the tree as stored: edges, tiles, proofs.

A partial tile is no document of its own: at level 0 it is the last entries' leaf hashes, above it
is the roots of the tiles below. The state carries a copy of them, its `edge`, so that a proof is
one read of the state and one of full tiles.
"""

import contextlib
from collections.abc import Iterable, Sequence

from services.audit.log.damage import Damaged
from services.audit.log.edge import Edge
from services.audit.log.tiles import (
    HEIGHT,
    WIDTH,
    Tile,
    node_reader,
    partial_tiles,
    tiles_for,
    width_at,
)
from services.audit.log.tree import HASH_SIZE, Range, nodes_of, proof_of
from shared.storage.store import Database, Document


def tile_id(level: int, index: int) -> str:
    """The `_id` of a full tile; ids sort as level and index do."""
    return f"{level:02d}/{index:016d}"


def _below(tile: Tile) -> list[str]:
    """The ids of the full tiles whose roots a tile above level 0 holds."""
    start = tile.index * WIDTH
    return [tile_id(tile.level - 1, index) for index in range(start, start + tile.width)]


class Hashes:
    """Reads the tree. Whatever it returns is taken from the evidence, or checked against it."""

    def __init__(self, database: Database) -> None:
        self._entries, self._tiles = database["entries"], database["tiles"]

    async def edge(self, size: int) -> Edge:
        """The right edge at a size, from the evidence: entries and the roots of full tiles.

        Clipped to the size: a full tile may be there that doesn't count yet. At most 255 documents
        a level are read, in two reads, whatever the size. Raises `Damaged` where some lack.
        """
        hashes = await self._leaf_hashes(size - size % WIDTH, size)
        return Edge(size, [hashes, *await self._upper(size)] if size else [])

    async def edges(self, first: int, second: int) -> tuple[Edge, Edge]:
        """The right edges at two sizes, first <= second. The later grows out of the earlier where
        they are near each other: then the same two reads give both. Raises `Damaged`."""
        if second - first > WIDTH:
            return await self.edge(first), await self.edge(second)
        width = first % WIDTH
        hashes = await self._leaf_hashes(first - width, second)
        earlier = Edge(first, [hashes[:width], *await self._upper(first)] if first else [])
        later = earlier.copy()
        later.push(hashes[width:])
        return earlier, later

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
            async for document in self._tiles.find({"_id": {"$in": ids}}):
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

    async def _leaf_hashes(self, start: int, stop: int) -> list[bytes]:
        """The leaf hashes of the entries start … stop-1. Raises `Damaged` where one lacks."""
        if start == stop:
            return []
        where = {"seq": {"$gte": start, "$lt": stop}}
        cursor = self._entries.find(where, {"seq": 1, "leaf_hash": 1}).sort("seq", 1)
        hashes: list[bytes] = []
        async for document in cursor:
            if document["seq"] != start + len(hashes):
                break
            hashes.append(bytes(document["leaf_hash"]))
        if len(hashes) != stop - start:
            raise Damaged("entry_missing", start + len(hashes))
        return hashes

    async def _upper(self, size: int) -> list[list[bytes]]:
        """The partial tiles above level 0 of a tree of that size. Raises `Damaged`."""
        tiles = [tile for tile in partial_tiles(size) if tile.level]
        below = {tile: _below(tile) for tile in tiles}
        wanted = [one for ids in below.values() for one in ids]
        roots: dict[str, bytes] = {}
        if wanted:
            async for document in self._tiles.find({"_id": {"$in": wanted}}, {"root": 1}):
                roots[document["_id"]] = bytes(document["root"])
        for tile, ids in below.items():
            for place, one in enumerate(ids, tile.index * WIDTH):
                if one not in roots:
                    raise Damaged("tile_missing", place << (HEIGHT * tile.level))
        return [[roots[one] for one in ids] for ids in below.values()]

    async def tile(self, tile: Tile, state: Document) -> bytes | None:
        """A tile as `GET /tile/…` serves it, or None where the state's tree has no such tile."""
        if not 0 < tile.width <= width_at(tile.level, tile.index, state["size"]):
            return None
        return (await self.hashes([tile], state))[tile.level, tile.index]
