"""Tallies: each service says which events it has sent, so that a lost one is known by its id.

Which were confirmed since the last tally stands in `sent`, beside each record's outbox. A tally takes
them into the archive, says their ids in one event, and clears `sent`, in this order: whatever a crash
or a second replica repeats is said twice, and nothing is left out. What the trail then lacks is asked
for (`trail.events_missing`) and goes back from the archive into an outbox. After the broker or a
consumer's database was lost, all of a time goes back (`again_since`).
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from pymongo.errors import DuplicateKeyError

from shared.clock import Clock, now
from shared.events import Event
from shared.events.trail import TrailEventsMissing, TrailSentAgainAsked, TrailTallied
from shared.messaging.dispatch import Handlers, on
from shared.messaging.relay import Collection, Relay
from shared.operating.cancellation import raise_if_cancelled
from shared.operating.failpoints import failpoint
from shared.origin import Origin
from shared.storage.inserts import insert_in_order
from shared.storage.records import Change, Record
from shared.storage.store import Database, Store

MOST = 500
# As long as the broker's stream keeps them.
KEPT = timedelta(days=30)


class Tally(Record):
    """The newest tally of a service; its version counts them."""

    taken_at: datetime


class Tallies:
    """Of one service: one tally in `every` seconds, whatever happened or did not."""

    def __init__(
        self,
        database: Database,
        relay: Relay,
        *,
        every: float,
        kept: timedelta = KEPT,
        clock: Clock = now,
    ) -> None:
        self._service, self._relay = relay.service, relay
        self._every, self._kept, self._clock = every, kept, clock
        self._id = f"tally_{relay.service}"
        self._store = Store(database["tallies"], Tally, relay, clock=clock)
        self._turns, self._archive = database["tally_turns"], database["sent"]
        relay.watch(self._archive)

    @property
    def handlers(self) -> Handlers:
        """What it handles, by queue."""
        lost = [on(TrailEventsMissing, self._again), on(TrailSentAgainAsked, self._all_again)]
        return {f"{self._service}.sent": lost}

    async def prepare(self) -> None:
        """Create the indexes; safe to repeat."""
        await self._store.prepare()
        for field in ("outbox_due", "sent_at"):
            await self._archive.create_index([(field, 1)], sparse=True)
        await self._archive.create_index([("at", 1)])

    async def run(self) -> None:
        """A tally when it is time, by one replica, until cancelled."""
        while True:
            raise_if_cancelled()
            await asyncio.sleep(self._every / 3)
            if await self._is_time():
                await self.take()
                await self._archive.delete_many(
                    {"at": {"$lt": self._clock() - self._kept}, "outbox_due": {"$exists": False}}
                )

    async def _is_time(self) -> bool:
        at = self._clock()
        try:
            found = await self._turns.find_one_and_update(
                {"_id": self._id, "next": {"$lte": at}},
                {"$set": {"next": at + timedelta(seconds=self._every)}},
                upsert=True,
            )
        except DuplicateKeyError:
            return False  # it is there, and not due
        return found is not None

    async def take(self) -> None:
        """Tally everything that was confirmed until now. Safe to repeat."""
        while True:
            found = await self._confirmed()
            entries = {entry["n"]: entry["body"] for _, _, entry in found}
            await self._archived(entries)
            failpoint("tally.after_archive")
            await self._tallied(sorted(entries))
            failpoint("tally.after_telling")
            await self._cleared(found)
            if len(found) < MOST:
                return

    async def _confirmed(self) -> list[tuple[Collection, str, dict[str, str]]]:
        """At most so many as one tally holds."""
        found: list[tuple[Collection, str, dict[str, str]]] = []
        for collection in self._relay.collections:
            where = {"sent_at": {"$lte": self._clock()}}
            async for record in collection.find(where, {"sent": 1}).sort("sent_at", 1).limit(MOST):
                found += [(collection, record["_id"], entry) for entry in record["sent"]]
                if len(found) >= MOST:
                    return found[:MOST]
        return found

    async def _archived(self, entries: dict[str, str]) -> None:
        kept = [
            {"_id": n, "body": body, "at": self._clock(), "outbox": []}
            for n, body in entries.items()
        ]
        await insert_in_order(self._archive, kept)

    async def _tallied(self, event_ids: Sequence[str]) -> None:
        tally, event = (
            Tally(id=self._id, taken_at=self._clock()),
            TrailTallied(event_ids=tuple(event_ids)),
        )

        def again(before: Tally) -> Change[Tally]:
            return Change(before.but(taken_at=tally.taken_at), (event,))

        await self._store.add_or_change(
            tally, event, rule=again, by=Origin.of_service(self._service)
        )

    async def _cleared(self, found: Sequence[tuple[Collection, str, dict[str, str]]]) -> None:
        for collection in {one.name: one for one, _, _ in found}.values():
            of_it = [one for one in found if one[0].name == collection.name]
            ids = sorted({record_id for _, record_id, _ in of_it})
            update = _cleared_of([entry["n"] for _, _, entry in of_it])
            await collection.update_many({"_id": {"$in": ids}}, update)
            failpoint("tally.after_clearing_one")

    async def _again(self, event: Event[TrailEventsMissing]) -> None:
        """Send these again. The relay finds them in the archive as what a crash left behind."""
        if event.data.service != self._service or not event.data.event_ids:
            return
        outbox = [{"n": "$_id", "body": "$body"}]
        await self._archive.update_many(
            {"_id": {"$in": list(event.data.event_ids)}},
            [{"$set": {"outbox": outbox, "outbox_due": self._clock()}}],
        )

    async def _all_again(self, event: Event[TrailSentAgainAsked]) -> None:
        await self.again_since(event.data.since)

    async def again_since(self, since: datetime) -> int:
        """Send again everything that was sent at this time or later, as far as it is kept. Returns of
        how many records and archived events. Safe to repeat: each repetition sends all of it again.

        What is not tallied yet goes first, record by record: a tally in between would take it into the
        archive as of now, where it is found after. A crash in between leaves a part sent again; whoever
        asked asks again.
        """
        count = 0
        for collection in self._relay.collections:
            update = _back_to_outbox(self._clock())
            result = await collection.update_many({"sent_at": {"$exists": True}}, update)
            count += result.modified_count
        outbox = [{"n": "$_id", "body": "$body"}]
        archived = await self._archive.update_many(
            {"at": {"$gte": since}},
            [{"$set": {"outbox": outbox, "outbox_due": self._clock()}}],
        )
        return count + archived.modified_count


def _back_to_outbox(at: datetime) -> list[dict[str, Any]]:
    """The update that puts what was confirmed before what still waits, and makes all of it due."""
    both: list[Any] = [{"$ifNull": [field, []]} for field in ("$sent", "$outbox")]
    return [
        {"$set": {"outbox": {"$concatArrays": both}, "outbox_due": at}},
        {"$unset": ["sent", "sent_at"]},
    ]


def _cleared_of(names: Sequence[str]) -> list[dict[str, Any]]:
    """The update that takes these out of `sent`; what was confirmed meanwhile stays for the next."""
    kept = {"$eq": [{"$in": ["$$e.n", list(names)]}, False]}
    left = {"$filter": {"input": {"$ifNull": ["$sent", []]}, "as": "e", "cond": kept}}
    empty = {"$eq": [{"$size": "$sent"}, 0]}
    return [
        {"$set": {"sent": left}},
        {
            "$set": {
                "sent_at": {"$cond": [empty, "$$REMOVE", "$sent_at"]},
                "sent": {"$cond": [empty, "$$REMOVE", "$sent"]},
            }
        },
    ]
