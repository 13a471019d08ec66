"""The continuous self-check: everything is computed again from the leaves, slowly, for ever.

One pass walks all entries in order: leaf against hash, fields against leaf, hash against tile,
tile against tile, every checkpoint against the tree at its size, and at the end the edge that the
state carries. Memory stays bounded by one tile and the right edge, whatever the size.

The next pass begins when the trail has grown, after a rest of ten times the last pass and at least
`REST` seconds; and after `AGAIN` seconds even where nothing is new.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.audit.log import gauges
from services.audit.log.checkpoints import Checkpoint, TrustedKey, open_checkpoint
from services.audit.log.damage import Damaged
from services.audit.log.edge import Edge, FullTile
from services.audit.log.hashes import tile_id
from services.audit.log.notes import BadNote
from services.audit.log.store import Signed, Trail
from services.audit.log.tiles import HEIGHT, WIDTH, split_hashes
from services.audit.log.tree import leaf_hash
from services.audit.search.checked import EDITED, SearchFields
from services.audit.search.fields import VERSION, search_from
from shared.clock import now
from shared.operating.cancellation import raise_if_cancelled
from shared.storage.store import Document

# Caches: `rebuild` restores the fields, the writer's next move the edge.
HARMLESS = frozenset({EDITED, "edge_edited", "root_edited"})
MAX_FAULTS = 100
REST = 15.0
AGAIN = 600.0

Found = Callable[[Damaged], Awaitable[None]]
Trusted = Callable[[], Awaitable[list[TrustedKey]]]


@dataclass
class Result:
    """How a pass went, or how it goes: `finished_at` is None while it runs."""

    started_at: datetime
    checked: int = 0
    finished_at: datetime | None = None
    faults: list[Damaged] = field(default_factory=list)
    # Entries whose search fields an older or newer version of this service wrote: no fault.
    outdated: int = 0

    @property
    def took(self) -> timedelta:
        """How long the pass took; zero while it runs."""
        return (self.finished_at or self.started_at) - self.started_at


class SelfCheck:
    """`rate` entries a second at most. `running` and `finished` are its newest passes."""

    def __init__(self, trail: Trail, *, rate: int) -> None:
        self._trail, self._rate = trail, rate
        self._grown = trail.growth.follow()
        self.running: Result | None = None
        self.finished: Result | None = None

    def search_fields(self, left_out: int = 0) -> SearchFields:
        """How far the search fields are known to hold: what the passes of this process have found."""
        passes = [one for one in (self.finished, self.running) if one is not None]
        edited = {fault.at for one in passes for fault in one.faults if fault.code == EDITED}
        return SearchFields(
            checked=max((one.checked for one in passes), default=0),
            edited=len(edited),
            outdated=max((one.outdated for one in passes), default=0),
            left_out=left_out,
            places=frozenset(edited),
        )

    async def run(self, trusted: Trusted, found: Found) -> None:
        """One pass after another, until cancelled."""
        while True:
            raise_if_cancelled()
            one_pass = await self.once(trusted, found)
            await asyncio.sleep(rest_after(one_pass.took))
            await self._grown.wait(AGAIN)

    async def once(self, trusted: Trusted, found: Found) -> Result:
        """One whole pass up to the size at its beginning. `found` hears of each fault once."""
        self.running = one_pass = Result(started_at=now())
        state = await self._trail.state()
        size = state["size"]
        walk = _Walk(self._trail, trusted, one_pass, found)
        while walk.edge.size < size:
            before = walk.edge.size
            await walk.step(min(size, before + WIDTH))
            gauges.checked(one_pass.checked)
            await asyncio.sleep((walk.edge.size - before) / self._rate if self._rate else 0)
        await walk.end(state)
        one_pass.finished_at = now()
        self.running, self.finished = None, one_pass
        return one_pass


def rest_after(took: timedelta) -> float:
    """Seconds: a small trail is checked soon again, a large one takes a tenth of the time."""
    return min(AGAIN, max(REST, 10 * took.total_seconds()))


class _Walk:
    def __init__(self, trail: Trail, trusted: Trusted, result: Result, found: Found) -> None:
        self._trail, self._trusted, self._result, self._found = trail, trusted, result, found
        self._keys: list[TrustedKey] = []
        self.edge = Edge()
        self._contradicted = False

    async def step(self, end: int) -> None:
        """Check the entries up to `end`, at most one tile of them, and the tiles they fill."""
        start = self.edge.size
        documents = await self._trail.find({}, start=start, size=end, limit=WIDTH)
        by_seq = {document["seq"]: document for document in documents}
        stored = await self._stored_tile(0, start // WIDTH)
        hashes = []
        for seq in range(start, end):
            claimed = stored[seq % WIDTH] if seq % WIDTH < len(stored) else None
            hashes.append(await self._entry(seq, by_seq.get(seq), claimed))
            self._result.checked += 1
        await self._grow(start, hashes)

    async def _entry(self, seq: int, document: Document | None, claimed: bytes | None) -> bytes:
        """The hash to go on with: what the tile holds, so that one fault isn't told again and again."""
        if document is None:
            await self._fault("entry_missing", seq)
            return claimed or bytes(32)
        computed, stated = leaf_hash(document["leaf"]), bytes(document["leaf_hash"])
        if computed != stated:
            await self._fault("leaf_edited", seq)
        if claimed is not None and stated != claimed:
            await self._fault("leaf_hash_edited", seq)
        if outdated(document):
            self._result.outdated += 1
        elif not fields_hold(document):
            await self._fault(EDITED, seq)
        return claimed or stated

    async def _grow(self, start: int, hashes: list[bytes]) -> None:
        at = start
        for checkpoint in await self._trail.checkpoints_of(start + 1, start + len(hashes)):
            await self._tiles(self.edge.push(hashes[at - start : checkpoint.size - start]))
            at = checkpoint.size
            await self._checkpoint(checkpoint)
        await self._tiles(self.edge.push(hashes[at - start :]))

    async def _tiles(self, filled: list[FullTile]) -> None:
        for tile in filled:
            first = tile.index << (HEIGHT * (tile.level + 1))
            found = await self._trail.tiles.find_one({"_id": tile_id(tile.level, tile.index)})
            if found is None:
                await self._fault("tile_missing", first)
            elif bytes(found["hashes"]) != tile.hashes or bytes(found["root"]) != tile.root:
                await self._fault("tile_edited", first)

    async def _stored_tile(self, level: int, index: int) -> list[bytes]:
        found = await self._trail.tiles.find_one({"_id": tile_id(level, index)})
        try:
            return split_hashes(bytes(found["hashes"])) if found else []
        except ValueError:
            return []  # told of when the tile has been filled again

    async def _checkpoint(self, stored: Signed) -> None:
        try:
            signed = await self._opened(stored)
        except BadNote:
            return await self._fault("checkpoint_not_ours", stored.size)
        if (signed.size, signed.root) != (stored.size, stored.root):
            await self._fault("checkpoint_edited", stored.size)
        if signed.root != self.edge.root() and not self._contradicted:
            self._contradicted = True  # every later one contradicts too
            await self._fault("root_differs_from_checkpoint", stored.size)
        return None

    async def _opened(self, stored: Signed) -> Checkpoint:
        try:
            return open_checkpoint(stored.note.encode(), self._keys)
        except BadNote:
            # A key is stored before anything it signs: asked for now, it must be there.
            self._keys = await self._trusted()
        return open_checkpoint(stored.note.encode(), self._keys)

    async def end(self, begun: Document) -> None:
        """The root and the edge that the state carried when the pass began; and a checkpoint larger
        than the trail: then the end of the trail was taken away."""
        carried = begun.get("edge")  # an older version's state has none
        # Where an entry or a tile lacks or was edited, its own fault has been told.
        sound = all(fault.code in HARMLESS for fault in self._result.faults)
        if sound and self.edge.root() != begun["root"]:
            await self._fault("root_edited", begun["size"])
        if carried not in (None, self.edge.packed()) and self.edge.root() == begun["root"]:
            await self._fault("edge_edited", begun["size"])
        newest = await self._trail.newest()
        state = await self._trail.state()
        if newest is not None and newest.size > state["size"]:
            await self._fault("rolled_back", state["size"])

    async def _fault(self, code: str, seq: int) -> None:
        damage = Damaged(code, seq)
        if len(self._result.faults) < MAX_FAULTS:
            self._result.faults.append(damage)
            await self._found(damage)


def outdated(document: Document) -> bool:
    """Whether another version of this service wrote the search fields; `rebuild` writes them anew."""
    fields = document.get("fields")
    return isinstance(fields, dict) and "keys" in fields and fields.get("version") != VERSION


def fields_hold(document: Document) -> bool:
    """Whether an entry is found by what its leaf says. An older version stored the time beside."""
    try:
        found = search_from(document["leaf"])
        return all(document["fields"][name] == value for name, value in found.items())
    except (ValueError, KeyError, TypeError):
        return False  # then the leaf itself is told of
