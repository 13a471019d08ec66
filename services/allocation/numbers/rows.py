"""What is counted, as it is stored."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from services.allocation.records import OPEN
from services.allocation.store import Stores

TIMES = ("received_at", "allocated_at", "accepted_at", "first_accepted_at", "closed_at")
FIELDS = (
    *TIMES,
    "subject_id",
    "due_at",
    "status",
    "assessment.level",
    "worker_id",
    "workers_before",
    "closure",
    "closings",
    "outcomes",
    "reach",
)
IN_ERROR = "entered_in_error"
# A referral that was entered in error never was: it counts nowhere.
REAL = {"referral_status": {"$ne": IN_ERROR}, "closure": {"$ne": IN_ERROR}}


async def rows(stores: Stores, hub_id: str, start: datetime, end: datetime) -> list[dict[str, Any]]:
    """The Hub's allocations to which something happened in that time; and what it did on those that
    another Hub took over."""
    span = {"$gte": start, "$lt": end}
    within: list[dict[str, Any]] = [{field: span} for field in TIMES]
    within.append({"closings": {"$elemMatch": {"closed_at": span}}})
    collection, fields = stores.allocations.collection, dict.fromkeys(FIELDS, 1)
    theirs = [d async for d in collection.find({"hub_id": hub_id, **REAL, "$or": within}, fields)]
    went = [d async for d in collection.find({"closings.hub_id": hub_id, **REAL}, fields)]
    return [_now(row) for row in theirs] + [part for row in went for part in _before(row, hub_id)]


def _now(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "closings": [c for c in row.get("closings", ()) if not c.get("hub_id")]}


def _before(row: dict[str, Any], hub_id: str) -> Iterator[dict[str, Any]]:
    for closing in row["closings"]:
        if closing.get("hub_id") == hub_id:
            kept = {name: row[name] for name in ("subject_id", "assessment", "reach")}
            accepted = {"first_accepted_at": closing.get("accepted_at")}
            yield {**kept, **closing, **accepted, "workers_before": closing.get("workers", ())}


async def open_now(stores: Stores, hub_id: str) -> list[dict[str, Any]]:
    """The Hub's allocations that have not ended."""
    where = {"hub_id": hub_id, **REAL, "status": {"$in": list(OPEN)}}
    cursor = stores.allocations.collection.find(where, dict.fromkeys(FIELDS, 1))
    return [row async for row in cursor]
