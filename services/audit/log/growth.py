"""Growth of the trail, told within one process: the writer tells it, the signer and the self-check wait.

Waiting costs the store nothing. Another process is told nothing: only the writer's process signs.
"""

import asyncio
import contextlib


class Growth:
    """One per trail and process."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Event] = []

    def tell(self) -> None:
        """Wake everyone who waits; who is busy finds it when they wait next."""
        for grown in self._waiting:
            grown.set()

    def follow(self) -> "Follower":
        """A follower of its own: what one follower has seen, another still finds."""
        follower = Follower()
        self._waiting.append(follower.grown)
        return follower


class Follower:
    """Waits for growth since it last waited."""

    def __init__(self) -> None:
        self.grown = asyncio.Event()

    async def wait(self, longest: float) -> None:
        """Return once the trail has grown, or after `longest` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(longest):
                await self.grown.wait()
        self.grown.clear()

    def again(self) -> None:
        """What was seen was not dealt with: the next wait returns at once."""
        self.grown.set()
