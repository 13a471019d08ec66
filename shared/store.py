"""The one way to write: an aggregate and its events in a single-document write.

A document is the record's fields, `_id`, `version`, and `outbox`: the events not yet confirmed
by the broker. `outbox_due` exists only while the outbox is not empty. See docs/decisions/0001.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from opentelemetry.propagate import inject
from pymongo import ASCENDING
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from shared.clock import Clock, now
from shared.errors import AlreadyThere, NotFound, Outage
from shared.events import Event, EventData, schema_of
from shared.faults import point
from shared.ids import new_id
from shared.origin import Origin
from shared.records import Change, R, Record
from shared.relay import Relay

Document = dict[str, Any]
Database = AsyncDatabase[Document]
Collection = AsyncCollection[Document]

MAX_OUTBOX = 500
MAX_RACES = 50
AHEAD = 20

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
        self._ahead: dict[str, list[str]] = {}
        relay.watch(collection)

    async def prepare(
        self, *indexes: Sequence[tuple[str, int]], clocks: Sequence[str] = ()
    ) -> None:
        """Create the indexes; safe to repeat. A clock's index holds only records where it runs."""
        for clock in ("outbox_due", *clocks):
            # Sparse, not partial: the embedded store reads a partial index as no index at all.
            await self.collection.create_index([(clock, ASCENDING)], sparse=True)
        for index in indexes:
            await self.collection.create_index(list(index))

    async def add(
        self,
        record: R,
        *events: EventData,
        by: Origin,
        due: Mapping[str, datetime] | None = None,
    ) -> R:
        """Store a new record with its events and clocks. On return all are durable.

        Raises `AlreadyThere` when the id or a unique key is taken; nothing is written then.
        """
        if not events:
            raise ValueError("a new record without an event would be invisible to the trail")
        after = record.but(version=len(events))
        outbox = self._outbox(record.id, 0, events, by)
        document = {**_fields(after), "_id": record.id, "outbox": outbox}
        document |= {"outbox_due": self._due(), **(due or {})}
        point("store.before_write")
        await self._write(self.collection.insert_one(document))
        point("store.after_write")
        self._relay.nudge(self.collection, record.id, outbox)
        return after

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
        cursor = self.collection.find(dict(where), {"outbox": 0}).limit(limit)
        if sort:
            cursor = cursor.sort(list(sort))
        return [self._read(document) async for document in cursor]

    async def change(self, record_id: str, rule: Callable[[R], Change[R]], *, by: Origin) -> R:
        """Read, run the rule, and store the result if nobody else has changed the record since.

        A lost race reads again and runs the rule again, so the rule always decides on the state
        it replaces. What the rule raises passes through; nothing is written then. Raises
        `NotFound`, `AlreadyThere` when a unique key is taken, and `Outage` when the outbox is
        full or the race was lost too often.
        """
        for attempt in range(MAX_RACES):
            document = await self._document({"_id": record_id})
            before = self._read(document)
            change = rule(before)
            if not change.events:
                return before
            if len(document["outbox"]) + len(change.events) > MAX_OUTBOX:
                raise Outage("outbox_full")
            if await self._replace(before, change, by):
                return change.after.but(version=before.version + len(change.events))
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
        self, clock: str, lease: float, where: Mapping[str, Any] | None = None
    ) -> R | None:
        """One record whose clock has run out, for this caller alone during `lease` seconds.

        `where` leaves out records that this caller could do nothing with now.

        Nothing is settled by claiming: a rule that stops or moves the clock does that, and until
        then the record comes back after every lease. That is what makes a crash harmless.
        """
        at = self._clock()
        due: Document = {clock: {"$lte": at}, **(where or {})}
        ahead = self._ahead.setdefault(clock, [])
        while ahead or await self._look_ahead(ahead, due, clock):
            document = await self.collection.find_one_and_update(
                # Seen a while ago, perhaps with another `where`, perhaps by others too: asked again.
                {"_id": ahead.pop(), **due},
                {"$set": {clock: at + timedelta(seconds=lease)}},
            )
            if document is not None:
                return self._read(document)
        return None

    async def _look_ahead(self, ahead: list[str], due: Document, clock: str) -> bool:
        """Which are next, so that not every claim has to look through all that are due."""
        cursor = self.collection.find(due, {"_id": 1}).sort([(clock, ASCENDING)]).limit(AHEAD)
        ahead[:] = reversed([document["_id"] async for document in cursor])
        return bool(ahead)

    async def postpone(
        self, record_id: str, clock: str, until: datetime | None, *, version: int | None = None
    ) -> None:
        """Move a claimed clock, or stop it, if it still runs. No event: nothing has happened.

        With `version` only if the record is still that one: a change made meanwhile may have set
        the clock anew.
        """
        where: Document = {"_id": record_id, clock: {"$exists": True}}
        if version is not None:
            where["version"] = version
        update = {"$set": {clock: until}} if until else {"$unset": {clock: ""}}
        await self.collection.update_one(where, update)

    async def _replace(self, before: R, change: Change[R], by: Origin) -> bool:
        outbox = self._outbox(before.id, before.version, change.events, by)
        after = change.after.but(version=before.version + len(change.events))
        started = {name: at for name, at in change.due.items() if at is not None}
        update: Document = {
            "$set": {**_fields(after), "outbox_due": self._due(), **started},
            "$push": {"outbox": {"$each": outbox}},
        }
        if stopped := set(change.due) - set(started):
            update["$unset"] = dict.fromkeys(stopped, "")
        point("store.before_write")
        same = {"_id": before.id, "version": before.version}
        result = await self._write(self.collection.update_one(same, update))
        if result.matched_count == 0:
            return False
        point("store.after_write")
        self._relay.nudge(self.collection, before.id, outbox)
        return True

    async def _write(self, write: Coroutine[Any, Any, T]) -> T:
        try:
            return await asyncio.shield(write)
        except DuplicateKeyError:
            pass
        # Out here, so that nothing is chained: the server's message quotes the value of the key.
        raise AlreadyThere(self.collection.name)

    async def _document(self, where: Document) -> Document:
        document = await self.collection.find_one(where)
        if document is None:
            raise NotFound(self.collection.name)
        return document

    def _read(self, document: Document) -> R:
        return self._record.model_validate({**document, "id": document["_id"]})

    def _due(self) -> Any:
        # The writer publishes at once; the poller takes over when that has not happened by then.
        return self._clock() + timedelta(seconds=self._relay.lease)

    def _outbox(
        self, record_id: str, version: int, events: Sequence[EventData], by: Origin
    ) -> list[Document]:
        carrier: dict[str, str] = {}
        inject(carrier)
        entries = []
        for number, data in enumerate(events, start=version + 1):
            event = Event[Any](
                id=new_id("evt"),
                source=f"/services/{self._relay.service}",
                type=data.event_type,
                subject=record_id,
                time=self._clock(),
                dataschema=schema_of(type(data)),
                correlationid=getattr(data, "referral_id", None) or by.correlation_id or record_id,
                causationid=by.causation_id,
                traceparent=carrier.get("traceparent"),
                version=number,
                actor=by.actor,
                actorrole=by.role,
                data=data,
            )
            entries.append({"n": event.id, "body": event.body()})
        return entries


def _fields(record: Record) -> Document:
    return record.model_dump(exclude={"id"})
