"""JSON whose members stand twice: two readers may see two different documents (RFC 8259 §4)."""

import json
from collections import Counter
from typing import Any


class _Twice(Exception):
    """A member of one object stands twice."""

    def __init__(self, name: str) -> None:
        self.name = name


def said_twice_in(body: bytes) -> str | None:
    """The name of a member that stands twice in one object of this JSON. What is no JSON has none."""
    if b'"' not in body:
        return None
    try:
        json.loads(body, object_pairs_hook=_once)
    except _Twice as twice:
        return twice.name
    except (ValueError, RecursionError):
        return None  # whoever reads it says so
    return None


def _once(members: list[tuple[str, Any]]) -> None:
    names = [name for name, _ in members]
    if len(set(names)) != len(names):
        raise _Twice(next(name for name, count in Counter(names).items() if count > 1))
