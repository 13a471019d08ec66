"""Checkpoints: signed after the commit, never twice for one size, and never over a contradiction.

Before anything is signed, the tree is computed again at the newest checkpoint and at the state's
size. If either differs the trail is frozen: events still enter, but nothing is signed until an
operator has resolved it (`python -m services.audit thaw`).
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from pymongo.errors import DuplicateKeyError

from services.audit import gauges
from services.audit.domain.checkpoints import Checkpoint, open_checkpoint
from services.audit.domain.edge import Edge
from services.audit.domain.notes import BadNote
from services.audit.domain.records import Fault, found
from services.audit.keyring import KeyRing, UnknownSigner
from services.audit.store import STATE, Damaged, Signed, Trail
from shared.cancellation import heed
from shared.clock import Clock, now
from shared.errors import AlreadyThere
from shared.faults import point
from shared.ids import derived_id
from shared.origin import Origin
from shared.store import Document, Store
from shared.telemetry import log

EVERY = 1.0
IDLE = 600.0


class Signer:
    """Signs what the state says, once it is sure that the store still holds it."""

    def __init__(
        self, trail: Trail, ring: KeyRing, faults: Store[Fault], *, clock: Clock = now
    ) -> None:
        self._trail, self.ring, self._faults, self._clock = trail, ring, faults, clock

    async def checked_edge(self, state: Document, newest: Signed | None) -> Edge:
        """The right edge at the state's size. Raises `Damaged` when the tree contradicts the
        newest checkpoint or the state's own root, or when the state is behind the checkpoint."""
        if newest is not None:
            await self._check_newest(newest, state["size"])
        edge = await self._trail.edge(state["size"])
        if edge.root() != state["root"]:
            raise Damaged("root_differs_from_state", state["size"])
        return edge

    async def _check_newest(self, newest: Signed, size: int) -> None:
        if newest.size > size:
            raise Damaged("rolled_back", newest.size)
        try:
            signed = open_checkpoint(newest.note.encode(), await self.ring.trusted())
        except BadNote:
            raise Damaged("checkpoint_not_ours", newest.size) from None
        if signed.size != newest.size or signed.root != newest.root:
            raise Damaged("checkpoint_edited", newest.size)
        if (await self._trail.edge(newest.size)).root() != newest.root:
            raise Damaged("root_differs_from_checkpoint", newest.size)

    async def sign(self) -> Signed | None:
        """Sign the present size unless it is signed, or the trail is frozen. Safe to repeat.

        Raises `Damaged` having frozen the trail; `UnknownSigner` when the key isn't the trail's.
        """
        newest = await self._trail.newest()  # before the state, which may move on meanwhile
        state = await self._trail.state()
        if state["frozen"] is not None:
            return None
        await self.ring.settle(state["size"], newest.size if newest else 0)
        try:
            edge = await self.checked_edge(state, newest)
        except Damaged as damage:
            await self.freeze(damage)
            raise
        if newest is not None and newest.size == state["size"]:
            return None
        point("trail.before_checkpoint")
        checkpoint = Checkpoint(self.ring.origin, edge.size, edge.root())
        signed = Signed(edge.size, edge.root(), checkpoint.sign(self.ring.active))
        document = {"_id": signed.size, "root": signed.root, "note": signed.note}
        try:
            await self._trail.checkpoints.insert_one({**document, "at": self._clock()})
        except DuplicateKeyError:
            return None  # a writer before us signed this size: the same root, or it is caught next
        point("trail.after_checkpoint")
        return signed

    async def freeze(self, damage: Damaged, *, stop_signing: bool = True) -> None:
        """Stop signing, raise the alarm, and record it as an event. Safe to repeat."""
        gauges.fault(damage.code, damage.at)
        if stop_signing:
            frozen = {"code": damage.code, "seq": damage.at, "at": self._clock()}
            await self._trail.states.update_one(
                {"_id": STATE, "frozen": None}, {"$set": {"frozen": frozen}}
            )
        fault = Fault(
            id=derived_id("fault", damage.code, str(damage.at)),
            code=damage.code,
            seq=damage.at,
            frozen=stop_signing,
            found_at=self._clock(),
        )
        with contextlib.suppress(AlreadyThere):
            await self._faults.add(fault, found(fault), by=Origin.of_service("audit"))

    async def run(self, writing: Callable[[], bool], *, every: float = EVERY) -> None:
        """Sign at most every second while this process is the writer; when nothing grows, the
        newest checkpoint is checked again every ten minutes, and never signed a second time."""
        loop = asyncio.get_running_loop()
        last: Any = None
        checked_at = loop.time()
        while True:
            heed()
            await asyncio.sleep(every)
            if not writing():
                continue
            state = await self._trail.state()
            here = (state["size"], state["root"])
            if here == last and loop.time() - checked_at < IDLE:
                continue
            try:
                await self.sign()
            except Damaged:
                continue  # frozen, and said so
            except UnknownSigner:
                log.error("trail.unknown_signer")
                continue
            last, checked_at = here, loop.time()
