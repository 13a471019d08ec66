"""The one writer of the trail: events in, entries and tiles and a new state out.

One writer at a time holds a lease in `state` with a fencing epoch. A batch is up to three writes:
the entries, the tiles they fill, then `state` from (size, epoch) to the new size, root and feed
offset. A crash between them leaves entries, perhaps tiles, behind the size; whoever takes the
lease next rolls them forward. Nothing counts before `state` says so.
"""

import asyncio
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pymongo.errors import BulkWriteError, DuplicateKeyError

from services.audit import gauges
from services.audit.domain.edge import Edge, FullTile
from services.audit.domain.fields import fields_of, search_of
from services.audit.domain.leaf import OURS, Leaf, conflict_of, leaf_of, same_event
from services.audit.domain.tree import leaf_hash
from services.audit.signer import Signer
from services.audit.store import STATE, Damaged, Trail, tile_id
from shared.bus import Entry
from shared.cancellation import heed
from shared.clock import Clock, now
from shared.faults import point
from shared.ids import new_id
from shared.store import Document
from shared.telemetry import log

LEASE = timedelta(seconds=15)


class Fenced(Exception):
    """Another writer has the trail now."""


class Taken(Exception):
    """A place in the log, or the id of an event, is taken already."""


@dataclass(frozen=True)
class Head:
    """Where this writer stands: the state it wrote or took, and the right edge of the tree."""

    size: int
    offset: int | None
    epoch: int
    edge: Edge
    recorded_at: datetime | None


class Sequencer:
    """Appends to the trail while it holds the lease."""

    def __init__(
        self, trail: Trail, signer: Signer, *, lease: timedelta = LEASE, clock: Clock = now
    ) -> None:
        self._trail, self._signer, self._lease, self._clock = trail, signer, lease, clock
        self.me = new_id("writer")
        self._head: Head | None = None
        self._lock = asyncio.Lock()

    @property
    def writing(self) -> bool:
        """Whether this process believes to be the writer; only `state` knows for certain."""
        return self._head is not None

    async def last_offset(self) -> int | None:
        """Take the lease (waiting for it if another writer has it) and say where to read on."""
        async with self._lock:
            self._head = None
            self._head = await self._take()
            return self._head.offset

    async def append(self, batch: Sequence[Entry]) -> None:
        """Append the events of a batch that are not there yet, in order. Safe to repeat.

        Raises `Fenced` when another writer has taken over; then nothing of the batch counts
        unless that writer adopts it.
        """
        async with self._lock:
            head = self._head or await self._take()
            self._head = None  # whatever happens in between, look again before writing on
            self._head = await self._append(head, batch)

    async def _append(self, head: Head, batch: Sequence[Entry]) -> Head:
        offsets = [entry.offset for entry in batch if entry.offset is not None]
        offset = max(offsets) if offsets else head.offset
        bodies = [entry.message.body for entry in batch]
        try:
            return await self._write(head, self._leaves(head, bodies, {}), offset)
        except Taken:
            pass  # an event came again, or a fenced writer's entries lie behind the size
        head = await self._take()
        known = await self._known(head, bodies)
        try:
            return await self._write(head, self._leaves(head, bodies, known), offset)
        except Taken:
            raise Fenced from None

    def _leaves(self, head: Head, bodies: Sequence[bytes], known: dict[str, bytes]) -> list[Leaf]:
        """The leaves to append. The same id and event again: nothing. Other bytes: a conflict."""
        at, held = self._recorded_at(head)
        seen, fresh = dict(known), []
        for body in bodies:
            leaf = leaf_of(body, at, held=held)
            if (stored := seen.get(leaf.entry_id)) is not None:
                if leaf.entry_id.startswith(OURS) or same_event(stored, leaf):
                    continue
                leaf = conflict_of(stored, body, at, held=held)
                gauges.conflict(leaf.event["data"]["event_id"])
                if leaf.entry_id in seen:
                    continue
            seen[leaf.entry_id] = leaf.raw
            fresh.append(leaf)
        return fresh

    async def _known(self, head: Head, bodies: Iterable[bytes]) -> dict[str, bytes]:
        at, _ = self._recorded_at(head)
        leaves = [leaf_of(body, at) for body in bodies]
        known = await self._stored([leaf.entry_id for leaf in leaves])
        conflicts = [
            conflict_of(known[leaf.entry_id], body, at).entry_id
            for leaf, body in zip(leaves, bodies, strict=True)
            if leaf.entry_id in known and not same_event(known[leaf.entry_id], leaf)
        ]
        return known | await self._stored(conflicts)

    async def _stored(self, ids: list[str]) -> dict[str, bytes]:
        cursor = self._trail.entries.find({"_id": {"$in": ids}}, {"leaf": 1})
        return {document["_id"]: bytes(document["leaf"]) async for document in cursor}

    def _recorded_at(self, head: Head) -> tuple[datetime, bool]:
        # A clock that jumps back is held at the last entry's time, and the leaf says so.
        at = self._clock()
        if head.recorded_at is not None and at < head.recorded_at:
            return head.recorded_at, True
        return at, False

    async def _write(self, head: Head, leaves: Sequence[Leaf], offset: int | None) -> Head:
        if leaves:
            await self._insert([_document(leaf, n) for n, leaf in enumerate(leaves, head.size)])
        point("trail.after_entries")
        edge = head.edge.copy()
        await self._fill(edge.push([leaf.leaf_hash for leaf in leaves]))
        point("trail.after_tiles")
        # Not the clock again: it may have jumped back since.
        at = datetime.fromisoformat(leaves[-1].recorded_at) if leaves else head.recorded_at
        after = await self._move(head, edge, offset, at)
        point("trail.after_state")
        gauges.appended([leaf.event["type"] for leaf in leaves], after.size)
        return after

    async def _insert(self, documents: list[Document]) -> None:
        try:
            await self._trail.entries.insert_many(documents, ordered=True)
        except BulkWriteError as error:
            # Never chained: the server's message quotes the document.
            codes = {fault.get("code") for fault in error.details.get("writeErrors", ())}
            if codes != {11000}:
                raise RuntimeError("entries were not inserted") from None
        else:
            return
        raise Taken

    async def _fill(self, filled: Iterable[FullTile]) -> None:
        """Store full tiles. One may be there from before a crash: then it must be the same."""
        for tile in filled:
            key = {"_id": tile_id(tile.level, tile.index)}
            try:
                await self._trail.tiles.insert_one({**key, **vars(tile)})
            except DuplicateKeyError:
                there = await self._trail.tiles.find_one(key) or {}
                if there.get("hashes") != tile.hashes or there.get("root") != tile.root:
                    raise Damaged("tile_differs", tile.index << 8 * (tile.level + 1)) from None

    async def _move(
        self, head: Head, edge: Edge, offset: int | None, recorded_at: datetime | None
    ) -> Head:
        fields = {"size": edge.size, "root": edge.root(), "edge": edge.packed(), "offset": offset}
        result = await self._trail.states.update_one(
            {"_id": STATE, "size": head.size, "epoch": head.epoch, "holder": self.me},
            {"$set": {**fields, "lease_until": self._clock() + self._lease}},
        )
        if result.matched_count == 0:
            raise Fenced
        return Head(edge.size, offset, head.epoch, edge, recorded_at)

    async def _take(self) -> Head:
        while True:
            heed()
            state = await self._trail.state()
            if state["holder"] in (None, self.me) or state["lease_until"] < self._clock():
                epoch = state["epoch"] + 1
                lease = {"holder": self.me, "lease_until": self._clock() + self._lease}
                result = await self._trail.states.update_one(
                    {"_id": STATE, "epoch": state["epoch"], "size": state["size"]},
                    {"$set": {**lease, "epoch": epoch}},
                )
                if result.matched_count:
                    return await self._stand({**state, "epoch": epoch})
            await asyncio.sleep(min(0.5, self._lease.total_seconds() / 4))

    async def _stand(self, state: Document) -> Head:
        """Stand where the state says, having checked it against the newest checkpoint, and roll
        forward. A trail that contradicts its checkpoint gets no further entry: raises `Damaged`."""
        try:
            edge = await self._signer.checked_edge(state, await self._trail.newest())
        except Damaged as damage:
            await self._signer.freeze(damage)
            raise
        head = Head(
            state["size"], state["offset"], state["epoch"], edge, await self._last(edge.size)
        )
        return await self._roll_forward(head)

    async def _last(self, size: int) -> datetime | None:
        document = await self._trail.entry(size - 1) if size else None
        return (
            datetime.fromisoformat(json.loads(document["leaf"])["recorded_at"])
            if document
            else None
        )

    async def _roll_forward(self, head: Head) -> Head:
        """Adopt entries that a crash left behind the size: they are in order and have their ids."""
        edge = head.edge.copy()
        cursor = self._trail.entries.find(
            {"seq": {"$gte": head.size}}, {"seq": 1, "leaf": 1, "leaf_hash": 1}
        ).sort("seq", 1)
        async for document in cursor:
            if (damage := _stray_damage(document, edge.size)) is not None:
                await self._signer.freeze(damage)
                raise damage
            await self._fill(edge.push([bytes(document["leaf_hash"])]))
        if edge.size == head.size:
            return head
        log.warning("trail.rolled_forward", count=edge.size - head.size)
        return await self._move(head, edge, head.offset, await self._last(edge.size))

    async def keep_lease(self) -> None:
        """Renew the lease while idle, so that a standby doesn't take over from a quiet writer."""
        while True:
            heed()
            await asyncio.sleep(self._lease.total_seconds() / 3)
            async with self._lock:
                if self._head is not None:
                    head, self._head = self._head, None
                    self._head = await self._renewed(head)

    async def _renewed(self, head: Head) -> Head | None:
        try:
            return await self._move(head, head.edge, head.offset, head.recorded_at)
        except Fenced:
            return None


def _stray_damage(document: Document, expected: int) -> Damaged | None:
    if document["seq"] != expected:
        return Damaged("entry_missing", expected)
    if leaf_hash(document["leaf"]) != document["leaf_hash"]:
        return Damaged("leaf_edited", expected)
    return None


def _document(leaf: Leaf, seq: int) -> Document:
    return {
        "_id": leaf.entry_id,
        "seq": seq,
        "leaf": leaf.raw,
        "leaf_hash": leaf.leaf_hash,
        "fields": search_of(fields_of(leaf.event)),
    }
