"""The background loop that sends what is due. Any replica may run it, any number of them."""

import asyncio
from collections import Counter

from services.notify.delivery.attempt import Send, attempt
from services.notify.delivery.mail import Mailer
from services.notify.delivery.senders import by_email, by_webhook
from services.notify.delivery.webhook import Caller
from services.notify.notification import TIMER, Notification
from services.notify.store import Stores
from shared.events.notify import Channel
from shared.operating.cancellation import raise_if_cancelled
from shared.operating.telemetry import log

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

    def __init__(
        self, stores: Stores, channel: Channel, send: Send, *, grace: float = GRACE
    ) -> None:
        self._stores, self._channel, self._send, self._grace = stores, channel, send, grace
        self._busy: Counter[str] = Counter()
        self._failing: frozenset[str] = frozenset()
        self._read_at = 0.0
        self._wake = stores.notifications.claims.wake(TIMER[channel])

    async def run(self) -> None:
        """Send for ever. When cancelled, what is under way gets `grace` seconds to end: a call
        that is cut off has to be made again."""
        under_way: set[asyncio.Task[None]] = set()
        try:
            while True:
                raise_if_cancelled()
                found = await self._claim_or_wait()
                if found is not None:
                    self._wake.found()
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
            await self._wake.wait()
        return found

    async def _claim(self) -> Notification | None:
        await self._read_failing()
        full = [recipient for recipient, count in self._busy.items() if count >= PER_RECIPIENT]
        failing_busy = sum(n for r, n in self._busy.items() if r in self._failing)
        timer, lease = TIMER[self._channel], self._stores.lease
        found = None
        if self._busy.total() - failing_busy < AT_ONCE:
            where = {"recipient": {"$nin": [*full, *self._failing]}}
            found = await self._stores.notifications.claim(timer, lease, where)
        if found is None and self._failing and failing_busy < AT_ONCE_FAILING:
            where = {"recipient": {"$in": sorted(self._failing), "$nin": full}}
            found = await self._stores.notifications.claim(timer, lease, where)
        return found

    async def _read_failing(self) -> None:
        at = asyncio.get_running_loop().time()
        if self._channel == "webhook" and at - self._read_at > FRESH:
            self._failing, self._read_at = frozenset(await self._stores.endpoints.failing()), at

    async def _one(self, notification: Notification) -> None:
        try:
            await attempt(self._stores, self._channel, self._send, notification)
        except Exception as error:  # its lease runs out and it is tried again
            log.error("delivery.failed", record_id=notification.id, error=type(error).__name__)
        finally:
            self._busy[notification.recipient] -= 1
            self._busy += Counter()  # forget those at zero
            self._wake.soon()


async def deliver(stores: Stores, caller: Caller, mailer: Mailer, public_url: str) -> None:
    """Send for ever, on all channels."""
    async with caller.ready(), asyncio.TaskGroup() as tasks:
        tasks.create_task(Dispatcher(stores, "webhook", by_webhook(stores, caller)).run())
        if mailer.enabled:
            tasks.create_task(
                Dispatcher(stores, "email", by_email(stores, mailer, public_url)).run()
            )
