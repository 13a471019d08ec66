"""One projection in the store: its documents are read, evolved, and written if still the same."""

import asyncio
import random
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from pymongo.errors import DuplicateKeyError

from services.notify.projections.state import State
from shared.errors import Outage
from shared.events import Event
from shared.storage.store import Collection, Document

S = TypeVar("S", bound=State)
MAX_RACES = 50


class Projection(Generic[S]):
    """The states of one kind, each evolved by the events about it."""

    def __init__(
        self, collection: Collection, state: type[S], evolve: Callable[[S, Event[Any]], S]
    ) -> None:
        self.collection = collection
        self._state, self._evolve = state, evolve

    async def apply(self, record_id: str, event: Event[Any]) -> S:
        """The state after the event; durable on return. Raises `Outage` if others are always first."""
        own = event.subject == record_id and event.type.startswith(self._state.own)
        first = own and event.version == 1
        for attempt in range(MAX_RACES):
            # Where nothing can be there yet, the first look would be in vain.
            found = None if first and not attempt else await self.raw(record_id)
            before = self.read(found)
            after = self._evolve(before, event)
            if await self._write(record_id, found, before, after):
                return after
            if attempt:
                await asyncio.sleep(random.uniform(0, 0.002 * 2 ** min(attempt, 6)))  # noqa: S311
        raise Outage("contention")

    async def raw(self, record_id: str) -> Document | None:
        """The stored document, if there is one."""
        return await self.collection.find_one({"_id": record_id})

    async def get(self, record_id: str) -> S:
        """The state of a record; the empty one if nothing is known."""
        return self.read(await self.raw(record_id))

    def read(self, document: Document | None) -> S:
        """The state that a document holds."""
        return self._state.model_validate(document or {})

    async def _write(self, record_id: str, found: Document | None, before: S, after: S) -> bool:
        if found is None:
            try:
                await self.collection.insert_one({"_id": record_id, **after.model_dump()})
            except DuplicateKeyError:
                return False
            return True
        fields = {n: v for n, v in after if v != getattr(before, n)}
        if not fields:
            return True
        # Only what this event's source owns is compared and written: other sources never collide.
        same = {name: found.get(name) for name in before.guards if name in fields}
        stored = after.model_dump(include=set(fields))
        result = await self.collection.update_one({"_id": record_id, **same}, {"$set": stored})
        return result.matched_count == 1
