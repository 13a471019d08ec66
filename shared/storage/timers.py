"""The loop that looks after a timer: whatever happens because time has passed happens in it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from shared.operating.cancellation import raise_if_cancelled
from shared.operating.telemetry import log
from shared.storage.claims import Claims
from shared.storage.records import R, Record

R_co = TypeVar("R_co", bound=Record, covariant=True)


class Timed(Protocol[R_co]):
    """Records with timers: a `Store`, or what keeps records that have no events."""

    @property
    def claims(self) -> Claims:
        """The claims on them."""

    async def claim(self, timer: str, lease: float) -> R_co | None:
        """As `Store.claim`."""


async def run_out(
    store: Timed[R],
    timer: str,
    then: Callable[[R], Awaitable[object]],
    *,
    lease: float,
    at_once: int = 1,
) -> None:
    """Call `then` for every record whose timer has run out, for ever, `at_once` at a time.

    `then` stops or moves the timer. Where `then` fails or its process dies, the record's lease
    runs out and the record is claimed again, by any replica. While nothing is due, the loop asks
    ever more seldom, and at once when this process sets the timer to a time that has come.
    """
    wake, free = store.claims.wake(timer), asyncio.Semaphore(at_once)

    async def one(record: R) -> None:
        try:
            await then(record)
        except Exception as error:  # the store is away, or a rule has a fault
            _failed(timer, error, record.id)
        finally:
            free.release()

    async with asyncio.TaskGroup() as tasks:
        while True:
            raise_if_cancelled()
            await free.acquire()
            try:
                record = await store.claim(timer, lease)
            except Exception as error:  # the store is away
                _failed(timer, error)
                record = None
            if record is not None:
                wake.found()
                tasks.create_task(one(record))
            else:
                free.release()
                await wake.wait()


def _failed(timer: str, error: Exception, record_id: str | None = None) -> None:
    log.error("timer.failed", name=timer, record_id=record_id, error=type(error).__name__)
