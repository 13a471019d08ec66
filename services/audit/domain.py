"""Leaves of the trail: canonical bytes, written once and never serialised again. Pure."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

MAX_LEAF = 65_535
SAFE_INTEGER = 2**53


class Leaf(BaseModel):
    """One entry to append: its id, exact bytes, hash, and the fields it is searched by."""

    model_config = ConfigDict(frozen=True)

    entry_id: str
    raw: bytes
    leaf_hash: bytes
    fields: dict[str, Any]


class Unfit(ValueError):
    """The body can't be a leaf; the reason is a code."""


def leaf_of(body: bytes, recorded_at: datetime) -> Leaf:
    """The leaf of an event; for a body that can't be one, a `trail.rejected` leaf with its hash.

    Nothing that arrives is dropped: an unreadable message is itself something to be explained.
    """
    try:
        event = _readable(body)
    except Unfit as unfit:
        return _rejected(body, str(unfit), recorded_at)
    raw = canonical({"event": event, "recorded_at": _text(recorded_at)})
    if len(raw) > MAX_LEAF:
        return _rejected(body, "too_large", recorded_at)
    return Leaf(
        entry_id=event["id"],
        raw=raw,
        leaf_hash=leaf_hash(raw),
        fields={
            "type": event["type"],
            "referral_id": event["correlationid"],
            "actor": event.get("actor"),
            "time": event.get("time"),
        },
    )


def canonical(value: Any) -> bytes:
    """RFC 8785 for the values we allow (no floats, ASCII keys): sorted, compact JSON in UTF-8."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8")


def leaf_hash(raw: bytes) -> bytes:
    """SHA-256(0x00 ‖ bytes), RFC 6962 §2.1."""
    return hashlib.sha256(b"\x00" + raw).digest()


def _readable(body: bytes) -> dict[str, Any]:
    try:
        event = json.loads(body, object_pairs_hook=_object)
    except Unfit:
        raise
    except (ValueError, RecursionError):
        raise Unfit("not_json") from None
    if not isinstance(event, dict):
        raise Unfit("not_an_object")
    if not all(isinstance(event.get(name), str) for name in ("id", "type", "correlationid")):
        raise Unfit("not_an_event")
    _check(event)
    return event


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unfit("duplicate_key")
    return found


def _check(value: Any) -> None:
    if isinstance(value, float):
        raise Unfit("float")
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= SAFE_INTEGER:
        raise Unfit("integer_too_large")
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise Unfit("lone_surrogate") from None
    if isinstance(value, dict):
        if not all(key.isascii() for key in value):
            raise Unfit("key_not_ascii")
        for inner in value.values():
            _check(inner)
    if isinstance(value, list):
        for inner in value:
            _check(inner)


def _rejected(body: bytes, reason: str, recorded_at: datetime) -> Leaf:
    digest = hashlib.sha256(body).hexdigest()
    entry = {"type": "trail.rejected", "reason": reason, "sha256": digest, "size": len(body)}
    raw = canonical({"entry": entry, "recorded_at": _text(recorded_at)})
    return Leaf(
        entry_id=f"rejected:{digest}",
        raw=raw,
        leaf_hash=leaf_hash(raw),
        fields={"type": "trail.rejected", "referral_id": None, "actor": None, "time": None},
    )


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
