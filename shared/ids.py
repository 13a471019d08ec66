"""Identifiers: time-ordered where we choose them, derived where doubling must be impossible."""

import hashlib

import uuid_utils


def new_id(prefix: str) -> str:
    """A new time-ordered id (UUIDv7, RFC 9562 §5.7) with a prefix that says what it names."""
    return f"{prefix}_{uuid_utils.uuid7().hex}"


def derived_id(prefix: str, *parts: str) -> str:
    """The same parts give the same id, always: what an event creates is found by its second copy.

    SHA-256 over the length-prefixed parts, so that ("ab", "c") and ("a", "bc") differ.
    """
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode()
        digest.update(len(raw).to_bytes(4, "big") + raw)
    return f"{prefix}_{digest.hexdigest()[:32]}"
