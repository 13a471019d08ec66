"""When to look at a young person's age again, without writing their birthday down. Pure."""

from datetime import UTC, date, datetime, time, timedelta

from shared.calendars import LONDON


def next_check(date_of_birth: date | None, at: datetime) -> datetime | None:
    """When the age must be looked at again: before 16, before 17½ and before 18; None: never.

    The clock stands in the clear, so it only tells a month: it starts on the first day of the
    month of the milestone, and then runs from day to day until that has come.
    """
    if date_of_birth is None:
        return None
    today = at.astimezone(LONDON).date()
    coming = [m for m in milestones(date_of_birth) if m > today]
    if not coming:
        return None
    first_of_month = coming[0].replace(day=1)
    day = first_of_month if first_of_month > today else today + timedelta(days=1)
    return datetime.combine(day, time(0, 5), LONDON).astimezone(UTC)


def milestones(date_of_birth: date) -> tuple[date, date, date]:
    """The 16th birthday, six months before the 18th (transition protocol), and the 18th."""
    sixteen, eighteen = _birthday(date_of_birth, 16), _birthday(date_of_birth, 18)
    return sixteen, eighteen - timedelta(days=183), eighteen


def turning_18_ahead(date_of_birth: date, at: datetime) -> bool:
    """Whether it is time for the notice ahead: between 17½ and 18."""
    _, notice, eighteen = milestones(date_of_birth)
    return notice <= at.astimezone(LONDON).date() < eighteen


def _birthday(date_of_birth: date, age: int) -> date:
    try:
        return date_of_birth.replace(year=date_of_birth.year + age)
    except ValueError:  # 29 February: a year older on 1 March
        return date(date_of_birth.year + age, 3, 1)
