"""Witnesses: who, beside the trail itself, vouches that it only grew. C2SP tlog-cosignature, Ed25519.

A witness keeps the newest checkpoint that it checked and cosigns the next one once that is shown to
extend it. Whoever demands k of n witnesses need not trust the trail's key alone: to rewrite what they
cosigned, k of them would have to help.
"""

import base64
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from services.audit.log.checkpoints import Checkpoint, TrustedKey
from services.audit.log.ed25519 import public_of, signature_of
from services.audit.log.notes import LINE, BadKey, BadNote, VerifierKey, decoded, is_name, open_note
from services.audit.log.signatures import made_by
from services.audit.verify.sources import bytes_of
from services.audit.verify.verdicts import CannotVerify, Misused

COSIGNATURE = b"\x04"
STAMP = 8  # bytes


@dataclass(frozen=True)
class WitnessKey(VerifierKey):
    """`name+id+key` of a witness. What it signs is the checkpoint with the time before it."""

    kind: ClassVar[bytes] = COSIGNATURE

    def signed(self, text: bytes, signature: bytes) -> bool:
        """Whether this witness cosigned this checkpoint."""
        stamp, rest = int.from_bytes(signature[:STAMP], "big"), signature[STAMP:]
        return stamp < 2**63 and made_by(self.public, rest, _stamped(stamp, text))


def _stamped(stamp: int, text: bytes) -> bytes:
    return f"cosignature/v1\ntime {stamp}\n".encode() + text


@dataclass(frozen=True)
class Quorum:
    """Of these witnesses so many must have cosigned."""

    witnesses: tuple[WitnessKey, ...]
    needed: int

    @staticmethod
    def of(texts: Sequence[str], needed: int | None, keys: Sequence[TrustedKey]) -> "Quorum":
        """As the command names them; without a number, all. Raises `Misused` for what is no quorum:
        the trail is no witness of itself, and nobody counts twice."""
        try:
            witnesses = tuple(WitnessKey.parse(text) for text in texts)
        except BadKey:
            raise Misused("a witness's key is not written as such keys are") from None
        publics = [*(one.public for one in witnesses), *{one.key.public for one in keys}]
        if len(set(publics)) < len(publics):
            raise Misused("a witness is named twice, or has the key of the trail")
        needed = len(witnesses) if needed is None else needed
        if not 0 <= needed <= len(witnesses) or (witnesses and not needed):
            raise Misused(f"of {len(witnesses)} witnesses, {needed} can't be demanded")
        return Quorum(witnesses, needed)

    def vouched(self, sealed: Sequence[tuple[bytes, Checkpoint]]) -> str:
        """Up to where enough witnesses vouch for the trail, in words, by notes of checkpoints with
        which it is proven to begin. Raises `CannotVerify` where they are too few."""
        if not self.needed:
            return ""
        sizes = {one: self._largest(one, sealed) for one in self.witnesses}
        seen = sorted((size for size in sizes.values() if size is not None), reverse=True)
        of = f"of {len(self.witnesses)} witnesses"
        if len(seen) < self.needed:
            raise CannotVerify(
                f"{len(seen)} {of} have cosigned a checkpoint with which this begins; "
                f"{self.needed} are needed"
            )
        size = seen[self.needed - 1]
        names = [one.name for one, found in sizes.items() if found is not None and found >= size]
        return f"; {len(names)} {of} ({', '.join(names)}) have cosigned the first {size} entries"

    def _largest(
        self, witness: WitnessKey, sealed: Sequence[tuple[bytes, Checkpoint]]
    ) -> int | None:
        return max((c.size for note, c in sealed if _has_cosigned(witness, note)), default=None)


def notes_in(raw: bytes) -> list[bytes]:
    """The notes of a file: the one that it is, or those in an answer of the trail. Nothing in it is
    trusted: a note counts by its signatures. Raises `CannotVerify`."""
    if not raw.startswith(b"{"):
        return [raw]
    try:
        found = json.loads(raw)["witnesses"]
        return [one["note"].encode() for one in found if one["note"] is not None]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise CannotVerify("this is no answer of /v1/cosignatures") from None


def _has_cosigned(witness: WitnessKey, note: bytes) -> bool:
    """A cosignature that is wrong counts for nothing: anybody can write one below a note."""
    try:
        return bool(open_note(note, [witness])[1])
    except BadNote:
        return False


@dataclass(frozen=True)
class Cosigner:
    """A witness's key, which stays on its own machine. Its seed never shows in a repr."""

    name: str
    seed: bytes

    @staticmethod
    def read(path: Path) -> "Cosigner":
        """From a file of `name+seed`, the seed being 32 bytes in base64. Raises `Misused`."""
        name, _, text = bytes_of(path).decode("utf-8", "replace").strip().partition("+")
        seed = decoded(text)
        if not is_name(name) or seed is None or len(seed) != 32:
            raise Misused(f"{path} is not the key of a witness")
        return Cosigner(name, seed)

    @property
    def verifier(self) -> WitnessKey:
        """The public half, for those who demand this witness."""
        return WitnessKey(self.name, public_of(self.seed))

    def cosigned(self, note: bytes, at: float | None = None) -> bytes:
        """The note with this witness's line below it. Only for a checkpoint that was checked and is
        already kept: a witness never vouches for two histories."""
        text = note.decode("utf-8").rpartition("\n\n")[0].encode() + b"\n"
        stamp = int(time.time() if at is None else at)
        signature = stamp.to_bytes(STAMP, "big") + signature_of(self.seed, _stamped(stamp, text))
        raw = base64.b64encode(self.verifier.key_id + signature).decode()
        return note + f"{LINE}{self.name} {raw}\n".encode()

    def __repr__(self) -> str:
        return f"Cosigner({self.verifier})"


def new_cosigner(name: str, to: Path) -> Cosigner:
    """A new key, in a file for nobody but its owner. Raises `Misused`."""
    text = f"{name}+{base64.b64encode(os.urandom(32)).decode()}\n"
    try:
        made = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError:
        raise Misused(f"{to} can't be made, or is there already") from None
    with open(made, "w", encoding="utf-8") as file:
        file.write(text)
    return Cosigner.read(to)
