"""What is counted, as it is stored."""

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
    """The Hub's allocations to which something happened in that time."""
    span = {"$gte": start, "$lt": end}
    within: list[dict[str, Any]] = [{field: span} for field in TIMES]
    within.append({"closings": {"$elemMatch": {"closed_at": span}}})
    where = {"hub_id": hub_id, **REAL, "$or": within}
    cursor = stores.allocations.collection.find(where, dict.fromkeys(FIELDS, 1))
    return [row async for row in cursor]


async def open_now(stores: Stores, hub_id: str) -> list[dict[str, Any]]:
    """The Hub's allocations that have not ended."""
    where = {"hub_id": hub_id, **REAL, "status": {"$in": list(OPEN)}}
    cursor = stores.allocations.collection.find(where, dict.fromkeys(FIELDS, 1))
    return [row async for row in cursor]
