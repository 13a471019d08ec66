"""How old a referral says somebody is: with what it was known by, and when. Pure.

The birth date itself is sealed in its referral. What stands in the clear tells a month at most.
"""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from services.referral.documents import SubjectDetails
from services.referral.people.placeholders import is_guess
from shared.events.codes import AgeBand
from shared.rules.calendars import LONDON

BIRTHDAY_DUE = "birthday_due"
# From the youngest on; `not_known` is none of them.
BANDS: tuple[AgeBand, ...] = tuple(b for b in get_args(AgeBand) if b != "not_known")
# This network is for young people up to that age: an older one is a slip of the pen.
OLDEST = 25

Source = Literal["exact", "estimated", "not_known"]


class Age(BaseModel):
    """How old somebody is, by what one referral says. An estimate is of the day it was `said_at`,
    and grows from there as if that day had been a birthday.

    `born` is the month of an exact birth date (2012-05), the whole day as if of an estimate, None
    where nothing is known or the referral was erased. `reached` says of each band since when it
    was seen to be reached; the oldest is the band now. `ahead`: turns 18 within half a year.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    source: Source = "not_known"
    said_at: datetime
    born: str | None = None
    reached: dict[AgeBand, datetime] = Field(default_factory=dict)
    ahead: bool = False
    check_at: datetime | None = None

    @property
    def band(self) -> AgeBand:
        """The band when it was last looked at."""
        return max(self.reached, key=BANDS.index, default="not_known")

    def band_at(self, at: datetime) -> AgeBand | None:
        """The band at another time. In the month of a birthday the younger one, unless the older
        was seen to be reached by then: the day is not kept. None where it can't be told."""
        if self.born is None:
            return None
        seen = [band for band, since in self.reached.items() if since <= at]
        return max((_band(self._years(at)), *seen), key=BANDS.index)

    def _years(self, at: datetime) -> int:
        if self.source == "estimated":
            return age_on(date.fromisoformat(self.born or ""), at)
        year, month = (int(part) for part in (self.born or "").split("-"))
        today = at.astimezone(LONDON).date()
        return today.year - year - (today.month <= month)


def age_of(subject: SubjectDetails, said_at: datetime, at: datetime) -> Age:
    """The age at a time, by what was said earlier. A birth date in the future, or of somebody older
    than any young person when it was said, tells nothing; the first of January only tells a year."""
    born, exact = as_if_born(subject, said_at)
    if born is None:
        return Age(said_at=said_at)
    return Age(
        source="exact" if exact else "estimated",
        said_at=said_at,
        born=f"{born:%Y-%m}" if exact else born.isoformat(),
        reached={_band(age_on(born, at)): at},
        ahead=turning_18_ahead(born, at),
        check_at=next_check(born, at),
    )


def as_if_born(subject: SubjectDetails, said_at: datetime) -> tuple[date | None, bool]:
    """The birth date to count with, and whether it is exact."""
    born = subject.date_of_birth
    if born is not None and not is_implausible(born, said_at):
        return born, not is_guess(born)
    if subject.born_about is not None:
        last = last_day(subject.born_about)
        if not is_implausible(last, said_at):
            return last, False
    if subject.estimated_age is None:
        return None, False
    return _birthday(said_at.astimezone(LONDON).date(), -subject.estimated_age), False


def last_day(about: str) -> date:
    """The last day that may be meant by a year, or a year and a month: in doubt they are younger."""
    year, month = int(about[:4]), int(about[5:] or 12)
    return date(year, month, monthrange(year, month)[1])


def is_implausible(born: date, said_at: datetime) -> bool:
    """Whether that can't be the birth date of a young person: in the future, or older than 25."""
    return not 0 <= age_on(born, said_at) <= OLDEST


def older(age: Age, born: date | None, at: datetime) -> Age:
    """The same age later on; `born` is the exact birth date, opened. Without, an exact one stays."""
    if age.source == "estimated" and age.born is not None:
        born = date.fromisoformat(age.born)
    if born is None:
        return age.model_copy(update={"check_at": None})
    band = _band(age_on(born, at))
    return age.model_copy(
        update={
            "reached": age.reached if band in age.reached else {**age.reached, band: at},
            "ahead": turning_18_ahead(born, at),
            "check_at": next_check(born, at),
        }
    )


def forgotten(age: Age) -> Age:
    """What is left of it when its referral is erased: the band as it was, that grows no more."""
    return age.model_copy(update={"born": None, "check_at": None, "ahead": False})


def age_band(subject: SubjectDetails, at: datetime) -> AgeBand:
    """The band of what was said just now, on that day in London."""
    return age_of(subject, at, at).band


def _band(age: int) -> AgeBand:
    if age < 13:
        return "under_13"
    if age < 16:
        return "13_to_15"
    return "16_to_17" if age < 18 else "18_and_over"


def age_on(date_of_birth: date, at: datetime) -> int:
    """Completed years on that day in London. Born on 29 February: a year older on 1 March."""
    today = at.astimezone(LONDON).date()
    before_birthday = (today.month, today.day) < (date_of_birth.month, date_of_birth.day)
    return today.year - date_of_birth.year - before_birthday


def next_check(date_of_birth: date | None, at: datetime) -> datetime | None:
    """When the age must be looked at again: before 13, 16, 17½ and 18; None: never.

    The clock stands in the clear, so it only tells a month: it starts on the first day of the
    month of the milestone, and then runs from day to day until that has come.
    """
    if date_of_birth is None:
        return None
    today = at.astimezone(LONDON).date()
    turning = (_birthday(date_of_birth, 13), *milestones(date_of_birth))
    coming = [m for m in turning if m > today]
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
