"""The newest cosignature of each witness that the network agreed on. They are no entries: the trail
would grow by being vouched for. Each proves itself; whoever demands a quorum checks it again."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pymongo.errors import DuplicateKeyError

from services.audit.log.checkpoints import read_checkpoint
from services.audit.log.notes import LINE, BadNote, VerifierKey, decoded, open_note
from services.audit.log.store import Trail
from services.audit.verify.witnesses import STAMP, WitnessKey
from services.audit.witnesses import gauges
from shared.clock import now
from shared.errors import Refused
from shared.operating.cancellation import raise_if_cancelled
from shared.operating.telemetry import log
from shared.storage.store import Database

EVERY = 60.0
ID = 4  # bytes of a key's id, before its signature


@dataclass(frozen=True)
class Witnesses:
    """Who was agreed on, and how many of them must vouch."""

    keys: tuple[WitnessKey, ...] = ()
    needed: int = 0

    @staticmethod
    def of(texts: Sequence[str], needed: int | None) -> "Witnesses":
        """As the settings name them; without a number, all. Raises `ValueError`."""
        keys = tuple(WitnessKey.parse(text) for text in texts)
        if len({key.public for key in keys}) < len(keys) or len({k.name for k in keys}) < len(keys):
            raise ValueError("a witness is named twice")
        needed = len(keys) if needed is None else needed
        if not 0 <= needed <= len(keys) or (keys and not needed):
            raise ValueError(f"of {len(keys)} witnesses, {needed} can't be demanded")
        return Witnesses(keys, needed)


@dataclass(frozen=True)
class Cosigned:
    """The newest that a witness has cosigned: the size, the note with its line, and when it signed."""

    name: str
    size: int
    note: str
    at: datetime


class Cosignatures:
    """Takes them in and gives them out. Any replica may."""

    def __init__(self, trail: Trail, database: Database, witnesses: Witnesses, origin: str) -> None:
        self._trail, self._collection = trail, database["cosignatures"]
        self._origin = origin
        self.witnesses = witnesses

    async def take(self, note: str) -> list[Cosigned]:
        """Keep what the witnesses among the signers have cosigned; an older one changes nothing.

        Raises `Refused` where none of them has, where a signature is wrong, for what they cosigned of
        another log, and where they vouch for a checkpoint of this trail that it never signed:
        somebody was shown another history.
        """
        try:
            text, signers = open_note(note.encode(), self.witnesses.keys)
            checkpoint = read_checkpoint(text)
        except BadNote as why:
            raise Refused(
                "not_cosigned", f"No witness of this trail has cosigned it: {why}."
            ) from None
        if checkpoint.origin != self._origin:
            raise Refused("another_log", "That is a checkpoint of another log than this trail.")
        names = [key.name for key in signers]
        own = await self._trail.checkpoint(checkpoint.size)
        if own is None or not own.note.startswith(f"{text}\n"):
            log.error("trail.cosigned_elsewhere", size=checkpoint.size, witnesses=names)
            gauges.elsewhere()
            raise Refused(
                "another_history", "This trail never signed that checkpoint. Keep what you have."
            )
        for key in signers:
            line = _line_of(key, note)
            await self._keep(key, checkpoint.size, f"{own.note}{line}\n", _signed_at(key, line))
        return await self.newest()

    async def _keep(self, key: VerifierKey, size: int, note: str, at: datetime) -> None:
        kept = {"size": size, "note": note, "at": at}
        try:
            await self._collection.insert_one({"_id": str(key), **kept})
        except DuplicateKeyError:
            earlier = [{"size": {"$lt": size}}, {"size": size, "at": {"$lt": at}}]
            await self._collection.update_one({"_id": str(key), "$or": earlier}, {"$set": kept})

    async def newest(self) -> list[Cosigned]:
        """Of each witness that cosigned anything, in the order of the settings."""
        ids = [str(key) for key in self.witnesses.keys]
        found = {d["_id"]: d async for d in self._collection.find({"_id": {"$in": ids}})}
        return [
            Cosigned(key.name, d["size"], d["note"], d["at"].replace(tzinfo=UTC))
            for key in self.witnesses.keys
            if (d := found.get(str(key)))
        ]

    async def watch(self) -> None:
        """Tell for ever how long ago enough witnesses have vouched. Any replica may."""
        began = now()
        while True:
            raise_if_cancelled()
            age = timedelta()
            if self.witnesses.needed:
                vouched = self.vouched(await self.newest())
                age = now() - (vouched.at if vouched else began)
            gauges.vouched(age)
            await asyncio.sleep(EVERY)

    def vouched(self, newest: Sequence[Cosigned]) -> Cosigned | None:
        """Up to where enough witnesses vouch: what the last one of the quorum has cosigned. None while
        they are too few, or none is demanded."""
        ranked = sorted(newest, key=lambda each: each.size, reverse=True)
        needed = self.witnesses.needed
        return ranked[needed - 1] if needed and len(ranked) >= needed else None


def _signed_at(key: VerifierKey, line: str) -> datetime:
    """The time in the cosignature, which the witness has signed: whoever sends an old one again says
    nothing new. A time to come is now."""
    signature = decoded(line.removeprefix(f"{LINE}{key.name} ")) or b""
    stamp = int.from_bytes(signature[ID:][:STAMP], "big")
    at = now()
    return datetime.fromtimestamp(min(stamp, at.timestamp()), UTC)


def _line_of(key: VerifierKey, note: str) -> str:
    """The line of the note that this key has signed; others of its name may stand beside it."""
    prefix = f"{LINE}{key.name} "
    lines = (each for each in note.split("\n") if each.startswith(prefix))
    return next(
        one for one in lines if (decoded(one.removeprefix(prefix)) or b"")[:ID] == key.key_id
    )
