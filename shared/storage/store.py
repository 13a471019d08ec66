"""The one way to write: an aggregate and its events in a single-document write.

A document is the record's fields, `_id`, `version`, `outbox`: the events not yet confirmed by the
broker, and timers. `outbox_due` exists only while the outbox is not empty; `sent`, since `sent_at`,
are events that were confirmed since the last tally. See docs/decisions/0001 and 1301.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from pymongo import ASCENDING

from shared.clock import Clock, now
from shared.errors import AlreadyThere, NotFound, Outage, RecordFull
from shared.events import EventData
from shared.messaging.relay import Relay
from shared.operating.failpoints import failpoint
from shared.origin import Origin
from shared.storage.claims import Claims
from shared.storage.documents import (
    Collection,
    Database,
    Document,
    fields_of,
    outbox_of,
    record_of,
)
from shared.storage.inserts import insert_in_order
from shared.storage.records import Change, New, R, timers_moved, timers_of_new
from shared.storage.writing import heed_backlog, written

__all__ = ["MAX_OUTBOX", "Collection", "Database", "Document", "Store"]

MAX_OUTBOX = 500
MAX_RACES = 50

T = TypeVar("T")


class Store(Generic[R]):
    """The records of one collection. Rules passed to `change` may run several times: keep them pure."""

    def __init__(
        self, collection: Collection, record: type[R], relay: Relay, *, clock: Clock = now
    ) -> None:
        self.collection = collection
        self._record = record
        self._relay = relay
        self._clock = clock
        self.claims = Claims(collection, clock)
        relay.watch(collection)

    async def prepare(
        self, *indexes: Sequence[tuple[str, int]], timers: Sequence[str] = ()
    ) -> None:
        """Create the indexes; safe to repeat. A timer's index holds only records where it runs."""
        for timer in ("outbox_due", "sent_at", *timers):
            # Sparse, not partial: the embedded store reads a partial index as no index at all.
            await self.collection.create_index([(timer, ASCENDING)], sparse=True)
        for index in indexes:
            await self.collection.create_index(list(index))

    async def add(
        self,
        record: R,
        *events: EventData,
        by: Origin,
        due: Mapping[str, datetime] | None = None,
    ) -> R:
        """Store a new record with its events and timers. On return all are durable.

        Raises `AlreadyThere` when the id or a unique key is taken, `RecordFull` where it is more than
        a document holds; nothing is written then.
        """
        new = New(record.stamped(None, self._clock()), events, due or {})
        document = self._document_of(new, by)
        failpoint("store.before_write")
        await self._write(self.collection.insert_one(document))
        failpoint("store.after_write")
        self._stored(document, timers_of_new(new))
        return new.record.but(version=len(events))

    async def add_many(self, new: Sequence[New[R]], *, by: Origin) -> set[str]:
        """Store new records in one write, in their order. Returns the ids that were there already:
        those stay, and each costs a write more.

        A crash leaves the first of them stored, each whole; the same call again adds the others.
        Raises `AlreadyThere` when another unique key than the id is taken; the others are stored then.
        """
        at = self._clock()
        new = [replace(each, record=each.record.stamped(None, at)) for each in new]
        documents = [self._document_of(each, by) for each in new]
        failpoint("store.before_write")
        refused = await insert_in_order(self.collection, documents)
        failpoint("store.after_write")
        for number, (each, document) in enumerate(zip(new, documents, strict=True)):
            if number not in refused:
                self._stored(document, timers_of_new(each))
        taken = {documents[number]["_id"] for number in refused}
        if taken and await self._count(taken) < len(taken):
            raise AlreadyThere(self.collection.name)
        return taken

    async def get(self, record_id: str) -> R:
        """The record as it is now. Raises `NotFound`."""
        return self._read(await self._document({"_id": record_id}))

    async def find(
        self,
        where: Mapping[str, Any],
        *,
        sort: Sequence[tuple[str, int]] = (),
        limit: int = 100,
    ) -> list[R]:
        """Up to `limit` records matching `where`."""
        cursor = self.collection.find(dict(where), {"outbox": 0, "sent": 0}).limit(limit)
        if sort:
            cursor = cursor.sort(list(sort))
        return [self._read(document) async for document in cursor]

    async def change(
        self, record_id: str, rule: Callable[[R], Change[R]], *, by: Origin, seen: R | None = None
    ) -> R:
        """Read, run the rule, and store the result if nobody else has changed the record since.

        The first attempt decides on `seen`, if the caller has just read the record. A lost race
        reads again and runs the rule again, so the rule always decides on the state it replaces.
        What the rule raises passes through; nothing is written then. Raises `NotFound`,
        `AlreadyThere` when a unique key is taken, `RecordFull` where the record has grown to what a
        document holds, and `Outage` for a full outbox or too many races.
        """
        for attempt in range(MAX_RACES):
            waiting = 0  # not known of what was seen: `_replace` leaves a full outbox alone
            if seen is None or attempt:
                document = await self._document({"_id": record_id})
                seen, waiting = self._read(document), len(document["outbox"])
            change = rule(seen)
            if not change.events:
                return seen
            if waiting + len(change.events) > MAX_OUTBOX:
                raise Outage("outbox_full")
            after = change.after.stamped(seen, self._clock())
            after = after.but(version=seen.version + len(change.events))
            if await self._replace(seen, after, change, by):
                return after
            # Not stamina: it retries after an exception, and a race that is lost raises none.
            await asyncio.sleep(random.uniform(0, 0.002 * 2 ** min(attempt, 6)))  # noqa: S311
        raise Outage("contention")

    async def add_or_change(
        self, record: R, *events: EventData, rule: Callable[[R], Change[R]], by: Origin
    ) -> R:
        """Add the record, or, where its id is there already, let the rule change what is there."""
        try:
            return await self.add(record, *events, by=by)
        except AlreadyThere:
            return await self.change(record.id, rule, by=by)

    async def claim(
        self, timer: str, lease: float, where: Mapping[str, Any] | None = None
    ) -> R | None:
        """One record whose timer has run out, for this caller alone during `lease` seconds.

        `where` leaves out records that this caller could do nothing with now.
        Nothing is settled by claiming: a rule that stops or moves the timer does that, and until
        then the record comes back after every lease. That is what makes a crash harmless.
        """
        document = await self.claims.claim(timer, lease, where)
        return None if document is None else self._read(document)

    async def postpone(
        self, record_id: str, timer: str, until: datetime | None, *, version: int | None = None
    ) -> None:
        """Move a claimed timer, or stop it, if it still runs. No event: nothing has happened.

        With `version` only if the record is still that one: a change made meanwhile may have set
        the timer anew.
        """
        await self.claims.postpone(record_id, timer, until, version)

    async def _replace(self, before: R, after: R, change: Change[R], by: Origin) -> bool:
        outbox = self._outbox(before.id, before.version, change.events, by)
        moved = timers_moved(before, change)
        started = {name: at for name, at in moved.items() if at is not None}
        update: Document = {
            "$set": {**fields_of(after), "outbox_due": self._due(), **started},
            "$push": {"outbox": {"$each": outbox}},
        }
        if stopped := set(moved) - set(started):
            update["$unset"] = dict.fromkeys(stopped, "")
        failpoint("store.before_write")
        same: Document = {"_id": before.id, "version": before.version}
        same[f"outbox.{MAX_OUTBOX - len(outbox)}"] = {"$exists": False}
        try:
            result = await self._write(self.collection.update_one(same, update))
        except RecordFull:
            await heed_backlog(self.collection, before.id)
            raise
        if result.matched_count == 0:
            return False
        failpoint("store.after_write")
        self._stored({"_id": before.id, "outbox": outbox}, moved)
        return True

    def _stored(self, document: Document, due: Mapping[str, datetime | None]) -> None:
        self._relay.publish_soon(self.collection, document["_id"], document["outbox"])
        self.claims.moved(due)

    async def _count(self, ids: set[str]) -> int:
        return await self.collection.count_documents({"_id": {"$in": sorted(ids)}})

    async def _write(self, write: Coroutine[Any, Any, T]) -> T:
        return await written(write, self.collection.name)

    async def _document(self, where: Document) -> Document:
        document = await self.collection.find_one(where, {"sent": 0})
        if document is None:
            raise NotFound(self.collection.name)
        return document

    def _read(self, document: Document) -> R:
        return record_of(self._record, document)

    def _document_of(self, new: New[R], by: Origin) -> Document:
        if not new.events:
            raise ValueError("a new record without an event would be invisible to the trail")
        after = new.record.but(version=len(new.events))
        outbox = self._outbox(after.id, 0, new.events, by)
        document = {**fields_of(after), "_id": after.id, "outbox": outbox}
        return document | {"outbox_due": self._due(), **timers_of_new(new)}

    def _due(self) -> Any:
        # The writer publishes at once; the poller takes over when that has not happened by then.
        return self._clock() + timedelta(seconds=self._relay.lease)

    def _outbox(
        self, record_id: str, version: int, events: Sequence[EventData], by: Origin
    ) -> list[Document]:
        service = self._relay.service
        return outbox_of(record_id, version, events, by=by, service=service, clock=self._clock)
