"""Every question put to the trail becomes an entry of the trail, answered or refused.

The question is stored durably, with its event in its outbox, before the answer leaves; the relay
and the feed carry it into the trail like any other event. A crash in between leaves an entry for
an answer that was never given: that is the safe side. What can't be stored is not answered (503).
Carrying a query into the trail is not itself a query, so there is no recursion.
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Literal

from services.audit.query import Query, queried
from shared.clock import Clock, now
from shared.errors import NotTheirs
from shared.ids import new_id
from shared.operating.cancellation import raise_if_cancelled
from shared.rules.access_table import Action
from shared.storage.store import Store
from shared.web.tokens import Caller

NOT_STATED = "not_stated"
KEPT = timedelta(days=1)
PRUNE_EVERY = 600.0


class Queries:
    """Records who asked what, for which purpose, and how many entries the answer held."""

    def __init__(self, store: Store[Query], *, clock: Clock = now) -> None:
        self.store, self._clock = store, clock

    async def record(
        self,
        caller: Caller,
        resource: str,
        asked: Mapping[str, str],
        *,
        purpose: str | None,
        outcome: Literal["answered", "refused"],
        count: int = 0,
        size: int = 0,
    ) -> None:
        """On return it is durable and will be an entry. Raises what the store raises."""
        query = Query(id=new_id("qry"), at=self._clock())
        event = queried(
            query,
            resource=resource,
            asked=dict(sorted(asked.items())),
            purpose=purpose or NOT_STATED,
            outcome=outcome,
            count=count,
            size=size,
        )
        await self.store.add(query, event, by=caller.origin())

    async def refused(self, caller: Caller, _: Action, __: NotTheirs | None) -> None:
        """Somebody who has left asked for what names nobody: proofs, keys."""
        await self.record(caller, "log", {}, purpose=None, outcome="refused")

    async def prune(self) -> None:
        """Forget queries that are entries since a day: the entry is the evidence, not this."""
        while True:
            raise_if_cancelled()
            gone = {"outbox_due": {"$exists": False}, "at": {"$lt": self._clock() - KEPT}}
            await self.store.collection.delete_many(gone)
            await asyncio.sleep(PRUNE_EVERY)
