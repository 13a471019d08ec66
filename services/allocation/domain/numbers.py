"""Numbers of a Hub for a finished quarter, for Hub managers and funders. Pure.

Each table counts what happened in the quarter (a referral received, a case closed …), so a
published quarter does not change afterwards, and no two quarters overlap.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel

from services.allocation.domain.suppression import Table, Typical, percent, publish, typical
from services.allocation.domain.workers import midnight
from shared.errors import BadRequest

DIMENSIONS = ("age_band", "gender", "ethnicity")
NOT_SAID = frozenset({"not_known", "not_asked", "declined"})


class Numbers(BaseModel):
    """Published numbers. `completeness` is the share, in percent, of whom a field is known."""

    hub_id: str
    quarter: str
    received_by_level: Table
    allocated_by_worker: Table
    waiting: Typical
    time_to_accept: Typical
    closed_by_reason: Table
    outcomes: Table
    reach: dict[str, Table]
    completeness: dict[str, int | None]


def quarter_bounds(quarter: str, today: date) -> tuple[datetime, datetime]:
    """From and to (excluded) of `2026-Q1` in London. Raises `BadRequest` unless it has ended.

    A quarter that still runs would let someone watch the numbers change one by one.
    """
    try:
        year, number = int(quarter[:4]), int(quarter[6:])
        if quarter[4:6] != "-Q" or not 1 <= number <= 4:
            raise ValueError
        start, end = date(year, 3 * number - 2, 1), date(year + number // 4, 3 * number % 12 + 1, 1)
    except ValueError:
        raise BadRequest("quarter_invalid", "A quarter is written like 2026-Q1.") from None
    if end > today:
        raise BadRequest("quarter_not_over", "Numbers are published when the quarter is over.")
    return midnight(start), midnight(end)


def count(
    hub_id: str, quarter: str, rows: Iterable[dict[str, Any]], start: datetime, end: datetime
) -> Numbers:
    """The numbers of allocations as stored; rows outside the quarter count for nothing."""
    known = list(rows)

    def within(field: str) -> list[dict[str, Any]]:
        return [row for row in known if row.get(field) and start <= row[field] < end]

    received, closed = within("received_at"), within("closed_at")
    allocated, accepted = within("allocated_at"), within("accepted_at")
    outcomes = Counter(o["outcome"] for row in closed for o in row.get("outcomes", ()))
    reach = {
        name: Counter(row.get("reach", {}).get(name, "not_known") for row in received)
        for name in DIMENSIONS
    }
    return Numbers(
        hub_id=hub_id,
        quarter=quarter,
        received_by_level=publish(Counter(row["assessment"]["level"] for row in received)),
        allocated_by_worker=publish(Counter(_first_worker(row) for row in allocated)),
        waiting=typical([_hours(row, "received_at", "allocated_at") for row in allocated]),
        time_to_accept=typical([_hours(row, "allocated_at", "accepted_at") for row in accepted]),
        closed_by_reason=publish(Counter(row["closure"] for row in closed)),
        outcomes=publish(outcomes),
        reach={name: publish(table) for name, table in reach.items()},
        completeness={
            name: percent(
                sum(n for code, n in table.items() if code not in NOT_SAID), table.total()
            )
            for name, table in reach.items()
        },
    )


def _first_worker(row: dict[str, Any]) -> str:
    return str([*row.get("workers_before", ()), row.get("worker_id")][0])


def _hours(row: dict[str, Any], start: str, end: str) -> float:
    seconds: float = (row[end] - (row.get(start) or row[end])).total_seconds()
    return seconds / 3600
