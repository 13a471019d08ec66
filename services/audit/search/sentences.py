"""Each entry in one plain sentence, so that a trail reads like a story. Pure.

The sentence is the event's own. An entry that is none of our events (of a newer version, or from
somebody else) is named as it is.
"""

from collections.abc import Mapping
from typing import Any

from services.audit.search.reading import data_of


def sentence(event: Mapping[str, Any], *, for_agency: bool = False) -> str:
    """What happened, in words; for an agency without workers, other agencies and young people."""
    data = data_of(event)
    if data is None:
        plain = str(event.get("type", "")).replace(".", " ").replace("_", " ")
        return f"{plain}." if for_agency else f"{_actor(event)}: {plain}."
    return data.tells() if for_agency else data.says(_actor(event))


def _actor(event: Mapping[str, Any]) -> str:
    kind, _, identity = str(event.get("actor") or "someone").partition(":")
    return f"the {identity} service" if kind == "service" else f"{kind} {identity}".strip()
