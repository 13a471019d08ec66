"""Days as spans of time. Pure."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

from pydantic import Field

from services.audit.log.leaf import instant
from shared.rules.calendars import LONDON
from shared.rules.values import CalendarDay, Instant

# A moment, or a day of the calendar: `to` then includes that day.
Moment = Annotated[Instant | CalendarDay, Field(union_mode="left_to_right")]


def starts(at: datetime | date) -> datetime:
    """When a moment is, or a day begins in London."""
    if isinstance(at, datetime):
        return at
    return datetime.combine(at, time(), LONDON).astimezone(UTC)


def ends(at: datetime | date) -> datetime:
    """When a moment is, or a day is over in London."""
    if isinstance(at, datetime):
        return at
    return datetime.combine(at + timedelta(days=1), time(), LONDON).astimezone(UTC)


def span_of(since: datetime | date | None, until: datetime | date | None) -> dict[str, str]:
    """The window of a search, as `Trail.find` takes it."""
    span = {} if since is None else {"from": instant(starts(since))}
    return span if until is None else {**span, "to": instant(ends(until))}
