"""The trail as stored: `entries` are only ever inserted, and one `state` document moves on.

One writer at a time holds a lease in `state` with a fencing epoch. A batch is two writes: insert
the entries, then move `state` from (size, epoch) to the new size and feed offset. A crash between
them leaves entries behind the size; whoever takes the lease next rolls them forward.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from pymongo.errors import BulkWriteError, DuplicateKeyError

from services.audit.domain import Leaf, leaf_of
from shared.bus import Entry
from shared.clock import now
from shared.faults import point
from shared.ids import new_id
from shared.store import Database, Document
from shared.telemetry import log

LEASE = timedelta(seconds=15)
STATE = "trail"


class Fenced(Exception):
    """Another writer has the trail now."""


class Trail:
    """Appends to and reads from the trail."""

    def __init__(self, database: Database) -> None:
        self._entries, self._state = database["entries"], database["state"]
        self._me = new_id("writer")
        self._head: Document | None = None
        self._lock = asyncio.Lock()

    async def prepare(self) -> None:
        """Create the indexes and the first state; safe to repeat."""
        await self._entries.create_index("seq", unique=True)
        for name in ("type", "referral_id", "actor"):
            await self._entries.create_index([(f"fields.{name}", 1), ("seq", 1)])
        first = {"_id": STATE, "size": 0, "offset": None, "epoch": 0, "holder": None}
        with contextlib.suppress(DuplicateKeyError):  # the trail exists
            await self._state.insert_one({**first, "lease_until": now()})

    async def last_offset(self) -> int | None:
        """Take the lease (waiting for it if another writer has it) and say where to read on."""
        async with self._lock:
            self._head = None
            offset: int | None = (await self._take())["offset"]
            return offset

    async def append(self, batch: Sequence[Entry]) -> None:
        """Append the events of a batch that are not there yet, in order. Safe to repeat.

        Raises `Fenced` when another writer has taken over; then nothing of the batch counts.
        """
        async with self._lock:
            head = self._head or await self._take()
            try:
                self._head = await self._append(head, batch)
            except BaseException:
                self._head = None  # whatever happened, look again before writing on
                raise

    async def _append(self, head: Document, batch: Sequence[Entry]) -> Document:
        leaves: dict[str, Leaf] = {}
        for entry in batch:
            leaf = leaf_of(entry.message.body, now())
            leaves.setdefault(leaf.entry_id, leaf)
        cursor = self._entries.find({"_id": {"$in": list(leaves)}}, {"_id": 1})
        known = {document["_id"] async for document in cursor}
        fresh = [leaf for leaf in leaves.values() if leaf.entry_id not in known]
        size: int = head["size"]
        if fresh:
            try:
                await self._entries.insert_many(
                    [_document(leaf, seq) for seq, leaf in enumerate(fresh, start=size)]
                )
            except BulkWriteError:
                # A seq or id is taken: a second writer. (Never chained: it quotes the documents.)
                raise Fenced from None
        point("trail.after_entries")
        offsets = [entry.offset for entry in batch if entry.offset is not None]
        offset = max(offsets) if offsets else head["offset"]
        after = await self._move(head, {"size": size + len(fresh), "offset": offset})
        point("trail.after_state")
        return after

    async def _move(self, head: Document, fields: Document) -> Document:
        lease_until = now() + LEASE
        result = await self._state.update_one(
            {"_id": STATE, "size": head["size"], "epoch": head["epoch"], "holder": self._me},
            {"$set": {**fields, "lease_until": lease_until}},
        )
        if result.matched_count == 0:
            raise Fenced
        return {**head, **fields, "lease_until": lease_until}

    async def _take(self) -> Document:
        while True:
            head = await self._state.find_one({"_id": STATE})
            if head is None:
                raise LookupError("the trail has not been prepared")
            if head["holder"] in (None, self._me) or head["lease_until"] < now():
                taken = {
                    "holder": self._me,
                    "epoch": head["epoch"] + 1,
                    "lease_until": now() + LEASE,
                }
                result = await self._state.update_one(
                    {"_id": STATE, "epoch": head["epoch"], "size": head["size"]}, {"$set": taken}
                )
                if result.matched_count:
                    return await self._roll_forward({**head, **taken})
            await asyncio.sleep(0.5)

    async def _roll_forward(self, head: Document) -> Document:
        """Adopt entries that a crash left behind the size: they are in order and have their ids."""
        size: int = head["size"]
        async for document in self._entries.find({"seq": {"$gte": size}}, {"seq": 1}).sort(
            "seq", 1
        ):
            if document["seq"] != size:
                log.error("trail.hole", count=size)
                raise LookupError("the entries behind the trail's size are not contiguous")
            size += 1
        if size == head["size"]:
            return head
        log.warning("trail.rolled_forward", count=size - head["size"])
        return await self._move(head, {"size": size, "offset": head["offset"]})

    async def keep_lease(self) -> None:
        """Renew the lease while idle, so that a standby doesn't take over from a quiet writer."""
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 3)
            async with self._lock:
                if self._head is not None:
                    try:
                        self._head = await self._move(self._head, {})
                    except Fenced:
                        self._head = None

    async def size(self) -> int:
        """How many entries count; what lies behind is not part of the trail yet."""
        head = await self._state.find_one({"_id": STATE})
        return int(head["size"]) if head else 0

    async def find(
        self, where: dict[str, str], *, after: int, size: int, limit: int
    ) -> list[dict[str, Any]]:
        """Entries with `after` < seq < `size` whose fields match, in order."""
        query: Document = {f"fields.{name}": value for name, value in where.items()}
        query["seq"] = {"$gt": after, "$lt": size}
        return [d async for d in self._entries.find(query).sort("seq", 1).limit(limit)]


def _document(leaf: Leaf, seq: int) -> Document:
    return {
        "_id": leaf.entry_id,
        "seq": seq,
        "leaf": leaf.raw,
        "leaf_hash": leaf.leaf_hash,
        "fields": leaf.fields,
    }
