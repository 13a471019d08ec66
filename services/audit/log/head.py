"""Where the one writer stands, and what can take its place from it."""

from dataclasses import dataclass
from datetime import datetime

from services.audit.log.edge import Edge
from services.audit.log.leaf import Leaf
from shared.messaging.marks import Mark


class Fenced(Exception):
    """Another writer has the trail now."""


class PlaceTaken(Exception):
    """A place in the log, or the id of an event, is taken already."""


@dataclass(frozen=True)
class Head:
    """The state that this writer wrote or took over, and the right edge of the tree."""

    size: int
    read: Mark | None
    epoch: int
    edge: Edge
    recorded_at: datetime | None
    # Entries behind the size: a crash left them, or a fenced writer, or nobody of ours wrote them.
    # They count once the feed has given their events.
    strays: tuple[Leaf, ...] = ()

    def time_after(self, at: datetime) -> tuple[datetime, bool]:
        """The time of the next entry, and whether it was held: a clock that jumps back is held at
        the last entry's time, and the leaf says so."""
        if self.recorded_at is not None and at < self.recorded_at:
            return self.recorded_at, True
        return at, False
