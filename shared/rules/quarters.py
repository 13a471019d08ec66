"""Quarters, over which numbers are published: they don't overlap, so none can be taken from another.
Pure."""

import re
from datetime import date, datetime, timedelta

from shared.errors import BadRequest
from shared.rules.calendars import midnight

# What happened at the end of a quarter may be on its way for a while, and is written down late.
SETTLES = timedelta(days=7)
_QUARTER = re.compile(r"[0-9]{4}-Q[1-4]")


def quarter_bounds(quarter: str, today: date) -> tuple[datetime, datetime, bool]:
    """From and to (excluded) of `2026-Q1` in London, and whether it is provisional: then it is up to
    the beginning of this week, at most. Raises `BadRequest` for one that has not begun."""
    try:
        if not _QUARTER.fullmatch(quarter):
            raise ValueError
        year, number = int(quarter[:4]), int(quarter[6:])
        start, end = date(year, 3 * number - 2, 1), date(year + number // 4, 3 * number % 12 + 1, 1)
    except ValueError:
        raise BadRequest("quarter_invalid", "A quarter is written like 2026-Q1.") from None
    if start > today:
        raise BadRequest("quarter_not_begun", "That quarter has not begun.")
    monday = max(start, today - timedelta(days=today.weekday()))
    return midnight(start), midnight(min(end, monday)), today < end + SETTLES
