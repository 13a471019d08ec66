"""How large an event may be. What is accepted, the trail must be able to hold. Pure.

A leaf of the trail ends at 65,535 bytes, envelope and time of recording included. So an event that
is larger than `MAX_EVENT` is refused before anything is written. Reading knows no such bound.
"""

import json
from typing import Any

from shared.errors import Refused

MAX_EVENT = 65_000
# What makes a record grow is refused earlier: the rest is kept for what must always be possible,
# a withdrawal, a safety mark, a link.
MAX_GROWTH = 50_000
# A no of an agency ends before: the rest is for one of the Hub, of the most that one can name.
MAX_NO_OF_AGENCY = 57_000
# What an event's envelope takes at most, for a rule that asks before there is one.
ENVELOPE = 1_500
MAX_TEXT = 1_000
MAX_ITEMS = 1_000


def fit(body: str, room: int = MAX_EVENT) -> None:
    """Raises `Refused` for an event that is larger than `room` bytes, or has too much in one place."""
    if len(body.encode()) > room:
        raise Refused("event_too_large", "This record can't hold any more of it.")
    if len(body) > MAX_TEXT:
        _within(json.loads(body))


def room_of_no(recorded_by: str | None) -> int:
    """How large the event of a no may be: one of the Hub has room where one of an agency has none."""
    return MAX_NO_OF_AGENCY if (recorded_by or "").startswith("agency:") else MAX_EVENT


def _within(value: Any) -> None:
    if isinstance(value, str):
        if len(value) > MAX_TEXT:
            raise Refused("text_too_long", f"At most {MAX_TEXT} characters in one place.")
    elif isinstance(value, dict | list):
        if len(value) > MAX_ITEMS:
            raise Refused("list_too_long", f"At most {MAX_ITEMS} of them.")
        for inner in value.values() if isinstance(value, dict) else value:
            _within(inner)
