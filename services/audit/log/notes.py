"""Signed notes with Ed25519 keys, as C2SP signed-note defines them. Pure."""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, Self

from services.audit.log.signatures import made_by

ED25519 = b"\x01"
MAX_NOTE = 1_000_000
MAX_SIGNATURES = 100
MARK = "\n\n"
LINE = "— "


class BadNote(ValueError):
    """Not a note, or not one that a key we trust has signed."""


class UnknownKey(BadNote):
    """Well formed, but no key we trust has signed it: nothing can be said about it."""


class BadKey(ValueError):
    """Not a key as we write them."""


@dataclass(frozen=True)
class VerifierKey:
    """`name+id+key`: who signs, the key's id (4 bytes, hex), and type and public key in base64."""

    name: str
    public: bytes
    kind: ClassVar[bytes] = ED25519

    @property
    def key_id(self) -> bytes:
        """SHA-256(name ‖ 0x0A ‖ kind ‖ public key)[:4]."""
        return hashlib.sha256(self.name.encode() + b"\n" + self.kind + self.public).digest()[:4]

    def __str__(self) -> str:
        return (
            f"{self.name}+{self.key_id.hex()}+{base64.b64encode(self.kind + self.public).decode()}"
        )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `name+id+key`. Raises `BadKey` for another kind, or when the id doesn't fit."""
        parts = text.strip().split("+", 2)
        if len(parts) != 3 or not is_name(parts[0]):
            raise BadKey("not of the form name+id+key")
        raw = decoded(parts[2])
        if raw is None or len(raw) != 33 or raw[:1] != cls.kind:
            raise BadKey("not an Ed25519 key")
        key = cls(parts[0], raw[1:])
        if key.key_id.hex() != parts[1]:
            raise BadKey("the id doesn't belong to the key")
        return key

    def signed(self, text: bytes, signature: bytes) -> bool:
        """Whether this key made this signature over this text (RFC 8032)."""
        return made_by(self.public, signature, text)


class Signs(Protocol):
    """What can sign a note."""

    def line(self, text: str) -> str:
        """The signature line for a note's text."""
        ...


def sign_note(text: str, keys: Sequence[Signs]) -> str:
    """The note: text, a blank line, a line for each key. The text must end in a newline."""
    if not text.endswith("\n"):
        raise ValueError("the text of a note ends in a newline")
    return text + "\n" + "".join(key.line(text) for key in keys)


def open_note(note: bytes, trusted: Iterable[VerifierKey]) -> tuple[str, list[VerifierKey]]:
    """The text of a note and the trusted keys that signed it, at least one.

    A signature of another kind or name is ignored and never counted; a signature of a trusted
    key that doesn't verify refuses the whole note. Raises `BadNote`, or its `UnknownKey`.
    """
    text, lines = _parts(note)
    keys = {(key.name, key.key_id): key for key in trusted}
    signers: list[VerifierKey] = []
    for line in lines:
        name, raw = _signature(line)
        key = keys.get((name, raw[:4]))
        if key is None:
            continue
        if not key.signed(text.encode(), raw[4:]):
            raise BadNote("a trusted key's signature is wrong")
        if key not in signers:
            signers.append(key)
    if not signers:
        raise UnknownKey("no trusted key has signed it")
    return text, signers


def _parts(note: bytes) -> tuple[str, list[str]]:
    if len(note) > MAX_NOTE:
        raise BadNote("too long")
    try:
        whole = note.decode("utf-8")
    except UnicodeDecodeError:
        raise BadNote("not UTF-8") from None
    if any(ord(char) < 0x20 and char != "\n" for char in whole) or not whole.endswith("\n"):
        raise BadNote("a control character, or no newline at the end")
    body, mark, signatures = whole.rpartition(MARK)
    if not mark or not signatures:
        raise BadNote("no signatures")
    lines = signatures[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise BadNote("too many signatures")
    return body + "\n", lines


def _signature(line: str) -> tuple[str, bytes]:
    name, gap, encoded = line.removeprefix(LINE).partition(" ")
    raw = decoded(encoded)
    if not line.startswith(LINE) or not gap or not is_name(name) or raw is None or len(raw) < 5:
        raise BadNote("a malformed signature line")
    return name, raw


def is_name(name: str) -> bool:
    """Whether a key may be called so: one word without a plus."""
    return bool(name) and "+" not in name and not any(char.isspace() for char in name)


def decoded(text: str) -> bytes | None:
    """Base64 (RFC 4648 §4) written the one canonical way: §3.5, unused bits must be zero."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if base64.b64encode(raw).decode() == text else None
