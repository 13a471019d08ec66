"""Turns: the cases of one young person are given to workers one after the other.

The turn is a lease on the young person, in a document of its own. Who holds it and dies blocks them
for no longer than `LEASE`; who is slower than that is overtaken, and the two may choose apart: the
Hub manager is told then (`two_workers`).
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from pymongo.errors import DuplicateKeyError

from shared.clock import Clock, now
from shared.errors import NotFound
from shared.ids import new_id
from shared.operating.failpoints import failpoint
from shared.storage.documents import Collection

LEASE = timedelta(seconds=10)
# Longer than a holder that died, and less than a message may be handled for.
PATIENCE = timedelta(seconds=25)


class Turns:
    """One document for each young person whose turn somebody has."""

    def __init__(self, collection: Collection, *, clock: Clock = now) -> None:
        self._collection, self._clock = collection, clock

    @asynccontextmanager
    async def of(self, subject_id: str) -> AsyncIterator[bool]:
        """Nobody else has this young person's turn meanwhile. Says whether somebody had it before.

        Raises `NotFound` when it doesn't come; a message comes again then.
        """
        mine, waited = new_id("turn"), False
        pauses = Pauses(self._clock)
        while not await self._take(subject_id, mine):
            waited = True
            if not await pauses.one():
                raise NotFound("turn")
        failpoint("turn.after_taking")
        try:
            yield waited
        finally:
            await self._collection.delete_one({"_id": subject_id, "by": mine})

    async def _take(self, subject_id: str, mine: str) -> bool:
        at = self._clock()
        over = {"_id": subject_id, "until": {"$lte": at}}
        taken = {"$set": {"by": mine, "until": at + LEASE}}
        try:
            await self._collection.update_one(over, taken, upsert=True)
        except DuplicateKeyError:
            return False
        return True


class Pauses:
    """Ever longer pauses between looks, until one's patience is over."""

    def __init__(self, clock: Clock, patience: timedelta = PATIENCE) -> None:
        self._clock, self._until, self._next = clock, clock() + patience, 0.01

    async def one(self) -> bool:
        """Pause. False: it was long enough."""
        if self._clock() > self._until:
            return False
        await asyncio.sleep(self._next * random.uniform(0.5, 1))  # noqa: S311
        self._next = min(0.25, 2 * self._next)
        return True
