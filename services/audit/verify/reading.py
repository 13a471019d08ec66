"""One way to read a full export: entry by entry, or by its tiles where the tile above confirms them.

Whichever reading leads to a signed root is what was sealed: that follows from the hashes alone. So
an entry is accused only where a signed root says what stood there.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from math import inf

from services.audit.log.edge import Edge
from services.audit.log.tiles import HEIGHT, WIDTH, Tile
from services.audit.log.tree import root_of
from services.audit.verify.earlier import Sealed

ENTRIES, TILES, LAST_TILE = 0, 1, 2


@dataclass(frozen=True)
class Segment:
    """Up to 256 entries: the hashes of the entries, those that their tile has, and the root of both
    as the tile above has it. None where it is not there or not whole."""

    index: int
    entries: list[bytes] | None
    tile: list[bytes] | None
    above: bytes | None
    is_last: bool

    def hashes(self, kind: int) -> list[bytes] | None:
        """What a reading of this kind goes on with."""
        if self.tile is None or self.entries is None:
            return self.entries or self.tile
        if kind == LAST_TILE and self.is_last:
            return self.tile
        confirmed = self.above is not None and kind != ENTRIES and self.tile != self.entries
        return self.tile if confirmed and root_of(self.tile) == self.above else self.entries


@dataclass
class Reading:
    """The tree that this reading gives, and which signed checkpoints agree with it."""

    due: list[Sealed]  # by size
    kind: int = ENTRIES
    edge: Edge = field(default_factory=Edge)
    at: int = 0
    agreed: list[Sealed] = field(default_factory=list)
    disagreed: list[Sealed] = field(default_factory=list)
    by_tile: set[int] = field(default_factory=set)  # segments read by their tiles
    other_tiles: list[Tile] = field(default_factory=list)  # tiles that hold something else

    def fork(self, kind: int) -> "Reading":
        """Another reading that has come as far."""
        return replace(
            self,
            kind=kind,
            edge=self.edge.copy(),
            agreed=list(self.agreed),
            disagreed=list(self.disagreed),
            by_tile=set(self.by_tile),
            other_tiles=list(self.other_tiles),
        )

    def sealed(self, *, kept: bool = False, below: float = inf) -> int:
        """Up to here, at most, the reading is what a trusted key signed; 0 where nothing is."""
        sizes = (one.size for one in self.agreed if one.size < below and (one.kept or not kept))
        return max(sizes, default=0)

    def push(self, segment: Segment, hashes: list[bytes]) -> Iterable[tuple[Tile, bytes]]:
        """Go on by these hashes; the tiles above level 0 that this filled."""
        if hashes is segment.tile:
            self.by_tile.add(segment.index)
        filled, rest = [], hashes
        while self.at < len(self.due) and self.due[self.at].size <= self.edge.size + len(rest):
            one = self.due[self.at]
            count = one.size - self.edge.size
            filled += self.edge.push(rest[:count])
            rest = rest[count:]
            self.at += 1
            self._hold_against(one)
        filled += self.edge.push(rest)
        return [(Tile(tile.level, tile.index), tile.hashes) for tile in filled if tile.level]

    def partial(self) -> Iterable[tuple[Tile, bytes]]:
        """The tiles above level 0 that are not full at the end."""
        for level, hashes in enumerate(self.edge.levels):
            if level and hashes:
                index = (self.edge.size >> (HEIGHT * level)) // WIDTH
                yield Tile(level, index, len(hashes)), b"".join(hashes)

    def _hold_against(self, one: Sealed) -> None:
        agrees = self.edge.root() == one.checkpoint.root
        (self.agreed if agrees else self.disagreed).append(one)
