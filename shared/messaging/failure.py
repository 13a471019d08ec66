"""Naming a failure without quoting it, and waiting out an outage."""

import asyncio

from shared.errors import Poison
from shared.messaging.bus import Probe
from shared.operating.cancellation import raise_if_cancelled
from shared.operating.telemetry import log


def reason(error: Exception) -> str:
    """Why it failed, in our own words or as a class name: an exception's text may quote a record."""
    return f"poison:{error}"[:200] if isinstance(error, Poison) else type(error).__name__


async def until_back(probe: Probe, *, held: int = 0) -> None:
    """Returns once the store answers; later the more often in a row a message was `held`.

    A probe may succeed where the handler doesn't (a full outbox, say): that must not spin.
    """
    if held:
        await asyncio.sleep(min(0.05 * 2 ** min(held, 6), 2.0))
    delay = 0.1
    while True:
        try:
            async with asyncio.timeout(5):
                await probe()
            return raise_if_cancelled()
        except Exception as error:  # whatever it is, the store isn't back yet
            log.warning("bus.holding", error=type(error).__name__)
        raise_if_cancelled()
        await asyncio.sleep(delay)
        delay = min(delay * 2, 2.0)
