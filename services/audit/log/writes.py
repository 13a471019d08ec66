"""The three writes of an append: entries, the tiles they fill, then the state that makes them count.

A crash between them leaves entries, perhaps tiles, behind the size; whoever takes the lease next
has them count once the feed gives their events again (`log.lease`). Nothing counts before `state` says so.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from pymongo.errors import BulkWriteError, DuplicateKeyError

from services.audit.log import gauges
from services.audit.log.damage import Damaged
from services.audit.log.edge import Edge, FullTile
from services.audit.log.hashes import tile_id
from services.audit.log.head import Fenced, Head, PlaceTaken
from services.audit.log.leaf import Leaf
from services.audit.log.store import STATE, Trail
from services.audit.search.fields import fields_of, search_of
from shared.clock import Clock
from shared.messaging.marks import Mark
from shared.operating.failpoints import failpoint
from shared.storage.store import Document


class Writes:
    """The writes of one writer. Each names its epoch: a fenced writer's state never moves."""

    def __init__(self, trail: Trail, writer_id: str, lease: timedelta, clock: Clock) -> None:
        self._trail, self._writer_id, self._lease, self._clock = trail, writer_id, lease, clock

    async def append(
        self, head: Head, leaves: Sequence[Leaf], read: Mark | None, *, there: int = 0
    ) -> Head:
        """All three; the first `there` leaves are entries already.

        Raises `PlaceTaken` having written at most a part of the entries, and `Fenced`.
        """
        if new := leaves[there:]:
            await self._insert(
                [_document(leaf, n) for n, leaf in enumerate(new, head.size + there)]
            )
        failpoint("trail.after_entries")
        edge = head.edge.copy()
        await self.fill(edge.push([leaf.leaf_hash for leaf in leaves]))
        failpoint("trail.after_tiles")
        # Not the clock again: it may have jumped back since.
        at = datetime.fromisoformat(leaves[-1].recorded_at) if leaves else head.recorded_at
        after = await self.move(head, edge, read, at)
        failpoint("trail.after_state")
        self._trail.unsealed.grown(after.size)
        if leaves and at:
            gauges.lag(leaves[-1].event.get("time"), at)
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
        raise PlaceTaken

    async def fill(self, filled: Iterable[FullTile]) -> None:
        """Store full tiles. One may be there from before a crash: then it must be the same."""
        for tile in filled:
            key = {"_id": tile_id(tile.level, tile.index)}
            try:
                await self._trail.tiles.insert_one({**key, **vars(tile)})
            except DuplicateKeyError:
                there = await self._trail.tiles.find_one(key) or {}
                if there.get("hashes") != tile.hashes or there.get("root") != tile.root:
                    raise Damaged("tile_differs", tile.index << 8 * (tile.level + 1)) from None

    async def move(
        self, head: Head, edge: Edge, read: Mark | None, recorded_at: datetime | None
    ) -> Head:
        """The state from this head to this edge, and the lease renewed. Raises `Fenced`."""
        fields = {"size": edge.size, "root": edge.root(), "edge": edge.packed()}
        fields |= {"offset": read and read.offset, "digest": read and read.digest}
        result = await self._trail.states.update_one(
            {"_id": STATE, "size": head.size, "epoch": head.epoch, "holder": self._writer_id},
            {"$set": {**fields, "lease_until": self._clock() + self._lease}},
        )
        if result.matched_count == 0:
            raise Fenced
        return replace(head, size=edge.size, read=read, edge=edge, recorded_at=recorded_at)


def recorded_at(document: Document) -> datetime:
    """The time at which a stored entry was recorded."""
    return datetime.fromisoformat(json.loads(document["leaf"])["recorded_at"])


def _document(leaf: Leaf, seq: int) -> Document:
    return {
        "_id": leaf.entry_id,
        "seq": seq,
        "leaf": leaf.raw,
        "leaf_hash": leaf.leaf_hash,
        "fields": search_of(fields_of(leaf.event)),
    }
