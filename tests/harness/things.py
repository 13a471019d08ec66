"""A record, its events and messages that belong to no service: for testing what lies below them."""

import json
from datetime import datetime
from itertools import count
from typing import Any

from shared.events import EVENT_TYPES, EventData
from shared.events.declared import Parties
from shared.ids import new_id
from shared.messaging.bus import Message
from shared.origin import Origin
from shared.storage.records import Change, Record, changed

MADE, CHANGED = "thing.made", "thing.changed"
SOMEONE = Origin("worker:wk_1", "worker")


class Thing(Record):
    """Counts, and may have a name."""

    name: str = "thing"
    count: int = 0
    seen_at: datetime | None = None


class AboutThing(EventData):
    """Names nobody."""

    def says(self, by: str) -> str:
        return f"{by} did something to a thing."

    def parties(self) -> Parties:
        return Parties()


class ThingMade(AboutThing):
    event_type = MADE
    count: int = 0


class ThingChanged(AboutThing):
    event_type = CHANGED
    count: int = 0


# They are no events of the network: whoever lists those must not find them.
del EVENT_TYPES[MADE], EVENT_TYPES[CHANGED]


def counted(thing: Thing) -> Change[Thing]:
    """One more."""
    return changed(thing, ThingChanged(count=thing.count + 1), count=thing.count + 1)


_numbers = count(1)


def message(event_type: str = CHANGED, *, stream: str = "", **data: Any) -> Message:
    """A message with a new id; without a `stream` it is in one of its own."""
    event_id = new_id("evt")
    body = {
        "id": event_id,
        "type": event_type,
        "subject": stream or event_id,
        "correlationid": stream or event_id,
        "version": next(_numbers),
        "data": data,
    }
    return Message.of(json.dumps(body))
