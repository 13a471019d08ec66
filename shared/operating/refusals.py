"""Refusals of callers who have left, and of one young person's record: each is stored with its event
before it is told. The limit of a client bounds how many there are."""

import asyncio
from datetime import datetime, timedelta

from shared.clock import now
from shared.errors import NotTheirs
from shared.events import EventData
from shared.events.accounts import AccessRefused
from shared.events.records import UNKNOWN, RecordRefused
from shared.ids import new_id
from shared.operating.cancellation import raise_if_cancelled
from shared.storage.records import Record
from shared.storage.store import Store
from shared.web.tokens import Caller

KEPT = timedelta(days=1)
PRUNE_EVERY = 600.0


class Refusal(Record):
    """That somebody was refused. Its entry of the trail is the evidence; this only carries it there."""

    at: datetime


class Refusals:
    """Says who was refused what. Of an id that they asked for nothing is kept: nobody looked it up."""

    def __init__(self, store: Store[Refusal]) -> None:
        self._store = store

    async def prepare(self) -> None:
        """Create the indexes; safe to repeat."""
        await self._store.prepare()

    async def record(self, caller: Caller, action: str, why: NotTheirs | None) -> None:
        """On return it is durable and will be an entry. Without a `why` they have left. Raises what
        the store raises."""
        event = _not_theirs(caller, action, why) if why else _left(caller, action)
        await self._store.add(Refusal(id=new_id("rfs"), at=now()), event, by=caller.origin())

    async def prune(self) -> None:
        """Forget refusals that are entries since a day."""
        while True:
            raise_if_cancelled()
            gone = {"outbox_due": {"$exists": False}, "at": {"$lt": now() - KEPT}}
            await self._store.collection.delete_many(gone)
            await asyncio.sleep(PRUNE_EVERY)


def _left(caller: Caller, action: str) -> EventData:
    of = {"agency_id": caller.agency_id, "worker_id": caller.worker_id, "hub_id": caller.hub_id}
    return AccessRefused(role=caller.role, action=action, reason="left", **of)


def _not_theirs(caller: Caller, action: str, why: NotTheirs) -> EventData:
    return RecordRefused.model_validate(
        {
            "referral_id": why.referral_id or UNKNOWN,
            "viewer_kind": caller.role,
            "viewer_id": caller.agency_id or caller.worker_id or caller.account,
            "action": action,
            "reason": why.reason,
        }
    )
