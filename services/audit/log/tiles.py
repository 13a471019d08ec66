"""Tiles: 256 hashes of one level at once, and the paths they have (C2SP tlog-tiles). Pure.

A tile at level L holds hashes of the tree's level 8·L: at level 0 leaf hashes, above the roots of
the 256 tiles below each. A full tile never changes; a partial one is the beginning of a full one.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from services.audit.log.tree import HASH_SIZE, Node, node_hash, root_of

HEIGHT = 8
WIDTH = 256
MAX_LEVEL = 63


class BadPath(ValueError):
    """Not the path of a tile or entry bundle."""


@dataclass(frozen=True, order=True)
class Tile:
    """`width` hashes from place `256 · index` of the tree's level `8 · level`."""

    level: int
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """As in `GET /tile/…` and in an export, without a leading slash."""
        return f"tile/{self.level}/{_number(self.index)}{_partial(self.width)}"


@dataclass(frozen=True, order=True)
class Bundle:
    """The entries of the level-0 tile of the same index."""

    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """As in an export, without a leading slash."""
        return f"tile/entries/{_number(self.index)}{_partial(self.width)}"


_PATH = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<number>(x[0-9]{3}/)*[0-9]{3})"
    r"(\.p/(?P<width>[1-9][0-9]{0,2}))?",
    re.ASCII,
)


def parse_path(path: str) -> Tile | Bundle:
    """The tile or bundle of a path. Raises `BadPath` for anything not written exactly so."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise BadPath
    index = int(match["number"].replace("x", "").replace("/", ""))
    width = int(match["width"] or WIDTH)
    partial = match["width"] is not None
    if match["number"] != _number(index) or width > WIDTH or (partial and width == WIDTH):
        raise BadPath
    if match["level"] == "entries":
        return Bundle(index, width)
    if int(match["level"]) > MAX_LEVEL:
        raise BadPath
    return Tile(int(match["level"]), index, width)


def _number(index: int) -> str:
    groups = [f"{index % 1000:03d}"]
    while index >= 1000:
        index //= 1000
        groups.append(f"x{index % 1000:03d}")
    return "/".join(reversed(groups))


def _partial(width: int) -> str:
    return "" if width == WIDTH else f".p/{width}"


def width_at(level: int, index: int, size: int) -> int:
    """How many hashes of this tile a tree of that size has: 0 to 256."""
    return max(0, min(WIDTH, (size >> (HEIGHT * level)) - index * WIDTH))


def tile_of(node: Node, size: int) -> Tile:
    """The tile from which a perfect subtree of a tree of that size can be computed."""
    level, index = node
    tile_level = level // HEIGHT
    tile_index = (index << (level % HEIGHT)) // WIDTH
    return Tile(tile_level, tile_index, width_at(tile_level, tile_index, size))


def tiles_for(nodes: Iterable[Node], size: int) -> set[Tile]:
    """The tiles that hold these nodes."""
    return {tile_of(node, size) for node in nodes}


def partial_tiles(size: int) -> Iterator[Tile]:
    """The last tile of every level of a tree of that size, also where it has no hash yet (width 0)."""
    level = 0
    while size >> (HEIGHT * level):
        index, width = divmod(size >> (HEIGHT * level), WIDTH)
        yield Tile(level, index, width)
        level += 1


def tiles_at(size: int) -> Iterator[Tile]:
    """Every tile of a tree of that size, level by level: full ones, then the partial one if any."""
    for last in partial_tiles(size):
        yield from (Tile(last.level, index) for index in range(last.index))
        if last.width:
            yield last


def split_hashes(raw: bytes) -> list[bytes]:
    """The hashes of a stored tile. Raises `ValueError` unless they are whole."""
    if len(raw) % HASH_SIZE:
        raise ValueError("not a whole number of hashes")
    return [raw[at : at + HASH_SIZE] for at in range(0, len(raw), HASH_SIZE)]


def node_reader(tiles: Mapping[tuple[int, int], bytes]) -> Callable[[Node], bytes]:
    """A reader of nodes from tiles' bytes by (level, index). Raises `LookupError` where they lack it."""

    def read(node: Node) -> bytes:
        level, index = node
        height = level % HEIGHT
        first = index << height
        raw = tiles[level // HEIGHT, first // WIDTH]
        start = first % WIDTH * HASH_SIZE
        wanted = raw[start : start + (HASH_SIZE << height)]
        if len(wanted) != HASH_SIZE << height:
            raise LookupError("the tile is too short")
        if height == 0:
            return wanted
        if height == 1:
            return node_hash(wanted[:HASH_SIZE], wanted[HASH_SIZE:])
        return root_of(split_hashes(wanted))

    return read


def pack_bundle(leaves: Iterable[bytes]) -> bytes:
    """Entries as C2SP tlog-tiles writes them: each behind its length in two bytes, big-endian."""
    return b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in leaves)


def unpack_bundle(raw: bytes) -> list[bytes]:
    """The entries of a bundle. Raises `ValueError` when it ends in the middle of one."""
    leaves, at, end = [], 0, len(raw)
    try:
        while at < end:
            start = at + 2
            at = start + (raw[at] << 8 | raw[at + 1])
            leaves.append(raw[start:at])
    except IndexError:
        at = end + 1
    if at != end:
        raise ValueError("the bundle ends within an entry")
    return leaves
