"""The background loop that sends what is due. Any replica may run it, any number of them."""

import asyncio
import random
from collections import Counter

from services.notify.deliver import Send, attempt, by_email, by_webhook
from services.notify.domain.notification import CLOCK, Notification
from services.notify.mail import Mailer
from services.notify.store import Desk
from services.notify.webhook import Caller
from shared.cancellation import heed
from shared.events.notify import Channel
from shared.telemetry import log

IDLE = 0.2
AT_ONCE = 100
AT_ONCE_FAILING = 8
PER_RECIPIENT = 2
FRESH = 0.5
GRACE = 8.0  # the runner waits ten seconds


class Dispatcher:
    """Sends what is due on one channel, several at a time.

    Never more than `PER_RECIPIENT` to one recipient, and those whose endpoint failed last time in
    a narrow lane of their own: one slow agency holds up nobody, and a hundred only each other.
    """

    def __init__(self, desk: Desk, channel: Channel, send: Send, *, grace: float = GRACE) -> None:
        self._desk, self._channel, self._send, self._grace = desk, channel, send, grace
        self._busy: Counter[str] = Counter()
        self._failing: frozenset[str] = frozenset()
        self._read_at = 0.0
        self._free = asyncio.Event()

    async def run(self) -> None:
        """Send for ever. When cancelled, what is under way gets `grace` seconds to end: a call
        that is cut off has to be made again."""
        under_way: set[asyncio.Task[None]] = set()
        try:
            while True:
                heed()
                found = await self._claim_or_wait()
                if found is not None:
                    self._busy[found.recipient] += 1
                    task = asyncio.create_task(self._one(found))
                    under_way.add(task)
                    task.add_done_callback(under_way.discard)
        finally:
            if under_way:
                await asyncio.wait(under_way, timeout=self._grace)
            for task in under_way:
                task.cancel()

    async def _claim_or_wait(self) -> Notification | None:
        try:
            found = await self._claim()
        except Exception as error:  # the store is away: what is under way must not be cut off
            log.warning("delivery.waiting", error=type(error).__name__)
            found = None
        if found is None:
            await self._pause()
        return found

    async def _claim(self) -> Notification | None:
        await self._read_failing()
        full = [recipient for recipient, count in self._busy.items() if count >= PER_RECIPIENT]
        failing_busy = sum(n for r, n in self._busy.items() if r in self._failing)
        clock, lease = CLOCK[self._channel], self._desk.lease
        found = None
        if self._busy.total() - failing_busy < AT_ONCE:
            where = {"recipient": {"$nin": [*full, *self._failing]}}
            found = await self._desk.notifications.claim(clock, lease, where)
        if found is None and self._failing and failing_busy < AT_ONCE_FAILING:
            where = {"recipient": {"$in": sorted(self._failing), "$nin": full}}
            found = await self._desk.notifications.claim(clock, lease, where)
        return found

    async def _read_failing(self) -> None:
        at = asyncio.get_running_loop().time()
        if self._channel == "webhook" and at - self._read_at > FRESH:
            self._failing, self._read_at = frozenset(await self._desk.failing()), at

    async def _pause(self) -> None:
        self._free.clear()
        try:
            async with asyncio.timeout(IDLE * random.uniform(0.5, 1.5)):  # noqa: S311
                await self._free.wait()
        except TimeoutError:
            pass

    async def _one(self, notification: Notification) -> None:
        try:
            await attempt(self._desk, self._channel, self._send, notification)
        except Exception as error:  # its lease runs out and it is tried again
            log.error("delivery.failed", record_id=notification.id, error=type(error).__name__)
        finally:
            self._busy[notification.recipient] -= 1
            self._busy += Counter()  # forget those at zero
            self._free.set()


async def deliver(desk: Desk, caller: Caller, mailer: Mailer, public_url: str) -> None:
    """Send for ever, on all channels."""
    async with caller.ready(), asyncio.TaskGroup() as tasks:
        tasks.create_task(Dispatcher(desk, "webhook", by_webhook(desk, caller)).run())
        if mailer.enabled:
            tasks.create_task(Dispatcher(desk, "email", by_email(desk, mailer, public_url)).run())
