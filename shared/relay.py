"""From the outbox to the bus: at once after the write, and by a poller what a crash left behind.

An event leaves its outbox only after the bus confirmed it. A crash between the confirm and the
removal publishes it again: doubled is allowed, lost is not.
"""

import asyncio
import contextlib
import random
import zlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from pymongo import ASCENDING, ReturnDocument
from pymongo.asynchronous.collection import AsyncCollection

from shared.bus import Bus, Message, Unconfirmed
from shared.cancellation import heed
from shared.clock import Clock, now
from shared.faults import point
from shared.telemetry import log, published

LANES = 32
POLLERS = 4
BATCH = 16
FULL = 256
MAX_BACKOFF = 60.0


class Relay:
    """The outboxes of one service. `lease` seconds is how long one publisher has them to itself."""

    def __init__(
        self,
        service: str,
        bus: Bus,
        *,
        lease: float = 30.0,
        poll_every: float = 0.5,
        clock: Clock = now,
    ) -> None:
        self.service, self.lease = service, lease
        self._bus, self._poll_every, self._clock = bus, poll_every, clock
        self._collections: list[AsyncCollection[dict[str, Any]]] = []
        self._under_way = 0
        self._lanes: list[asyncio.Queue[_Batch]] = [asyncio.Queue(FULL) for _ in range(LANES)]

    def watch(self, collection: AsyncCollection[dict[str, Any]]) -> None:
        """From now on the poller looks after this collection's outboxes."""
        self._collections.append(collection)

    def nudge(
        self, collection: AsyncCollection[dict[str, Any]], record_id: str, outbox: Sequence[Any]
    ) -> None:
        """Publish these fresh events soon. Never blocks, never fails: the poller is behind it."""
        # One lane per record keeps the order of its events; a full lane leaves them to the poller.
        lane = self._lanes[zlib.crc32(record_id.encode()) % LANES]
        with contextlib.suppress(asyncio.QueueFull):
            lane.put_nowait((collection, record_id, outbox))

    async def run(self) -> None:
        """Publish until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for lane in self._lanes:
                tasks.create_task(self._drain(lane))
            for _ in range(POLLERS):
                tasks.create_task(self._poll())

    @property
    def busy(self) -> bool:
        """Whether fresh events are still on their way; a clean stop waits a little for them."""
        return self._under_way > 0 or any(not lane.empty() for lane in self._lanes)

    async def _drain(self, lane: "asyncio.Queue[_Batch]") -> None:
        while True:
            heed()
            collection, record_id, outbox = await lane.get()
            self._under_way += 1
            try:
                await self._publish(collection, record_id, outbox, tries=0)
            except Exception as error:  # the poller will find it; a lane must outlive any failure
                log.warning("relay.lane_failed", service=self.service, error=type(error).__name__)
            finally:
                self._under_way -= 1

    async def _poll(self) -> None:
        while True:
            heed()
            busy: list[bool] = []
            try:
                if self._bus.ready:
                    busy = [await self._claim_one(collection) for collection in self._collections]
            except Exception as error:  # the store is away: keep asking
                log.warning("relay.poll_failed", service=self.service, error=type(error).__name__)
            if not any(busy):
                # Together they look once per `poll_every`: an idle process costs the store little.
                idle = POLLERS * self._poll_every
                await asyncio.sleep(idle * random.uniform(0.5, 1.5))  # noqa: S311

    async def _claim_one(self, collection: AsyncCollection[dict[str, Any]]) -> bool:
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
        point("relay.after_claim")
        tries = int(document.get("outbox_tries", 1))
        return await self._publish(collection, document["_id"], document["outbox"], tries)

    async def _publish(
        self, collection: AsyncCollection[dict[str, Any]], record_id: str, outbox: Any, tries: int
    ) -> bool:
        results = await asyncio.gather(*(self._send(entry["body"]) for entry in outbox))
        point("relay.after_confirm")
        done = [entry["n"] for entry, sent in zip(outbox, results, strict=True) if sent]
        all_sent = len(done) == len(outbox)
        if not all_sent:
            due: Any = self._clock() + timedelta(seconds=min(MAX_BACKOFF, 0.5 * 2 ** min(tries, 7)))
        elif tries:  # claimed by the poller: what was beyond the batch is due now
            due = self._clock()
        else:  # fresh: what was pushed meanwhile has its own nudge and its own lease
            due = "$outbox_due"
        await self._settle(collection, record_id, done, due)
        point("relay.after_settle")
        return all_sent

    async def _send(self, body: str) -> bool:
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

    async def _settle(
        self, collection: AsyncCollection[dict[str, Any]], record_id: str, done: list[str], due: Any
    ) -> None:
        # Emptiness is judged inside this one update, so an event pushed meanwhile stays due.
        sent = {"$in": ["$$e.n", done]}
        left = {"$filter": {"input": "$outbox", "as": "e", "cond": {"$eq": [sent, False]}}}
        empty = {"$eq": [{"$size": "$outbox"}, 0]}
        await asyncio.shield(
            collection.update_one(
                {"_id": record_id},
                [
                    {"$set": {"outbox": left}},
                    {
                        "$set": {
                            "outbox_due": {"$cond": [empty, "$$REMOVE", due]},
                            "outbox_tries": {"$cond": [empty, "$$REMOVE", "$outbox_tries"]},
                        }
                    },
                ],
            )
        )


_Batch = tuple[AsyncCollection[dict[str, Any]], str, Sequence[Any]]
