"""Identifiers: time-ordered where we choose them, derived where doubling must be impossible."""

import hashlib
import hmac
import re

import uuid_utils


def new_id(prefix: str) -> str:
    """A new time-ordered id (UUIDv7, RFC 9562 §5.7) with a prefix that says what it names."""
    return f"{prefix}_{uuid_utils.uuid7().hex}"


def is_random(prefix: str, one: str) -> bool:
    """Whether it is of the shape that drawn ids have: the prefix and 32 hexadecimal digits. No word
    stands in one."""
    return re.fullmatch(rf"{prefix}_[0-9a-f]{{32}}", one, re.ASCII) is not None


def derived_id(prefix: str, *parts: str) -> str:
    """The same parts give the same id, always: what an event creates is found by its second copy.

    SHA-256 over the length-prefixed parts, so that ("ab", "c") and ("a", "bc") differ.
    """
    return f"{prefix}_{hashlib.sha256(_framed(parts)).hexdigest()[:32]}"


def keyed_id(key: bytes, prefix: str, *parts: str) -> str:
    """The same key and parts give the same id, always; without the key nobody can try parts out.

    For ids of what callers name by words of their own: HMAC-SHA-256 as `derived_id` frames them.
    """
    mac = hmac.new(key, _framed(("id", prefix, *parts)), hashlib.sha256)
    return f"{prefix}_{mac.hexdigest()[:32]}"


def _framed(parts: tuple[str, ...]) -> bytes:
    raws = [part.encode() for part in parts]
    return b"".join(len(raw).to_bytes(4, "big") + raw for raw in raws)
