"""JSON whose members stand twice: two readers may see two different documents (RFC 8259 §4)."""

import json
from typing import Any


class _Twice(Exception):
    """A member of one object stands twice."""


def says_twice(body: bytes) -> bool:
    """Whether an object of this JSON has two members of one name. What is no JSON has none."""
    if b'"' not in body:
        return False
    try:
        json.loads(body, object_pairs_hook=_once)
    except _Twice:
        return True
    except (ValueError, RecursionError):
        return False  # whoever reads it says so
    return False


def _once(members: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in members}) != len(members):
        raise _Twice
