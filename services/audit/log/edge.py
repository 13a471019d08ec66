"""The right edge of a growing tree: all a writer needs to remember, at most 255 hashes a level. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.audit.log.tiles import HEIGHT, WIDTH, partial_tiles, split_hashes
from services.audit.log.tree import EMPTY_ROOT, HASH_SIZE, node_hash, root_of


@dataclass(frozen=True)
class FullTile:
    """A tile that has just been filled; it will never change."""

    level: int
    index: int
    hashes: bytes
    root: bytes


@dataclass
class Edge:
    """`levels[n]` are the hashes of the partial tile at level n; a full one has moved up as its root."""

    size: int = 0
    levels: list[list[bytes]] = field(default_factory=list)

    @staticmethod
    def unpacked(size: int, packed: Sequence[bytes]) -> "Edge":
        """The edge that `packed` gave. Raises `ValueError` for what an edge at that size can't be."""
        if [len(raw) for raw in packed] != [tile.width * HASH_SIZE for tile in partial_tiles(size)]:
            raise ValueError("not the right edge of a tree of that size")
        return Edge(size, [split_hashes(raw) for raw in packed])

    def packed(self) -> list[bytes]:
        """The bytes of each level's partial tile, lowest first; empty where a tile has just filled."""
        return [b"".join(level) for level in self.levels]

    def copy(self) -> "Edge":
        """Another edge that grows on its own."""
        return Edge(self.size, [list(level) for level in self.levels])

    def push(self, leaf_hashes: Sequence[bytes]) -> list[FullTile]:
        """Append leaves by their hashes; the tiles that this filled, lower ones first."""
        filled: list[FullTile] = []
        rest = list(leaf_hashes)
        while rest:
            room = WIDTH - len(self._level(0))
            taken, rest = rest[:room], rest[room:]
            self._level(0).extend(taken)
            self.size += len(taken)
            filled += self._carry()
        return filled

    def root(self) -> bytes:
        """The Merkle tree hash at the present size (RFC 6962 §2.1)."""
        total: bytes | None = None
        for level in self.levels:
            if not level:
                continue
            # What is below belongs to the right of this level's perfect subtrees.
            total = _bagged(level) if total is None else _bagged(level, total)
        return EMPTY_ROOT if total is None else total

    def _level(self, number: int) -> list[bytes]:
        while len(self.levels) <= number:
            self.levels.append([])
        return self.levels[number]

    def _carry(self) -> list[FullTile]:
        filled, number = [], 0
        while len(self._level(number)) == WIDTH:
            hashes = self.levels[number]
            root = root_of(hashes)
            index = (self.size >> (HEIGHT * (number + 1))) - 1
            filled.append(FullTile(number, index, b"".join(hashes), root))
            self.levels[number] = []
            self._level(number + 1).append(root)
            number += 1
        return filled


def _bagged(hashes: list[bytes], right: bytes | None = None) -> bytes:
    """The root over equal subtrees and a smaller tree to the right of them."""
    peaks, start = [], 0
    while start < len(hashes):
        width = 1 << ((len(hashes) - start).bit_length() - 1)
        peaks.append(root_of(hashes[start : start + width]))
        start += width
    total = peaks.pop() if right is None else right
    while peaks:
        total = node_hash(peaks.pop(), total)
    return total
