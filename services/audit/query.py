"""A question put to the trail, and its event. Pure."""

from datetime import datetime
from typing import Literal

from shared.events.trail import TrailQueried
from shared.storage.records import Record


class Query(Record):
    """A question put to the trail. Its entry is the evidence; this only carries it there."""

    at: datetime


def queried(
    query: Query,
    *,
    resource: str,
    asked: dict[str, str],
    purpose: str,
    outcome: Literal["answered", "refused"],
    count: int,
    size: int,
) -> TrailQueried:
    """The event of a query."""
    return TrailQueried(
        query_id=query.id,
        resource=resource,
        filter=asked,
        purpose=purpose,
        outcome=outcome,
        count=count,
        checkpoint_size=size,
    )
