"""The one writer of the trail: events in, entries and tiles and a new state out.

One writer at a time holds a lease in `state` with a fencing epoch (`log.lease`). A batch is up to
three writes (`log.writes`).
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from services.audit.log import gauges
from services.audit.log.batch import Batch, Foreign, confirmed
from services.audit.log.head import Fenced, Head, PlaceTaken
from services.audit.log.leaf import Leaf, replaced_leaf
from services.audit.log.lease import Lease
from services.audit.log.signer import Signer
from services.audit.log.store import Trail
from services.audit.log.writes import Writes
from shared.clock import Clock, now
from shared.ids import new_id
from shared.messaging.bus import Entry
from shared.messaging.marks import Break, Mark
from shared.operating.cancellation import raise_if_cancelled
from shared.operating.failpoints import failpoint
from shared.operating.telemetry import log

LEASE = timedelta(seconds=15)
CONFLICT = "trail.conflict"


class Sequencer:
    """Appends to the trail while it holds the lease."""

    def __init__(
        self,
        trail: Trail,
        signer: Signer,
        *,
        lease: timedelta = LEASE,
        clock: Clock = now,
        writer_id: str | None = None,
    ) -> None:
        self._trail, self._clock = trail, clock
        self.writer_id = writer_id or new_id("writer")
        self._lease = Lease(trail, signer, self.writer_id, lease, clock)
        self._writes = Writes(trail, self.writer_id, lease, clock)
        self._head: Head | None = None
        self._appending = False
        self._lock = asyncio.Lock()

    @property
    def writing(self) -> bool:
        """Whether this process believes to be the writer, an append under way or not; only
        `state` knows for certain."""
        return self._head is not None or self._appending

    async def last_read(self) -> Mark | None:
        """Take the lease (waiting for it if another writer has it) and say where to read on."""
        async with self._lock:
            self._head = None
            self._head = await self._lease.take()
            self._trail.growth.tell()  # what the writer before left unsealed is for us to seal
            return self._head.read

    async def append(self, batch: Sequence[Entry]) -> None:
        """Append the events of a batch that are not there yet, in order. Safe to repeat.

        Raises `Fenced` when another writer has taken over; then nothing of the batch counts
        unless that writer adopts it.
        """
        async with self._lock:
            head = self._head or await self._lease.take()
            self._head = None  # whatever happens in between, look again before writing on
            self._appending = True
            try:
                self._head = await self._append(head, batch)
            finally:
                self._appending = False
        self._trail.growth.tell()

    async def broken(self, found: Break) -> None:
        """Record that the feed is another than the one that was read, and read it from its beginning:
        what is an entry already is none again. Safe to repeat: one entry for one break.

        Raises `Fenced` as `append`.
        """
        gauges.stream_replaced(found)
        async with self._lock:
            head = self._head or await self._lease.take()
            self._head = None
            self._appending = True
            try:
                self._head = await self._said(head, found)
            finally:
                self._appending = False
        self._trail.growth.tell()

    async def _said(self, head: Head, found: Break) -> Head:
        head = await self._lease.adopted(head)  # the feed that could confirm them is gone
        at, held = head.time_after(self._clock())
        leaf = replaced_leaf(found, at, held=held)
        # After a crash it may have been rolled forward before the state forgot the mark.
        new = [] if await self._stored([leaf.entry_id], head.size) else [leaf]
        try:
            return await self._written(head, new, None)
        except PlaceTaken:
            raise Fenced from None

    async def _append(self, head: Head, entries: Sequence[Entry]) -> Head:
        marks = [entry.mark for entry in entries if entry.mark is not None]
        read = marks[-1] if marks else head.read
        bodies = [entry.message.body for entry in entries]
        if not head.strays:
            try:
                return await self._written(head, self._batch(head, bodies).new({}), read)
            except PlaceTaken:
                head = await self._lease.take()  # an event came again, or a fenced writer's did
        if not marks:
            # Within one process there is no order that a restart keeps, and nothing to compare with.
            head = await self._lease.adopted(head)
        batch = self._batch(head, bodies)
        stored = await self._stored(batch.ids(), head.size)
        stored |= await self._stored(batch.conflicts(stored), head.size)
        try:
            return await self._confirmed(head, batch.new(stored), read)
        except PlaceTaken:
            raise Fenced from None

    async def _confirmed(self, head: Head, leaves: list[Leaf], read: Mark | None) -> Head:
        """These leaves, of which the first may be entries already, as they lie behind the size."""
        try:
            there = confirmed(head.strays, leaves)
        except Foreign as foreign:
            raise await self._lease.foreign(head.size + foreign.place) from None
        if there:
            failpoint("trail.before_roll_forward")
            log.warning("trail.rolled_forward", count=there)
        whole = [*head.strays[:there], *leaves[there:]]
        after = await self._written(head, whole, read, there=there)
        return replace(after, strays=head.strays[there:])

    def _batch(self, head: Head, bodies: Sequence[bytes]) -> Batch:
        last = head.strays[-1].recorded_at if head.strays else None
        behind = replace(head, recorded_at=datetime.fromisoformat(last)) if last else head
        return Batch(bodies, *behind.time_after(self._clock()))

    async def _written(
        self, head: Head, leaves: list[Leaf], read: Mark | None, *, there: int = 0
    ) -> Head:
        after = await self._writes.append(head, leaves, read, there=there)
        for leaf in leaves:
            if leaf.event["type"] == CONFLICT:
                gauges.conflict(leaf.event["data"]["event_id"])
        return after

    async def _stored(self, ids: list[str], size: int) -> dict[str, bytes]:
        """The leaves of those that count."""
        if not ids:
            return {}
        where = {"_id": {"$in": ids}, "seq": {"$lt": size}}
        cursor = self._trail.entries.find(where, {"leaf": 1})
        return {document["_id"]: bytes(document["leaf"]) async for document in cursor}

    async def renew_lease(self) -> None:
        """Renew the lease while idle, so that a standby doesn't take over from a quiet writer."""
        while True:
            raise_if_cancelled()
            await asyncio.sleep(self._lease.lasts.total_seconds() / 3)
            async with self._lock:
                if self._head is not None:  # kept meanwhile: the renewal changes nothing in it
                    self._head = await self._lease.renewed(self._head)
