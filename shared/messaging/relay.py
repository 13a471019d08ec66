"""From the outbox to the bus: at once after the write, and by a poller what a crash left behind.

An event leaves its outbox only after the bus confirmed it. A crash between the confirm and the
removal publishes it again: doubled is allowed, lost is not. In the same write it goes into the
record's `sent`, where the next tally finds it (`shared.operating.tallies`).
"""

import asyncio
import contextlib
import random
import zlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from pymongo import ASCENDING, ReturnDocument
from pymongo.asynchronous.collection import AsyncCollection

from shared.clock import Clock, now
from shared.messaging.bus import Bus, Message, Unconfirmed
from shared.operating.cancellation import raise_if_cancelled
from shared.operating.failpoints import failpoint
from shared.operating.telemetry import log, published

LANES = 32
POLLERS = 4
BATCH = 16
FULL = 256
MAX_BACKOFF = 60.0
# Confirmed events leave their outboxes together with those confirmed this soon after.
GATHER = 0.05
MOST_AT_ONCE = 200

Collection = AsyncCollection[dict[str, Any]]


class Relay:
    """The outboxes of one service. `lease` seconds is how long one publisher has them to itself;
    while nothing is left behind, the poller looks every `poll_every` seconds at first and every
    `poll_slowest` at last."""

    def __init__(
        self,
        service: str,
        bus: Bus,
        *,
        lease: float = 30.0,
        poll_every: float = 0.5,
        poll_slowest: float = 5.0,
        clock: Clock = now,
    ) -> None:
        self.service, self.lease = service, lease
        self._bus, self._clock = bus, clock
        self._poll_every, self._poll_slowest = poll_every, poll_slowest
        self._collections: list[Collection] = []
        self._under_way = 0
        self._lanes: list[asyncio.Queue[_Batch]] = [asyncio.Queue(FULL) for _ in range(LANES)]
        self._confirmed: asyncio.Queue[_Confirmed] = asyncio.Queue()
        self._left_behind = asyncio.Event()

    def watch(self, collection: Collection) -> None:
        """From now on the poller looks after this collection's outboxes."""
        self._collections.append(collection)

    @property
    def bus(self) -> Bus:
        """What it publishes to."""
        return self._bus

    @property
    def collections(self) -> Sequence[Collection]:
        """Those with outboxes of this service."""
        return self._collections

    def publish_soon(self, collection: Collection, record_id: str, outbox: Sequence[Any]) -> None:
        """Publish these fresh events soon. Never blocks, never fails: the poller is behind it."""
        # One lane per record keeps the order of changes that follow one another. Two at once, and
        # those that a full lane leaves to the poller, may overtake: consumers go by the version.
        lane = self._lanes[zlib.crc32(record_id.encode()) % LANES]
        with contextlib.suppress(asyncio.QueueFull):
            lane.put_nowait((collection, record_id, outbox))

    async def run(self) -> None:
        """Publish until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for lane in self._lanes:
                tasks.create_task(self._drain(lane))
            tasks.create_task(self._settle_confirmed())
            tasks.create_task(self._poll())

    @property
    def busy(self) -> bool:
        """Whether fresh events are still on their way; a clean stop waits a little for them."""
        return self._under_way > 0 or any(not lane.empty() for lane in self._lanes)

    async def _drain(self, lane: "asyncio.Queue[_Batch]") -> None:
        while True:
            raise_if_cancelled()
            collection, record_id, outbox = await lane.get()
            self._under_way += 1
            try:
                names, all_sent = await self._send(outbox)
                if all_sent:
                    # Counted as under way until its outbox is settled.
                    self._confirmed.put_nowait((collection, record_id, names))
                    continue
                await self._settle_one(collection, record_id, names, self._later(0))
            except Exception as error:  # the poller will find it; a lane must outlive any failure
                log.warning("relay.lane_failed", service=self.service, error=type(error).__name__)
            self._under_way -= 1

    async def _settle_confirmed(self) -> None:
        """Take what was confirmed out of the outboxes: many records in one write."""
        while True:
            raise_if_cancelled()
            waiting = [await self._confirmed.get()]
            await asyncio.sleep(GATHER)
            while not self._confirmed.empty() and len(waiting) < MOST_AT_ONCE:
                waiting.append(self._confirmed.get_nowait())
            try:
                for collection in {one[0].name: one[0] for one in waiting}.values():
                    of_it = [one for one in waiting if one[0].name == collection.name]
                    ids = [record_id for _, record_id, _ in of_it]
                    names = [name for _, _, names in of_it for name in names]
                    # What was pushed meanwhile has its own call and its own lease.
                    update = _without(names, "$outbox_due", self._clock())
                    await asyncio.shield(collection.update_many({"_id": {"$in": ids}}, update))
                failpoint("relay.after_settle")
            except Exception as error:  # published again after the lease: doubled, never lost
                log.warning("relay.settle_failed", service=self.service, error=type(error).__name__)
            self._under_way -= len(waiting)

    async def _poll(self) -> None:
        pause = self._poll_every
        while True:
            raise_if_cancelled()
            found = ready = False
            try:
                if ready := self._bus.ready:
                    found = await self._claim_each()
                    if found:
                        await asyncio.gather(*(self._clear() for _ in range(POLLERS)))
            except Exception as error:  # the store is away: keep asking
                log.warning("relay.poll_failed", service=self.service, error=type(error).__name__)
            grown = min(1.5 * pause, self._poll_slowest)
            pause = grown if ready and not found else self._poll_every
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause * random.uniform(0.5, 1.5)):  # noqa: S311
                    await self._left_behind.wait()
            if self._left_behind.is_set():
                self._left_behind.clear()
                pause = self._poll_every
                await asyncio.sleep(pause)

    async def _clear(self) -> None:
        while await self._claim_each():
            raise_if_cancelled()

    async def _claim_each(self) -> bool:
        """Publish one outbox of each collection that was left behind; whether there was any."""
        return any([await self._claim_one(collection) for collection in self._collections])

    async def _claim_one(self, collection: Collection) -> bool:
        at = self._clock()
        document = await collection.find_one_and_update(
            {"outbox_due": {"$lte": at}},
            {
                "$set": {"outbox_due": at + timedelta(seconds=self.lease)},
                "$inc": {"outbox_tries": 1},
            },
            sort=[("outbox_due", ASCENDING)],
            # Bounded, or a crash loop would never finish a batch before the next crash.
            projection={"outbox": {"$slice": BATCH}, "outbox_tries": 1},
            return_document=ReturnDocument.AFTER,
        )
        if document is None:
            return False
        failpoint("relay.after_claim")
        names, all_sent = await self._send(document["outbox"])
        # What was beyond the batch is due now.
        due = self._clock() if all_sent else self._later(int(document.get("outbox_tries", 1)))
        await self._settle_one(collection, document["_id"], names, due)
        return all_sent

    async def _send(self, outbox: Sequence[Any]) -> tuple[list[str], bool]:
        """Publish these events. Which are confirmed, and whether all are."""
        results = await asyncio.gather(*(self._publish(entry["body"]) for entry in outbox))
        failpoint("relay.after_confirm")
        names = [entry["n"] for entry, sent in zip(outbox, results, strict=True) if sent]
        return names, len(names) == len(outbox)

    async def _publish(self, body: str) -> bool:
        message = Message.of(body)
        try:
            await self._bus.publish(message)
        except Unconfirmed as error:
            log.warning(
                "relay.unconfirmed", type=message.type, event_id=message.id, error=str(error)
            )
            return False
        published(self.service, message.type)
        return True

    def _later(self, tries: int) -> datetime:
        self._left_behind.set()
        return self._clock() + timedelta(seconds=min(MAX_BACKOFF, 0.5 * 2 ** min(tries, 7)))

    async def _settle_one(
        self, collection: Collection, record_id: str, names: Sequence[str], due: Any
    ) -> None:
        update = _without(names, due, self._clock())
        await asyncio.shield(collection.update_one({"_id": record_id}, update))
        failpoint("relay.after_settle")


def _without(names: Sequence[str], due: Any, at: datetime) -> list[dict[str, Any]]:
    """The update that moves these events from an outbox to `sent`; `due` counts while others are left.

    Emptiness is judged inside the one update, so an event pushed meanwhile stays due.
    """
    sent = {"$in": ["$$e.n", list(names)]}
    left = {"$filter": {"input": "$outbox", "as": "e", "cond": {"$eq": [sent, False]}}}
    gone = {"$filter": {"input": "$outbox", "as": "e", "cond": sent}}
    moved = {
        "sent": {"$concatArrays": [{"$ifNull": ["$sent", []]}, gone]},
        "sent_at": {"$ifNull": ["$sent_at", at]},
    }
    empty = {"$eq": [{"$size": "$outbox"}, 0]}
    return [
        {"$set": {"outbox": left, **(moved if names else {})}},
        {
            "$set": {
                "outbox_due": {"$cond": [empty, "$$REMOVE", due]},
                "outbox_tries": {"$cond": [empty, "$$REMOVE", "$outbox_tries"]},
            }
        },
    ]


_Batch = tuple[Collection, str, Sequence[Any]]
_Confirmed = tuple[Collection, str, list[str]]
