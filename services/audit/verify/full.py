"""Checking a full export: a C2SP tlog-tiles folder, every entry, tile and checkpoint of it."""

from services.audit.log.checkpoints import Checkpoint, TrustedKey
from services.audit.log.tiles import WIDTH, Bundle, Tile, split_hashes, unpack_bundle, width_at
from services.audit.log.tree import HASH_SIZE, leaf_hashes
from services.audit.verify.earlier import Earlier, Sealed, checkpoints_in, same_log
from services.audit.verify.naming import Evidence, findings_of
from services.audit.verify.reading import ENTRIES, LAST_TILE, TILES, Reading, Segment
from services.audit.verify.sources import Source
from services.audit.verify.verdicts import MAX_TOLD, judge

LISTED = "a checkpoint listed in the export"


class FullExport:
    """Walks a full export once."""

    def __init__(
        self, source: Source, keys: list[TrustedKey], sealed: Checkpoint, earlier: Earlier
    ) -> None:
        self._source, self._sealed, self._earlier = source, sealed, earlier
        listed = [Sealed(c, LISTED, False) for c in checkpoints_in(source, keys, "in the export")]
        self.checkpoints = len(listed)
        known = [*listed, Sealed(sealed, "the export's checkpoint", False), *earlier.sealed]
        self._readings = [Reading(sorted(known, key=lambda one: one.size))]
        self._evidence = Evidence(sealed)
        self._missing = self._unlisted(listed)
        self._above: tuple[int, list[bytes]] = -1, []

    def check(self) -> tuple[list[str], list[str]]:
        """What is proven to be other than sealed, and what is missing."""
        size = self._sealed.size
        last = -(-size // WIDTH) - 1
        for index in range(last + 1):
            segment = self._segment(index, min(WIDTH, size - index * WIDTH), index == last)
            if not self._step(segment) or len(self._missing) > MAX_TOLD:
                break
        for reading in self._readings:
            for tile, hashes in reading.partial():
                self._compare(reading, tile, hashes)
        self._evidence.previous_is_sound = self._earlier.is_sound()
        return findings_of(self._readings, self._evidence), self._missing

    def _unlisted(self, listed: list[Sealed]) -> list[str]:
        sizes = {one.size for one in listed}
        before = sorted(one.size for one in self._earlier.listed if one.size not in sizes)
        missing = [f"the checkpoint of size {n}, which your previous export has" for n in before]
        for one in listed:
            same_log(one.checkpoint, self._sealed)
            if one.size > self._sealed.size:
                self._evidence.cut = one.size
        if self._sealed.size and self._sealed.size not in sizes:
            missing.append("the export's own checkpoint among those it lists")
        return [f"missing: {what}" for what in missing]

    def _segment(self, index: int, width: int, is_last: bool) -> Segment:
        entries, tile = self._entries(index, width), self._tile(index, width)
        segment = Segment(index, entries, tile, self._root_above(index), is_last)
        if entries is not None:
            if tile is not None and tile != entries:
                pairs = enumerate(zip(entries, tile, strict=True))
                self._evidence.differing[index] = [n for n, (a, b) in pairs if a != b]
            self._evidence.rewritten += self._earlier.differing(index, entries)
        return segment

    def _entries(self, index: int, width: int) -> list[bytes] | None:
        """The hashes of a bundle's entries; None where they are not all there."""
        name = Bundle(index, width).path
        raw = self._source.read(name)
        if raw is None:
            self._missing.append(f"missing: {name}")
            self._evidence.lacking.append(index)
            return None
        try:
            leaves = unpack_bundle(raw)
            problem = f"{name} holds {len(leaves)} entries, not {width}"
        except ValueError:
            leaves, problem = [], f"{name} is cut short: entries from {index * WIDTH} on"
        if len(leaves) != width:
            self._evidence.broken.append(problem)
            self._evidence.lacking.append(index)
            return None
        return leaf_hashes(leaves)

    def _tile(self, index: int, width: int) -> list[bytes] | None:
        """The hashes of a tile at level 0; None where it is not there or not whole."""
        tile = Tile(0, index, width)
        raw = self._source.read(tile.path)
        if raw is None:
            self._missing.append(f"missing: {tile.path}")
        elif len(raw) != width * HASH_SIZE:
            self._evidence.short.append(tile)
        else:
            return split_hashes(raw)
        return None

    def _root_above(self, index: int) -> bytes | None:
        above, place = divmod(index, WIDTH)
        if self._above[0] != above:
            width = width_at(1, above, self._sealed.size)
            raw = self._source.read(Tile(1, above, width).path) if width else None
            whole = raw is not None and len(raw) == width * HASH_SIZE
            self._above = above, split_hashes(raw) if whole and raw else []
        return self._above[1][place] if place < len(self._above[1]) else None

    def _step(self, segment: Segment) -> bool:
        """Go on by a segment; False where nothing says what was in it."""
        for kind in (TILES, LAST_TILE):
            behind = [reading for reading in self._readings if reading.kind < kind]
            known = len(behind) < len(self._readings)
            if not known and segment.hashes(kind) is not segment.hashes(behind[-1].kind):
                self._readings.append(behind[-1].fork(kind))
        for reading in self._readings:
            hashes = segment.hashes(reading.kind)
            if hashes is None:
                return False
            for tile, computed in reading.push(segment, hashes):
                self._compare(reading, tile, computed)
        return True

    def _compare(self, reading: Reading, tile: Tile, computed: bytes) -> None:
        stored = self._source.read(tile.path)
        if stored is None and reading.kind == ENTRIES:
            self._missing.append(f"missing: {tile.path}")
        if stored not in (None, computed):
            reading.other_tiles.append(tile)


def check_full(
    source: Source, keys: list[TrustedKey], sealed: Checkpoint, earlier: Earlier
) -> tuple[list[str], str]:
    """What is missing, and what was verified, in words. Raises `Tampered` naming entries."""
    export = FullExport(source, keys, sealed, earlier)
    findings, missing = export.check()
    judge(findings, [])
    size, count = sealed.size, export.checkpoints
    held = ", ".join(f"{one.what} ({one.size} entries)" for one in earlier.held())
    before = f"; the trail begins with what is sealed by {held}" if held else ""
    return missing, (
        f"all {size} entries are exactly those sealed by the checkpoint of {sealed.origin}; "
        f"all tiles are theirs; all {count} checkpoints listed seal the same history{before}"
    )
