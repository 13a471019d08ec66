"""The bus inside one process: for trying, demonstrations and development.

A publish is confirmed when every bound handler has finished, so until then the event stays in
its outbox, and a crash loses nothing. A failing handler is retried in the background; the
publisher is told `Unconfirmed` at once and asks again later (it then joins the same work).
"""

import asyncio
import contextlib
import zlib
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from pymongo.asynchronous.collection import AsyncCollection

from shared.clock import now
from shared.errors import Outage, Poison
from shared.messaging.bus import (
    MAX_ATTEMPTS,
    RETRY_DELAYS,
    DeadLetter,
    Entry,
    Feed,
    Message,
    Probe,
    Queue,
    Unconfirmed,
)
from shared.messaging.failure import reason, until_back
from shared.operating.cancellation import raise_if_cancelled
from shared.operating.telemetry import log, parked, retried

LANES = 8
PROBE_EVERY = 0.5


class MemoryBus:
    """Parked messages live in `dead`, a collection, so that a restart does not forget them."""

    def __init__(
        self,
        dead: AsyncCollection[dict[str, Any]],
        probe: Probe,
        *,
        retry_delays: tuple[float, ...] = RETRY_DELAYS,
    ) -> None:
        self._dead, self._probe, self._delays = dead, probe, retry_delays
        self._queues: dict[str, Queue] = {}
        self._feeds: list[Feed] = []
        self._work: dict[str, asyncio.Task[None]] = {}
        self._failing: set[str] = set()
        self._lanes: dict[tuple[str, int], asyncio.Lock] = defaultdict(asyncio.Lock)
        self._feed_lock = asyncio.Lock()
        self._running = False

    @property
    def ready(self) -> bool:
        return self._running

    def subscribe(self, queue: Queue) -> None:
        self._queues[queue.name] = queue

    def feed(self, feed: Feed) -> None:
        self._feeds.append(feed)

    async def publish(self, message: Message) -> None:
        if not self._running:
            raise Unconfirmed("not running")
        work = self._work.get(message.id)
        if work is None:
            work = asyncio.create_task(self._deliver(message))
            self._work[message.id] = work
        while not work.done():
            if message.id in self._failing:
                raise Unconfirmed("a handler is still failing")
            await asyncio.wait({work}, timeout=0.05)
        self._work.pop(message.id, None)
        self._failing.discard(message.id)
        if work.cancelled() or work.exception() is not None:
            raise Unconfirmed("stopped before it was handled")

    async def run(self) -> None:
        async with self._while_running():
            while True:
                raise_if_cancelled()
                with contextlib.suppress(Exception):  # the store is away: ask again
                    async for document in self._dead.find({"replay": True}):
                        await self._give_back(document)
                await asyncio.sleep(PROBE_EVERY)

    @contextlib.asynccontextmanager
    async def _while_running(self) -> AsyncIterator[None]:
        self._running = True
        try:
            yield
        finally:
            self._running = False
            for work in self._work.values():
                work.cancel()
            await asyncio.gather(*self._work.values(), return_exceptions=True)

    async def _deliver(self, message: Message) -> None:
        queues = [queue for queue in self._queues.values() if message.type in queue.types]
        # The trail beside the handlers, not after them: its order is that of publishing.
        await asyncio.gather(
            self._to_feeds(message), *(self._handle(queue, message) for queue in queues)
        )

    async def _to_feeds(self, message: Message) -> None:
        async with self._feed_lock:
            for feed in self._feeds:
                await self._append(feed, message)

    async def _append(self, feed: Feed, message: Message) -> None:
        while True:
            raise_if_cancelled()
            try:
                return await feed.append([Entry(message)])
            except Exception as error:  # the trail refuses nothing: try until it takes it
                self._failing.add(message.id)
                log.warning("bus.feed_failed", queue=feed.name, error=type(error).__name__)
                await asyncio.sleep(PROBE_EVERY)

    async def _handle(self, queue: Queue, message: Message) -> None:
        lane = self._lanes[queue.name, zlib.crc32(message.stream.encode()) % LANES]
        while True:
            raise_if_cancelled()
            async with lane:
                failed = await self._attempt(queue, message)
            if failed is None:
                return None
            self._failing.add(message.id)
            message, wait = message.again(failed)
            if isinstance(failed, Poison) or message.attempt >= MAX_ATTEMPTS:
                return await self._park(queue, message, failed)
            retried(queue.name, message.type)
            await asyncio.sleep(wait.seconds(self._delays))

    async def _attempt(self, queue: Queue, message: Message) -> Exception | None:
        held = 0
        while True:
            try:
                await queue.handle(message)
                return None
            except Outage:
                self._failing.add(message.id)
                held += 1
                await until_back(self._probe, held=held)
            except Exception as error:  # whatever it was, the message is tried again, then parked
                log.warning("bus.failed", queue=queue.name, type=message.type, error=reason(error))
                return error

    async def _park(self, queue: Queue, message: Message, error: Exception) -> None:
        document = {
            "_id": f"{queue.name}/{message.id}",
            "queue": queue.name,
            "message_id": message.id,
            "type": message.type,
            "reason": reason(error),
            "attempts": message.attempt,
            "since": now(),
            "body": message.body,
        }
        # Until this is written the publisher has no confirm, so a crash here loses nothing.
        await self._dead.replace_one({"_id": document["_id"]}, document, upsert=True)
        parked(queue.name, message.type)
        log.error("bus.parked", queue=queue.name, type=message.type, event_id=message.id)

    async def dead_letters(self, limit: int = 100) -> list[DeadLetter]:
        cursor = self._dead.find({}).limit(limit)
        return [
            DeadLetter(
                d["queue"],
                d["message_id"],
                d["type"],
                d["reason"],
                d["attempts"],
                d["since"],
                d["body"],
            )
            async for d in cursor
        ]

    async def depths(self) -> dict[str, tuple[int, int]]:
        dead = self._dead.count_documents
        return {
            name: (0, await dead({"queue": name, "replay": {"$ne": True}})) for name in self._queues
        }

    async def replay(self, message_id: str) -> int:
        result = await self._dead.update_many(
            {"message_id": message_id}, {"$set": {"replay": True}}
        )
        return result.matched_count

    async def discard(self, message_id: str) -> int:
        return (await self._dead.delete_many({"message_id": message_id})).deleted_count

    async def _give_back(self, document: dict[str, Any]) -> None:
        claimed = await self._dead.find_one_and_update(
            {"_id": document["_id"], "replay": True},
            {"$set": {"replay": False, "replayed_at": now()}},
        )
        queue = self._queues.get(document["queue"])
        if claimed is None or queue is None:
            return
        message = Message.of(document["body"])
        failed = await self._attempt(queue, message)
        if failed is None:
            await self._dead.delete_one({"_id": document["_id"]})
        else:
            await self._park(queue, replace(message, attempt=1), failed)
