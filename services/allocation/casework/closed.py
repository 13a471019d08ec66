"""What a worker has closed: for a set time after its end, in codes."""

from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict

from services.allocation.records import Allocation
from services.allocation.safety.asking import hidden_from
from services.allocation.store import Stores
from shared.events.casework import GoalResult
from shared.events.codes import ClosureReason, RiskLevel
from shared.web.cursors import behind, cursor_of
from shared.web.tokens import Caller

SHOWN_FOR = timedelta(days=90)


class ClosedCase(BaseModel):
    """How a case ended. Its record is not open to who had it."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    level: RiskLevel
    closed_at: datetime
    closure: ClosureReason
    outcomes: tuple[GoalResult, ...]
    debrief: str | None


async def closed_cases(
    stores: Stores, caller: Caller, at: datetime, cursor: str | None, limit: int
) -> tuple[list[Allocation], str | None]:
    """A page of the cases that ended with this worker not longer ago than is shown, the newest end
    first, and the cursor of the next one. Not those of whom the worker is marked for, nor what was
    entered in error: that never was."""
    where: dict[str, Any] = {
        "closed_with": caller.worker_id,
        "status": "closed",
        "closure": {"$ne": "entered_in_error"},
        "closed_at": {"$gt": at - SHOWN_FOR},
    }
    if hidden := await hidden_from(stores, caller):
        where["subject_id"] = {"$nin": hidden}
    if cursor is not None:
        where = {"$and": [where, behind(cursor, "closed_at", newest_first=True)]}
    sort = [("closed_at", -1), ("_id", -1)]
    found = await stores.allocations.find(where, sort=sort, limit=limit)
    last = found[-1] if len(found) == limit else None
    return found, cursor_of(last.closed_at, last.id) if last and last.closed_at else None
