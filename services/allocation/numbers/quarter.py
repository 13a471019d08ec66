"""Numbers of a Hub for a quarter, for Hub managers and funders. Pure.

Each table counts what happened in the quarter (a referral received, a case closed …), and no two
quarters overlap. A finished quarter is counted once and kept; one that still runs is provisional,
and counted up to the last Monday, so that nobody watches the numbers change one by one.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from shared.rules.suppression import Table, Typical, percent, publish, typical

DIMENSIONS = ("age_band", "gender", "ethnicity")
NOT_SAID = frozenset({"not_known", "not_asked", "declined"})


class Now(BaseModel):
    """Where the open cases stand at this moment, and how many are past the time of their urgency
    without having been allocated."""

    cases: Table
    overdue: Table


class Numbers(BaseModel):
    """Published numbers of what happened before `until`. `provisional`: the quarter still runs, and
    `now` says how things stand; else the numbers stay as they are. `reach` counts young people, each
    once; `completeness` is the share of them, in percent, of whom a field is known. `outcomes` are
    those of each kind of goal."""

    hub_id: str
    quarter: str
    until: datetime
    provisional: bool
    now: Now | None = None
    received_by_level: Table
    allocated_by_worker: Table
    waiting: Typical
    time_to_accept: Typical
    closed_by_reason: Table
    outcomes: dict[str, Table]
    reach: dict[str, Table]
    completeness: dict[str, int | None]


def count(
    hub_id: str,
    quarter: str,
    rows: Iterable[dict[str, Any]],
    start: datetime,
    end: datetime,
    *,
    provisional: bool = False,
) -> Numbers:
    """The numbers of allocations as stored; rows outside the quarter count for nothing."""
    known = list(rows)

    def within(field: str) -> list[dict[str, Any]]:
        return [row for row in known if row.get(field) and start <= row[field] < end]

    received, allocated = within("received_at"), within("allocated_at")
    accepted = [row for row in known if start <= (_accepted(row) or end) < end]
    closed = [each for each in _endings(known) if start <= each["closed_at"] < end]
    reach = {name: Counter(_people(received, name).values()) for name in DIMENSIONS}
    return Numbers(
        hub_id=hub_id,
        quarter=quarter,
        until=end,
        provisional=provisional,
        received_by_level=publish(Counter(row["assessment"]["level"] for row in received)),
        allocated_by_worker=publish(Counter(_first_worker(row) for row in allocated)),
        waiting=typical(
            [_between(row.get("received_at"), row["allocated_at"]) for row in allocated]
        ),
        time_to_accept=typical(
            [_between(row.get("allocated_at"), _accepted(row)) for row in accepted]
        ),
        closed_by_reason=publish(Counter(row["closure"] for row in closed)),
        outcomes=_by_goal(closed),
        reach={name: publish(table) for name, table in reach.items()},
        completeness={name: _known(table) for name, table in reach.items()},
    )


def _by_goal(closed: list[dict[str, Any]]) -> dict[str, Table]:
    tables: dict[str, Counter[str]] = {}
    for result in (each for row in closed for each in row.get("outcomes", ())):
        tables.setdefault(result["goal"], Counter())[result["outcome"]] += 1
    return {goal: publish(table) for goal, table in sorted(tables.items())}


def _known(table: Counter[str]) -> int | None:
    return percent(sum(n for code, n in table.items() if code not in NOT_SAID), table.total())


def _first_worker(row: dict[str, Any]) -> str:
    return str([*row.get("workers_before", ()), row.get("worker_id")][0])


def _accepted(row: dict[str, Any]) -> Any:
    # What was accepted before the first time was kept has only the last.
    return row.get("first_accepted_at") or row.get("accepted_at")


def _people(received: list[dict[str, Any]], name: str) -> dict[str, str]:
    """Young person → what their referrals of the quarter say, the newest that says anything."""
    said: dict[str, str] = {}
    for row in sorted(received, key=lambda row: row["received_at"]):
        code = row.get("reach", {}).get(name, "not_known")
        known = said.setdefault(row["subject_id"], code)
        said[row["subject_id"]] = known if code in NOT_SAID and known not in NOT_SAID else code
    return said


def stand(open_cases: Iterable[dict[str, Any]], at: datetime) -> Now:
    """How the open cases stand."""
    known = list(open_cases)
    unallocated = [row for row in known if row["status"] in ("seeking", "waiting")]
    late = Counter("overdue" if row["due_at"] <= at else "in_time" for row in unallocated)
    return Now(cases=publish(Counter(row["status"] for row in known)), overdue=publish(late))


def _between(start: datetime | None, end: datetime) -> float:
    return (end - (start or end)).total_seconds() / 3600


def _endings(known: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Every end of every case, those before a reopening too."""
    for row in known:
        yield from row.get("closings", ())
        if row.get("closed_at"):
            yield row
