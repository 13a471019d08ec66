"""Working days of the four UK nations, and the response clocks counted in them. Pure.

Public holidays come from the `holidays` package (which follows gov.uk/bank-holidays).
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Literal
from zoneinfo import ZoneInfo

import holidays

from shared.events.codes import Urgency

Nation = Literal["england", "wales", "scotland", "northern_ireland"]

LONDON = ZoneInfo("Europe/London")
CLOSE = time(17, 0)
IMMEDIATE = timedelta(hours=2)

_SUBDIVISIONS: dict[Nation, str] = {
    "england": "ENG",
    "wales": "WLS",
    "scotland": "SCT",
    "northern_ireland": "NIR",
}
_WORKING_DAYS: dict[Urgency, int] = {
    "one_working_day": 1,
    "five_working_days": 5,
    "ten_working_days": 10,
}


def midnight(day: date) -> datetime:
    """When that day begins in London, in UTC."""
    return datetime.combine(day, time(0), LONDON).astimezone(UTC)


@cache
def _holidays(nation: Nation, year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("GB", subdiv=_SUBDIVISIONS[nation], years=year))


def is_bank_holiday(day: date, nation: Nation) -> bool:
    """A public holiday there, also where it falls on a weekend."""
    return day in _holidays(nation, day.year)


def is_working_day(day: date, nation: Nation) -> bool:
    """Monday to Friday, no public holiday there."""
    return day.weekday() < 5 and not is_bank_holiday(day, nation)


def due_at(urgency: Urgency, received_at: datetime, nation: Nation) -> datetime:
    """When an answer is due, in UTC.

    `immediate`: within two hours, at any time of any day (the emergency deadline of HMPPS'
    approved premises; the emergency services come first anyway). `same_day`: by the end of that
    day in London, also on a Sunday: a child at risk does not wait for Monday. Otherwise by close
    of business (17:00 London) of the n-th working day after the day of receipt (Working Together
    2023: a decision within one working day).
    """
    if urgency == "immediate":
        return received_at + IMMEDIATE
    day = received_at.astimezone(LONDON).date()
    if urgency == "same_day":
        return datetime.combine(day, time(23, 59, 59), LONDON).astimezone(UTC)
    left = _WORKING_DAYS[urgency]
    while left:
        day += timedelta(days=1)
        left -= is_working_day(day, nation)
    return datetime.combine(day, CLOSE, LONDON).astimezone(UTC)
