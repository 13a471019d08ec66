"""Entries as the events they are. Pure."""

from collections.abc import Mapping
from typing import Any

from shared.errors import Poison
from shared.events import EventData, catalogue, read

# The catalogue's import makes every type of event readable in this process.
KNOWN = frozenset(catalogue.event_types())


def data_of(event: Mapping[str, Any]) -> EventData | None:
    """The typed data of an entry's event; None for one that can't be read as any of ours. It stays
    an entry, found by its type, its actor and its correlation."""
    if str(event.get("type")) not in KNOWN:
        return None
    try:
        return read(event).data
    except Poison:
        return None
