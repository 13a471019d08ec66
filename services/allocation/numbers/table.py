"""Numbers as lines of a table. Pure."""

from collections.abc import Iterator

from services.allocation.numbers.quarter import Numbers
from shared.rules.suppression import Table, Typical

Line = tuple[str, str, str]


def lines(numbers: Numbers) -> Iterator[Line]:
    """Table, code and number. What is withheld has no line; a total or a median that is, an empty
    number. No code begins with a sign that a spreadsheet would take for a formula."""
    yield "about", "hub_id", numbers.hub_id
    yield "about", "quarter", numbers.quarter
    yield "about", "until", numbers.until.isoformat()
    yield "about", "provisional", "yes" if numbers.provisional else "no"
    now = (
        {"now_cases": numbers.now.cases, "now_overdue": numbers.now.overdue} if numbers.now else {}
    )
    yield from _of("received_by_level", numbers.received_by_level)
    yield from _of("allocated_by_worker", numbers.allocated_by_worker)
    yield from _typical("waiting", numbers.waiting)
    yield from _typical("time_to_accept", numbers.time_to_accept)
    yield from _of("closed_by_reason", numbers.closed_by_reason)
    for goal, table in numbers.outcomes.items():
        yield from _of(f"outcomes_{goal}", table)
    for name, table in numbers.reach.items():
        yield from _of(f"reach_{name}", table)
        yield f"reach_{name}", "completeness_percent", _number(numbers.completeness[name])
    for name, table in now.items():
        yield from _of(name, table)


def _of(name: str, table: Table) -> Iterator[Line]:
    for code, number in table.cells.items():
        yield name, code, str(number)
    yield name, "total", _number(table.total)


def _typical(name: str, found: Typical) -> Iterator[Line]:
    yield name, "median_hours", _number(found.median_hours)
    yield name, "cases", _number(found.cases)


def _number(value: int | None) -> str:
    return "" if value is None else str(value)
