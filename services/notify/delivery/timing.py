"""When to try again, when to give up, when people are off duty, when to remind. Pure."""

from datetime import datetime, time, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

from shared.rules.calendars import LONDON, Nation, is_working_day

# Seconds before the 2nd, 3rd … attempt: about a day in all (Standard Webhooks 1.0.0, "Retries").
BACKOFF = (5.0, 300.0, 1800.0, 7200.0, 18000.0, 28800.0, 28800.0)
SLOWEST = 600.0
LONGEST_WISH = 3600.0
DAY_STARTS = time(8, 0)


def next_attempt(
    attempts: int, at: datetime, jitter: float, backoff: tuple[float, ...] = BACKOFF
) -> datetime | None:
    """When to try again after `attempts` failures (`jitter` in 0..1 adds up to a fifth); None: never."""
    if attempts > len(backoff):
        return None
    return at + timedelta(seconds=backoff[attempts - 1] * (1 + jitter / 5))


def given_up(since: datetime, at: datetime, backoff: tuple[float, ...] = BACKOFF) -> bool:
    """Whether one that was never tried, for its endpoint was known to be down, has waited enough."""
    return at - since > timedelta(seconds=1.2 * sum(backoff))


def slowed_until(
    failures: int, at: datetime, wish: float | None, backoff: tuple[float, ...] = BACKOFF
) -> datetime:
    """Until when an endpoint that failed `failures` times in a row is left alone.

    At most ten minutes, so that what waited arrives soon after it is back; an hour at most if the
    endpoint itself asks for it (`wish`: seconds of `Retry-After`, RFC 9110 §10.2.3).
    """
    own = min(backoff[0] * 2 ** min(failures - 1, 20), SLOWEST)
    return at + timedelta(seconds=max(own, min(wish or 0.0, LONGEST_WISH)))


ClockTime = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class QuietHours(BaseModel):
    """When a person is off duty, in London time; over midnight where `start` is the later one."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    start: ClockTime
    end: ClockTime
    days_off: Literal["none", "weekends_and_holidays"] = "none"


def quiet_until(quiet: QuietHours | None, at: datetime, nation: Nation) -> datetime | None:
    """The end of the quiet time that `at` is in, or None if it is in none."""
    if quiet is None or not _is_quiet(quiet, at, nation):
        return None
    # In steps of wall-clock quarters of an hour; a fortnight is longer than any run of holidays.
    step = timedelta(minutes=15)
    moment = at + (step - (at - datetime.min.replace(tzinfo=at.tzinfo)) % step)
    for _ in range(14 * 96):
        if not _is_quiet(quiet, moment, nation):
            return moment
        moment += step
    return moment


def _is_quiet(quiet: QuietHours, at: datetime, nation: Nation) -> bool:
    local = at.astimezone(LONDON)
    if quiet.days_off == "weekends_and_holidays" and not is_working_day(local.date(), nation):
        return True
    clock = f"{local:%H:%M}"
    if quiet.start <= quiet.end:
        return quiet.start <= clock < quiet.end
    return clock >= quiet.start or clock < quiet.end


def remind_at(
    created_at: datetime, reminders: int, after: tuple[int, ...], nation: Nation
) -> datetime | None:
    """When to ask again after `reminders` reminders: the morning of the n-th working day."""
    if reminders >= len(after):
        return None
    day, left = created_at.astimezone(LONDON).date(), after[reminders]
    while left > 0:
        day += timedelta(days=1)
        left -= is_working_day(day, nation)
    return datetime.combine(day, DAY_STARTS, LONDON).astimezone(created_at.tzinfo)
