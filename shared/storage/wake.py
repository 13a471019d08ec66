"""When a loop looks for due work next: as soon as this process made something due, or after a pause.

The pause grows while nothing is found. It is never longer than `LONGEST`, for another replica may
have made work due and died.
"""

import asyncio
import contextlib
import math
import random
from datetime import datetime

from shared.clock import Clock

SHORTEST, LONGEST = 0.2, 5.0


class Wake:
    """The pause of one loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._pause, self._soon = clock, SHORTEST, False
        self._next: datetime | None = None
        self._changed = asyncio.Event()

    def at(self, time: datetime) -> None:
        """Something is due at that time."""
        if self._next is None or time < self._next:
            self._next = time
            self._changed.set()

    def soon(self) -> None:
        """What could not be done a moment ago may be possible now."""
        self._soon = True
        self._changed.set()

    def found(self) -> None:
        """The loop found something: its next pause is short."""
        self._pause = SHORTEST

    async def wait(self) -> None:
        """Until something is due that this process knows of, or the pause is over."""
        time = asyncio.get_running_loop().time
        end = time() + self._pause * random.uniform(0.8, 1.2)  # noqa: S311
        self._pause = min(2 * self._pause, LONGEST)
        while not self._soon and (left := min(end - time(), self._left())) > 0:
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._changed.wait()
        self._soon = False
        if self._left() <= 0:
            self._next, self._pause = None, SHORTEST

    def _left(self) -> float:
        if self._next is None:
            return math.inf
        return (self._next - self._clock()).total_seconds()
