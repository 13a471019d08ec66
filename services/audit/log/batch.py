"""What of a batch is to be appended. Pure.

The same id with the same event again is nothing; with other bytes it is a conflict, an entry of its
own. A conflict that came before is nothing again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.audit.log.leaf import OURS, Leaf, conflict_of, leaf_of, same_event


@dataclass(frozen=True)
class Batch:
    """The bodies of a batch in order, and the time at which they are recorded."""

    bodies: Sequence[bytes]
    at: datetime
    held: bool

    def new(self, stored: Mapping[str, bytes]) -> list[Leaf]:
        """The leaves to append, beside what is `stored` under their ids."""
        seen, new = dict(stored), list[Leaf]()
        for body in self.bodies:
            leaf = leaf_of(body, self.at, held=self.held)
            first = seen.get(leaf.entry_id)
            if first is not None:
                if _again(first, leaf):
                    continue
                leaf = conflict_of(first, body, self.at, held=self.held)
                if leaf.entry_id in seen:
                    continue
            seen[leaf.entry_id] = leaf.raw
            new.append(leaf)
        return new

    def ids(self) -> list[str]:
        """The ids of the entries that these bodies would be."""
        return [leaf_of(body, self.at).entry_id for body in self.bodies]

    def conflicts(self, stored: Mapping[str, bytes]) -> list[str]:
        """The ids of the conflicts that these bodies would be, beside what is `stored`."""
        ids = []
        for body in self.bodies:
            leaf = leaf_of(body, self.at)
            first = stored.get(leaf.entry_id)
            if first is not None and not _again(first, leaf):
                ids.append(conflict_of(first, body, self.at).entry_id)
        return ids


def confirmed(strays: Sequence[Leaf], new: Sequence[Leaf]) -> int:
    """How many of the strays are what the feed gives for their places.

    Raises `Foreign` for the first that is something else: no service emitted it.
    """
    for place, (stray, leaf) in enumerate(zip(strays, new, strict=False)):
        if _timeless(stray) != _timeless(leaf):
            raise Foreign(place)
    return min(len(strays), len(new))


class Foreign(Exception):
    """The stray at this place is not what the feed gives for it."""

    def __init__(self, place: int) -> None:
        super().__init__(place)
        self.place = place


def _timeless(leaf: Leaf) -> dict[str, object]:
    # The trail's own entries are made anew when the feed gives their cause again, at another time.
    return {**leaf.event, "time": None} if leaf.entry_id.startswith(OURS) else leaf.event


def _again(stored: bytes, leaf: Leaf) -> bool:
    return leaf.entry_id.startswith(OURS) or same_event(stored, leaf)
