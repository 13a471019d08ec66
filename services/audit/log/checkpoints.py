"""Checkpoints (C2SP tlog-checkpoint), proofs as text (C2SP tlog-proof), and who may sign what. Pure."""

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.audit.log.notes import (
    BadNote,
    Signs,
    UnknownKey,
    VerifierKey,
    decoded,
    open_note,
    sign_note,
)
from services.audit.log.tree import HASH_SIZE

PROOF_HEADER = "c2sp.org/tlog-proof@v1"
DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
# What eight bytes hold; no log gets there.
LARGEST = 2**63 - 1


class OutOfRange(BadNote):
    """Signed by a key of this log, but for a size at which that key doesn't count."""


@dataclass(frozen=True)
class Checkpoint:
    """The tree at one size, as its log states it."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """Three lines: origin, size in decimal, root in base64."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    def sign(self, keys: Sequence[Signs]) -> str:
        """The signed note of this checkpoint."""
        return sign_note(self.text(), keys)


@dataclass(frozen=True)
class TrustedKey:
    """A key and the sizes for which it counts: first <= size <= last (None: for good)."""

    key: VerifierKey
    first: int = 0
    last: int | None = None

    def counts_at(self, size: int) -> bool:
        """Whether a checkpoint of this size may be signed by it."""
        return self.first <= size and (self.last is None or size <= self.last)


def read_checkpoint(text: str) -> Checkpoint:
    """The checkpoint in a note's text. Raises `BadNote` unless written exactly as specified."""
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
        raise BadNote("a checkpoint has three lines")
    origin, size, root = lines[0], lines[1], decoded_hash(lines[2])
    if DECIMAL.fullmatch(size) is None or int(size) > LARGEST:
        raise BadNote("the size is no plain decimal number of eight bytes")
    return Checkpoint(origin, int(size), root)


def open_checkpoint(note: bytes, trusted: Iterable[TrustedKey]) -> Checkpoint:
    """The checkpoint of a note that a trusted key has signed within its range of sizes.

    The origin must be the signer's name, so that a key of another log proves nothing here.
    Raises `BadNote`: `UnknownKey` when none of our keys signed, `OutOfRange` when only keys
    that don't count at that size did.
    """
    ranges = list(trusted)
    text, signers = open_note(note, [entry.key for entry in ranges])
    checkpoint = read_checkpoint(text)
    named = [key for key in signers if key.name == checkpoint.origin]
    if not named:
        raise UnknownKey("the origin is not the name of the key")
    if not any(entry.key in named and entry.counts_at(checkpoint.size) for entry in ranges):
        raise OutOfRange("the key doesn't count at this size")
    return checkpoint


@dataclass(frozen=True)
class InclusionProof:
    """Where an entry is, the path to the root, and the signed checkpoint of that root."""

    index: int
    path: tuple[bytes, ...]
    note: str

    def text(self) -> str:
        """The proof as C2SP tlog-proof writes it, without extra data."""
        hashes = "".join(base64.b64encode(value).decode() + "\n" for value in self.path)
        return f"{PROOF_HEADER}\nindex {self.index}\n{hashes}\n{self.note}"


def read_proof(raw: bytes) -> InclusionProof:
    """Read a tlog-proof. Raises `BadNote`; nothing in it is trusted yet."""
    try:
        head, mark, note = raw.decode("utf-8").partition("\n\n")
    except UnicodeDecodeError:
        raise BadNote("not UTF-8") from None
    lines = head.split("\n")
    if not mark or len(lines) < 2 or lines[0] != PROOF_HEADER:
        raise BadNote("not a tlog-proof")
    if lines[1].startswith("extra "):
        del lines[1]
    index = lines[1].removeprefix("index ") if len(lines) > 1 else ""
    if len(lines) < 2 or not lines[1].startswith("index ") or DECIMAL.fullmatch(index) is None:
        raise BadNote("no index")
    if len(lines) - 2 > 63:
        raise BadNote("too long for any tree")
    return InclusionProof(int(index), tuple(decoded_hash(line) for line in lines[2:]), note)


def decoded_hash(text: str) -> bytes:
    """32 bytes from base64. Raises `BadNote`."""
    raw = decoded(text)
    if raw is None or len(raw) != HASH_SIZE:
        raise BadNote("not a SHA-256 hash in base64")
    return raw
