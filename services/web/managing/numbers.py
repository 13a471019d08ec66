"""A Hub's published numbers as charts, and which quarters there are. Pure: what is withheld stays so."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.web.words import label

TABLES = (
    ("received_by_level", "Received, by level of risk", "risk_level"),
    ("allocated_by_worker", "Allocated, by first worker", ""),
    ("closed_by_reason", "Closed, by reason", "closure_reason"),
)
TIMES = (
    ("waiting", "From received to allocated"),
    ("time_to_accept", "From allocated to accepted"),
)
REACH = (("age_band", "Age"), ("gender", "Gender"), ("ethnicity", "Ethnicity"))
WITHHELD = "Fewer than ten, so nothing is shown."
SOME_WITHHELD = "Some are withheld, for they are few."


@dataclass(frozen=True)
class Chart:
    """One table: what each number is of, and what is to be known beside it."""

    title: str
    cells: tuple[tuple[str, int], ...]
    note: str

    @property
    def most(self) -> int:
        """The greatest number."""
        return max((number for _, number in self.cells), default=0)


def quarter_of(day: date) -> str:
    """The quarter that runs on that day."""
    return f"{day.year}-Q{(day.month + 2) // 3}"


def around(quarter: str, today: date) -> tuple[str, str | None]:
    """The quarter before, and the one after where that has begun."""
    year, number = int(quarter[:4]), int(quarter[6])
    before = f"{year}-Q{number - 1}" if number > 1 else f"{year - 1:04}-Q4"
    after = f"{year}-Q{number + 1}" if number < 4 else f"{year + 1:04}-Q1"
    return before, after if after <= quarter_of(today) else None


def charts(numbers: Mapping[str, Any], names: Mapping[str, str]) -> list[Chart]:
    """All tables, in the order in which a case comes through them."""
    return list(_charts(numbers, names))


def typical(numbers: Mapping[str, Any]) -> list[tuple[str, str]]:
    """How long it took, of half of the cases at most."""
    return [(title, _hours(numbers[name])) for name, title in TIMES]


def _charts(numbers: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[Chart]:
    if now := numbers["now"]:
        yield _chart("Open now, by state", now["cases"], "allocation_status", names)
        yield _chart("Waiting now", now["overdue"], "", names)
    for name, title, vocabulary in TABLES:
        yield _chart(title, numbers[name], vocabulary, names)
    for goal, table in numbers["outcomes"].items():
        yield _chart(f"Goal: {label(goal, 'goal_area')}", table, "goal_outcome", names)
    for name, title in REACH:
        known = numbers["completeness"][name]
        said = "" if known is None else f" Known of {known} per cent."
        chart = _chart(f"Young people, by {title.lower()}", numbers["reach"][name], name, names)
        yield Chart(chart.title, chart.cells, f"{chart.note}{said}".strip())


def _chart(
    title: str, table: Mapping[str, Any], vocabulary: str, names: Mapping[str, str]
) -> Chart:
    cells = tuple(
        (names.get(code) or label(code, vocabulary), number)
        for code, number in table["cells"].items()
    )
    if table["total"] is not None:
        return Chart(title, cells, f"{table['total']} in all.")
    return Chart(title, cells, SOME_WITHHELD if cells else WITHHELD)


def _hours(found: Mapping[str, Any]) -> str:
    if found["median_hours"] is None:
        return WITHHELD
    return f"{found['median_hours']} hours in the middle, of {found['cases']} cases"
