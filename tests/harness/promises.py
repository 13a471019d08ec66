"""What docs/identity.md and docs/sharing.md promise, said once more in few words: who may be linked,
and whose yes and no count. For tests; written from the pages, and without the code of the rules."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

Details = dict[str, Any]
LONG_AGO = datetime.min.replace(tzinfo=UTC)


def alike(one: Details, other: Details) -> bool:
    """Enough agrees: the number with name or birth date, or full name and birth date."""
    one, other = _sure(one), _sure(other)
    name = one["name"].casefold() == other["name"].casefold()
    born = one["date_of_birth"] is not None and one["date_of_birth"] == other["date_of_birth"]
    number = one["nhs_number"] is not None and one["nhs_number"] == other["nhs_number"]
    return (number and (name or born)) or (name and born and " " in one["name"])


def contradict(one: Details, other: Details) -> bool:
    """Two numbers; two genders with another sign; one number of two names and birth dates."""
    one, other = _sure(one), _sure(other)
    differ = {n for n in one if one[n] is not None and other[n] is not None and one[n] != other[n]}
    shared = one["nhs_number"] is not None and one["nhs_number"] == other["nhs_number"]
    return (
        "nhs_number" in differ
        or ("gender" in differ and bool(differ & {"address", "school", "name"}))
        or (shared and {"name", "date_of_birth"} <= differ)
    )


def _sure(details: Details) -> Details:
    """Without a number whose check digit (modulus 11) is wrong."""
    digits = [int(digit) for digit in details["nhs_number"] or ""]
    weighed = sum(digit * (10 - place) for place, digit in enumerate(digits))
    right = len(digits) == 10 and weighed % 11 == 0
    return details if right else {**details, "nhs_number": None}


@dataclass(frozen=True)
class Stated:
    """How old a referral says somebody is. Of an erased one only the years of then are left."""

    born: date
    exact: bool
    years: int | None = None

    def at(self, day: date) -> int | None:
        if self.years is not None:
            return None
        birthday = (day.month, day.day) < (self.born.month, self.born.day)
        return day.year - self.born.year - birthday

    def now(self, day: date) -> int:
        return self.years if self.years is not None else self.at(day) or 0

    def erased(self, day: date) -> "Stated":
        return self if self.years is not None else replace(self, years=self.at(day))


def believed(stated: Iterable[Stated]) -> list[Stated]:
    """A full birth date beats every estimate."""
    known = list(stated)
    return [s for s in known if s.exact] or known


@dataclass(frozen=True)
class Word:
    """A yes or a no as it was really said: about which child, through which referral."""

    id: str
    child: int
    said: dict[str, Any]
    recorded_at: datetime
    agency: str | None  # that wrote it down
    confirmed: bool | None = None
    void: bool = False

    @property
    def yes(self) -> bool:
        return bool(self.said["status"] == "given")

    @property
    def when(self) -> datetime:
        """A yes of unknown time is older than all; such a no was said when it was recorded."""
        at: datetime | None = self.said["said_at"]
        return at or (LONG_AGO if self.yes else self.recorded_at)

    @property
    def own(self) -> bool:
        return bool(self.said["given_by"] == "young_person")

    def about(self, agency: tuple[str, str], category: str) -> bool:
        named, kinds = self.said["agency_ids"], self.said["agency_kinds"]
        anyone = not named and not kinds
        to_them = anyone or agency[0] in named or agency[1] in kinds
        return category in self.said["categories"] and to_them

    def ages(self, stated: Sequence[Stated], today: date) -> tuple[list[int], list[int]]:
        """How old the child may have been then, and may be now."""
        day = (self.said["said_at"] or self.recorded_at).date()
        then = [years for s in stated if (years := s.at(day)) is not None]
        return then, [s.now(today) for s in stated]


@dataclass
class Known:
    """What was said about one young person, and how old they are said to be."""

    words: list[Word] = field(default_factory=list)
    stated: list[Stated] = field(default_factory=list)
    unsafe: set[str] = field(default_factory=set)

    def grounds(
        self, agency: tuple[str, str], category: str, today: date, referrer: str
    ) -> set[str]:
        """The consents on which this category of the referrer's referral may reach this agency."""
        if agency[0] in self.unsafe:
            return set()
        heard = [w for w in self.words if not w.void and w.about(agency, category)]
        stated = believed(self.stated)
        noes = [w for w in heard if not w.yes and _no_counts(w, stated, today)]
        return {
            w.id
            for w in heard
            if w.yes
            and _entitled(w, stated, today)
            and not any(w.when <= no.when for no in noes)
            and (w.own or not any(no.own and _binds(no, stated, today) for no in noes))
            and (
                w.agency is None or w.confirmed or (agency[0] != w.agency == referrer and not noes)
            )
        }


def _entitled(yes: Word, stated: Sequence[Stated], today: date) -> bool:
    then, current = yes.ages(stated, today)
    if not yes.own:
        return all(years < 16 for years in (*then, *current))
    competent: bool | None = yes.said["gillick_competent"]
    if competent is None:
        return bool(current) and min((*then, *current)) >= 16
    return competent


def _no_counts(no: Word, stated: Sequence[Stated], today: date) -> bool:
    _, current = no.ages(stated, today)
    return no.own or not current or any(years < 16 for years in current)


def _binds(no: Word, stated: Sequence[Stated], today: date) -> bool:
    then, current = no.ages(stated, today)
    competent: bool | None = no.said["gillick_competent"]
    if competent is None:
        return any(y >= 16 for y in current) or bool(then and min(then) >= 16)
    return competent
