"""Which Hub serves an area. Pure."""

from collections.abc import Iterable
from typing import NamedTuple


class Hub(NamedTuple):
    """A Hub and the areas of its newest entry."""

    id: str
    areas: frozenset[str]


def serving(hubs: Iterable[Hub]) -> dict[str, str]:
    """Area → the Hub that serves it.

    While an area goes from one Hub to another, the news of the one may come before that of the
    other. An area that two Hubs have is then served by neither. Pure.
    """
    served: dict[str, str] = {}
    twice: set[str] = set()
    for hub in hubs:
        twice |= hub.areas & set(served)
        served |= dict.fromkeys(hub.areas, hub.id)
    return {area: hub_id for area, hub_id in served.items() if area not in twice}
