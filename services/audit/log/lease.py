"""The lease on the trail: one writer at a time, each with an epoch of its own.

Whoever takes the lease checks the trail against its newest checkpoint. What lies behind the size, left
by a crash of the writer before say, counts once the feed has given its events again: an entry that no
service emitted never does. All of it can be repeated from any point.
"""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

from services.audit.log.damage import Damaged
from services.audit.log.head import Fenced, Head
from services.audit.log.leaf import Leaf, stored_leaf
from services.audit.log.signer import Signer
from services.audit.log.store import STATE, Trail
from services.audit.log.tree import leaf_hash
from services.audit.log.writes import Writes, recorded_at
from shared.clock import Clock
from shared.messaging.marks import Mark
from shared.operating.cancellation import raise_if_cancelled
from shared.operating.failpoints import failpoint
from shared.storage.store import Document


class Lease:
    """Taken, renewed and lost by one writer."""

    def __init__(
        self, trail: Trail, signer: Signer, writer_id: str, lasts: timedelta, clock: Clock
    ) -> None:
        self._trail, self._signer, self._writer_id = trail, signer, writer_id
        self.lasts, self._clock = lasts, clock
        self._writes = Writes(trail, writer_id, lasts, clock)

    async def take(self) -> Head:
        """Take the lease, waiting for it if another writer has it, and say where the trail ends.

        A trail that contradicts its newest checkpoint gets no further entry: raises `Damaged`.
        """
        while True:
            raise_if_cancelled()
            state = await self._trail.state()
            free = state["holder"] in (None, self._writer_id)
            if (free or state["lease_until"] < self._clock()) and await self._claim(state):
                failpoint("trail.after_lease")
                return await self._recovered({**state, "epoch": state["epoch"] + 1})
            await asyncio.sleep(min(0.5, self.lasts.total_seconds() / 4))

    async def _claim(self, state: Document) -> bool:
        lease = {"holder": self._writer_id, "lease_until": self._clock() + self.lasts}
        result = await self._trail.states.update_one(
            {"_id": STATE, "epoch": state["epoch"], "size": state["size"]},
            {"$set": {**lease, "epoch": state["epoch"] + 1}},
        )
        return result.matched_count > 0

    async def _recovered(self, state: Document) -> Head:
        try:
            edge = await self._signer.checked_edge(state)
            at = await self._last_recorded_at(edge.size)
            head = Head(state["size"], _read(state), state["epoch"], edge, at)
            return replace(head, strays=await self._strays(head))
        except Damaged as damage:
            await self._signer.freeze(damage)
            raise

    async def _strays(self, head: Head) -> tuple[Leaf, ...]:
        where = {"seq": {"$gte": head.size}}
        shown = {"seq": 1, "leaf": 1, "leaf_hash": 1}
        found: list[Leaf] = []
        async for document in self._trail.entries.find(where, shown).sort("seq", 1):
            _check(document, head.size + len(found))
            raw, its_hash = bytes(document["leaf"]), bytes(document["leaf_hash"])
            found.append(stored_leaf(document["_id"], raw, its_hash))
        return tuple(found)

    async def adopted(self, head: Head) -> Head:
        """All that lies behind the size counts from now on, for no feed can tell of it any more."""
        if not head.strays:
            return head
        after = await self._writes.append(head, head.strays, head.read, there=len(head.strays))
        return replace(after, strays=())

    async def foreign(self, seq: int) -> Damaged:
        """An entry that no service emitted: nothing more is sealed, and it is said so."""
        damage = Damaged("entry_not_emitted", seq)
        await self._signer.freeze(damage)
        return damage

    async def _last_recorded_at(self, size: int) -> datetime | None:
        document = await self._trail.entry(size - 1) if size else None
        return recorded_at(document) if document else None

    async def renewed(self, head: Head) -> Head | None:
        """The lease for a while longer; None when another writer has it."""
        try:
            return await self._writes.move(head, head.edge, head.read, head.recorded_at)
        except Fenced:
            return None


def _read(state: Document) -> Mark | None:
    # An older version kept the offset alone: the feed is read from its beginning once.
    offset, digest = state["offset"], state.get("digest")
    return None if offset is None or digest is None else Mark(offset, digest)


def _check(document: Document, expected: int) -> None:
    if document["seq"] != expected:
        raise Damaged("entry_missing", expected)
    if leaf_hash(document["leaf"]) != document["leaf_hash"]:
        raise Damaged("leaf_edited", expected)
