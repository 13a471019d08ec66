"""The problem profile: what an area knows of where, when, how and of what age. Counts only. Pure.

Fixed cells over whole quarters, each table by itself: small numbers are withheld, with at least one
more, and all that is seen is rounded to fives (`shared.rules.suppression`). A quarter is counted once,
after it has ended: no two answers about it differ, so nothing is learned by asking again, or between.
Decision 1704 has the sources.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from shared.events.codes import AgeBand
from shared.rules.calendars import LONDON
from shared.rules.suppression import Table, publish

# Hours at which a time of the day begins, in London.
_TIMES = ((6, "night"), (12, "morning"), (18, "afternoon"), (24, "evening"))
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SHOWN = ("table", "code", "number")


class Profile(BaseModel):
    """Published counts of one area and quarter. A category that is missing has nobody, few, or is
    withheld to protect another; a total is null where anything is withheld.

    `children` counts young people, each once, by age. All others count reports and referrals: one
    may be in several categories of `signs` and `mentioned`, and those have no total.
    """

    area: str
    quarter: str
    children: Table
    referrals_by_month: Table
    signs: Table = Field(description="Referrals, by each indicator that they report.")
    reports_by_month: Table
    reports_by_time: Table = Field(description="Reports that say when something was noticed.")
    reports_by_day: Table
    mentioned: Table = Field(description="Reports, by each kind of thing that they mention.")


TABLES = tuple(name for name in Profile.model_fields if name not in ("area", "quarter"))


def profile(
    area: str,
    quarter: str,
    referrals: Iterable[Mapping[str, Any]],
    reports: Iterable[Mapping[str, Any]],
) -> Profile:
    """What may be seen of these referrals and reports, as they are stored, of that area and quarter."""
    sent, told = list(referrals), list(reports)
    ages: dict[str, AgeBand] = {}
    for one in sorted(sent, key=lambda one: one["received_at"]):
        ages[one["subject_id"]] = one["age_band"]
    noticed = [one["observed_at"] for one in told if one.get("observed_at")]
    return Profile(
        area=area,
        quarter=quarter,
        children=publish(Counter(ages.values())),
        referrals_by_month=publish(Counter(_month(one["received_at"]) for one in sent)),
        signs=_of_several(_codes(one) for one in sent),
        reports_by_month=publish(Counter(_month(one["reported_at"]) for one in told)),
        reports_by_time=publish(Counter(_time(at) for at in noticed)),
        reports_by_day=publish(Counter(_DAYS[_local(at).weekday()] for at in noticed)),
        mentioned=_of_several({each["kind"] for each in one["mentions"]} for one in told),
    )


def lines(found: Profile) -> Iterator[tuple[str, str, str]]:
    """The same as lines of a table. What is withheld has no line, a total that is, an empty number."""
    yield _SHOWN
    yield "about", "area", found.area
    yield "about", "quarter", found.quarter
    for name in TABLES:
        table: Table = getattr(found, name)
        yield from ((name, code, str(number)) for code, number in table.cells.items())
        yield name, "total", "" if table.total is None else str(table.total)


def _of_several(categories: Iterable[set[str]]) -> Table:
    """One may count in several: what the numbers are together says nothing, and is not told."""
    counted = publish(Counter(code for each in categories for code in each))
    return Table(cells=counted.cells, total=None)


def _codes(referral: Mapping[str, Any]) -> set[str]:
    return {concern["code"] for concern in referral["concerns"]}


def _local(at: datetime) -> datetime:
    return at.astimezone(LONDON)


def _month(at: datetime) -> str:
    return f"{_local(at):%Y-%m}"


def _time(at: datetime) -> str:
    return next(name for until, name in _TIMES if _local(at).hour < until)
