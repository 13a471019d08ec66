"""Leaves of the trail: canonical bytes, written once and never serialised again. Pure.

A leaf is `{"event": …, "recorded_at": …}`, and `"clock": "held"` where our clock had jumped back.
The event is the CloudEvent as it was received. What can't be a leaf (unreadable, too large, the
id of another event) is recorded by an event of the trail's own that holds its hash: nothing that
arrives is dropped.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from services.audit.log.tree import leaf_hash
from shared.messaging.marks import Break

MAX_LEAF = 65_535
SAFE_INTEGER = 2**53
OURS = "trail:"
SOURCE = "/services/audit"


@dataclass(frozen=True)
class Leaf:
    """One entry to append: its id, its exact bytes, their hash, and the event in them."""

    entry_id: str
    raw: bytes
    leaf_hash: bytes
    recorded_at: str
    event: dict[str, Any]


def stored_leaf(entry_id: str, raw: bytes, its_hash: bytes) -> Leaf:
    """The leaf of a stored entry."""
    content = json.loads(raw)
    return Leaf(entry_id, raw, its_hash, content["recorded_at"], content["event"])


class Unfit(ValueError):
    """The body can't be a leaf; the reason is a code."""


def leaf_of(body: bytes, recorded_at: datetime, *, held: bool = False) -> Leaf:
    """The leaf of an event; for a body that can't be one, a `trail.rejected` leaf with its hash.

    `held` says that the clock had jumped back and `recorded_at` is that of the entry before.
    """
    try:
        event = _readable(body)
    except Unfit as unfit:
        return _rejected(body, str(unfit), recorded_at, held)
    leaf = _leaf(event, recorded_at, held)
    if len(leaf.raw) <= MAX_LEAF:
        return leaf
    known = {"rejected_type": event["type"][:100], "referral_id": event["correlationid"][:100]}
    return _rejected(body, "too_large", recorded_at, held, known)


def same_event(stored: bytes, leaf: Leaf) -> bool:
    """Whether a stored leaf holds the same event, byte for byte in canonical form."""
    return canonical(json.loads(stored)["event"]) == canonical(leaf.event)


def conflict_of(stored: bytes, body: bytes, recorded_at: datetime, *, held: bool = False) -> Leaf:
    """The leaf saying that an id came again with other bytes; the first stays as it is."""
    first = json.loads(stored)["event"]
    first_digest = hashlib.sha256(canonical(first)).hexdigest()
    data = {"event_id": first["id"], "sha256": _digest(body), "first_sha256": first_digest}
    key = f"{OURS}conflict:{first['id']}:{data['sha256']}"
    return _leaf(_own_event("trail.conflict", key, data, recorded_at), recorded_at, held)


def replaced_leaf(found: Break, recorded_at: datetime, *, held: bool = False) -> Leaf:
    """The leaf saying that the feed is not the one that was read before. One for each such mark."""
    data = {"reason": found.reason, "offset": found.read.offset, "found": found.found}
    key = f"{OURS}stream:{found.read.offset}:{found.read.digest}"
    return _leaf(_own_event("trail.stream_replaced", key, data, recorded_at), recorded_at, held)


def canonical(value: Any) -> bytes:
    """RFC 8785 for the values we allow (no floats, ASCII keys): sorted, compact JSON in UTF-8.

    Our own: the package `rfc8785` takes six times as long for each entry; a test holds them equal.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8")


def instant(at: datetime) -> str:
    """A time as it stands in leaves: UTC, in milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _leaf(event: dict[str, Any], recorded_at: datetime, held: bool) -> Leaf:
    at = instant(recorded_at)
    content: dict[str, Any] = {"event": event, "recorded_at": at}
    raw = canonical({**content, "clock": "held"} if held else content)
    return Leaf(event["id"], raw, leaf_hash(raw), at, event)


def _rejected(
    body: bytes,
    reason: str,
    recorded_at: datetime,
    held: bool,
    known: Mapping[str, str] | None = None,
) -> Leaf:
    data = {"reason": reason, "sha256": _digest(body), "size": len(body), **(known or {})}
    key = f"{OURS}rejected:{data['sha256']}"
    return _leaf(_own_event("trail.rejected", key, data, recorded_at), recorded_at, held)


def _own_event(event_type: str, key: str, data: dict[str, Any], at: datetime) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": key,
        "source": SOURCE,
        "type": event_type,
        "subject": key,
        "time": instant(at),
        "datacontenttype": "application/json",
        "dataschema": f"urn:hub-and-spoke:{event_type}:1",
        "correlationid": key,
        "version": 1,
        "actor": "service:audit",
        "actorrole": "service",
        "data": data,
    }


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _readable(body: bytes) -> dict[str, Any]:
    try:
        event = json.loads(body, object_pairs_hook=_object, parse_float=_float)
    except Unfit:
        raise
    except (ValueError, RecursionError):
        raise Unfit("not_json") from None
    if not isinstance(event, dict):
        raise Unfit("not_an_object")
    if not all(isinstance(event.get(name), str) for name in ("id", "type", "correlationid")):
        raise Unfit("not_an_event")
    if event["id"].startswith(OURS):
        raise Unfit("reserved_id")
    try:
        _check(event)
    except RecursionError:
        raise Unfit("too_deep") from None
    return event


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unfit("duplicate_key")
    return found


def _float(_: str) -> float:
    raise Unfit("float")


def _check(value: Any) -> None:
    # Exact types: everything here comes from json.loads. Most values are strings of plain ASCII.
    kind = type(value)
    if kind is str:
        if not value.isascii():
            _check_text(value)
    elif kind is dict:
        for key, inner in value.items():
            if not key.isascii():
                raise Unfit("key_not_ascii")
            _check(inner)
    elif kind is list:
        for inner in value:
            _check(inner)
    elif kind is int and abs(value) >= SAFE_INTEGER:
        raise Unfit("integer_too_large")
    elif kind is float:  # NaN and Infinity, which json.loads lets through
        raise Unfit("float")


def _check_text(value: str) -> None:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise Unfit("lone_surrogate") from None
