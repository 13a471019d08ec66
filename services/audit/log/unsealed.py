"""How long entries have waited for a checkpoint, as the writer's process knows it.

What counts is the oldest entry that no checkpoint covers: the newest checkpoint itself may be old
where nothing was added.
"""

import time
from collections import deque
from collections.abc import Callable

MOST = 10_000


class Unsealed:
    """One per trail and process. Measured by a clock that never goes back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._waiting: deque[tuple[int, float]] = deque()

    def grown(self, size: int) -> None:
        """The trail has this size now."""
        # Only the oldest is told of: where signing has stopped, later ones need no memory.
        if len(self._waiting) < MOST and (not self._waiting or size > self._waiting[-1][0]):
            self._waiting.append((size, self._clock()))

    def sealed(self, size: int) -> None:
        """A checkpoint covers the trail up to this size."""
        while self._waiting and self._waiting[0][0] <= size:
            self._waiting.popleft()

    def seconds(self) -> float:
        """The age of the oldest entry that is not sealed; 0 where all are."""
        return self._clock() - self._waiting[0][1] if self._waiting else 0.0
