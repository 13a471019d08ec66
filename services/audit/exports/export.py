"""An export as it was asked for, and its event. Pure."""

from datetime import datetime

from services.audit.query import Query, queried
from shared.events.trail import TrailQueried
from shared.storage.records import Record


class Export(Record):
    """An export as it was asked for: pinned to one checkpoint, so it is the same whenever fetched."""

    asked_by: str
    purpose: str
    asked_at: datetime
    size: int
    filter: dict[str, str]
    previous: int | None = None


def asked_for(export: Export) -> TrailQueried:
    """The event of asking for an export."""
    return queried(
        Query(id=export.id, at=export.asked_at),
        resource="export",
        asked=export.filter,
        purpose=export.purpose,
        outcome="answered",
        count=0,
        size=export.size,
    )
