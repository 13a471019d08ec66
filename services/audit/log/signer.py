"""Checkpoints: signed after the commit, never twice for one size, and never over a contradiction.

Before anything is signed, the tree is computed again at the newest checkpoint and at the state's
size. If either differs the trail is frozen: events still enter, but nothing is signed until an
operator has resolved it (`python -m services.audit thaw`).
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence

from pymongo.errors import DuplicateKeyError

from services.audit.integrity.faults import Fault, integrity_failed
from services.audit.log import gauges
from services.audit.log.checkpoints import Checkpoint, TrustedKey, open_checkpoint
from services.audit.log.damage import Damaged
from services.audit.log.edge import Edge
from services.audit.log.keyring import KeyRing, UnknownSigner
from services.audit.log.notes import BadNote
from services.audit.log.store import STATE, Signed, Trail
from shared.clock import Clock, now
from shared.errors import AlreadyThere
from shared.ids import derived_id
from shared.operating.cancellation import raise_if_cancelled
from shared.operating.failpoints import failpoint
from shared.operating.telemetry import log
from shared.origin import Origin
from shared.storage.store import Document, Store

GATHER = 0.5
EVERY = 1.0
IDLE = 600.0


class Signer:
    """Signs what the state says, once it is sure that the store still holds it."""

    def __init__(
        self, trail: Trail, ring: KeyRing, faults: Store[Fault], *, clock: Clock = now
    ) -> None:
        self._trail, self.ring, self._faults, self._clock = trail, ring, faults, clock
        self._grown = trail.growth.follow()
        self._keys: tuple[int, list[TrustedKey]] | None = None

    async def checked_edge(self, state: Document) -> Edge:
        """The right edge at the state's size. Raises `Damaged` when the tree contradicts the
        newest checkpoint or the state's own root, or when the state is behind the checkpoint."""
        return await self._checked(state, await self._trail.newest(), await self.ring.trusted())

    async def _checked(
        self, state: Document, newest: Signed | None, trusted: Sequence[TrustedKey]
    ) -> Edge:
        size = state["size"]
        if newest is None:
            edge = await self._trail.tree.edge(size)
        else:
            _check_note(newest, size, trusted)
            sealed, edge = await self._trail.tree.edges(newest.size, size)
            if sealed.root() != newest.root:
                raise Damaged("root_differs_from_checkpoint", newest.size)
        if edge.root() != state["root"]:
            raise Damaged("root_differs_from_state", size)
        return edge

    async def _trusted(self, state: Document, newest: Signed | None) -> list[TrustedKey]:
        """The trail's keys, ours among them. Only a writer's process changes keys, and another
        writer begins another epoch: they are read once in an epoch."""
        if self._keys is None or self._keys[0] != state["epoch"]:
            await self.ring.rotate(state["size"], newest.size if newest else 0)
            self._keys = state["epoch"], await self.ring.trusted()
        return self._keys[1]

    async def sign(self) -> Signed | None:
        """Sign the present size unless it is signed, or the trail is frozen. Safe to repeat.

        Raises `Damaged` having frozen the trail; `UnknownSigner` when the key isn't the trail's.
        """
        newest = await self._trail.newest()  # before the state, which may move on meanwhile
        state = await self._trail.state()
        if state["frozen"] is not None:
            return None
        trusted = await self._trusted(state, newest)
        try:
            edge = await self._checked(state, newest, trusted)
        except Damaged as damage:
            await self.freeze(damage)
            raise
        self._trail.unsealed.grown(state["size"])  # a writer before us may have left it unsealed
        if newest is not None and newest.size == state["size"]:
            self._trail.unsealed.sealed(newest.size)
            return None
        failpoint("trail.before_checkpoint")
        checkpoint = Checkpoint(self.ring.origin, edge.size, edge.root())
        signed = Signed(edge.size, edge.root(), checkpoint.sign(self.ring.active))
        document = {"_id": signed.size, "root": signed.root, "note": signed.note}
        try:
            await self._trail.checkpoints.insert_one({**document, "at": self._clock()})
        except DuplicateKeyError:
            return None  # a writer before us signed this size: the same root, or it is caught next
        self._trail.unsealed.sealed(signed.size)
        failpoint("trail.after_checkpoint")
        return signed

    async def freeze(self, damage: Damaged, *, stop_signing: bool = True) -> None:
        """Stop signing, raise the alarm, and record it as an event. Safe to repeat."""
        gauges.fault(damage.code, damage.at)
        if stop_signing:
            frozen = {"code": damage.code, "seq": damage.at, "at": self._clock()}
            await self._trail.states.update_one(
                {"_id": STATE, "frozen": None}, {"$set": {"frozen": frozen}}
            )
        failpoint("trail.after_freeze")
        fault = Fault(
            id=derived_id("fault", damage.code, str(damage.at)),
            code=damage.code,
            seq=damage.at,
            frozen=stop_signing,
            found_at=self._clock(),
        )
        with contextlib.suppress(AlreadyThere):
            await self._faults.add(fault, integrity_failed(fault), by=Origin.of_service("audit"))

    async def run(self, writing: Callable[[], bool]) -> None:
        """Sign soon after the trail has grown, at most once a second, while this process is the
        writer. Events come in bursts: one checkpoint `GATHER` seconds after the first of a burst
        covers it. When nothing grows the newest checkpoint is checked again every ten minutes."""
        while True:
            raise_if_cancelled()
            await self._grown.wait(IDLE)
            await asyncio.sleep(GATHER)
            if writing():
                await self._round()
            else:
                self._grown.again()  # nobody tells it a second time
            await asyncio.sleep(EVERY - GATHER)

    async def _round(self) -> None:
        try:
            await self.sign()
        except Damaged:
            return  # frozen, and said so
        except UnknownSigner:
            log.error("trail.unknown_signer")
        except Exception:
            self._grown.again()  # the store is away, say: nobody else will wake us for this
            raise


def _check_note(newest: Signed, size: int, trusted: Sequence[TrustedKey]) -> None:
    if newest.size > size:
        raise Damaged("rolled_back", newest.size)
    try:
        signed = open_checkpoint(newest.note.encode(), trusted)
    except BadNote:
        raise Damaged("checkpoint_not_ours", newest.size) from None
    if signed.size != newest.size or signed.root != newest.root:
        raise Damaged("checkpoint_edited", newest.size)
