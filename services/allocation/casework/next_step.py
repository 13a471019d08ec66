"""What a case needs next, and by when. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from services.allocation.leaving.rule import LEFT
from services.allocation.records import HELD, OPEN, Allocation, Status

Step = Literal["place", "review", "assign", "answer", "begin", "work", "hand_over", "debrief"]
# What managers look for in the list of their Hub's cases.
Only = Literal["waiting", "unaccepted", "overdue"]
UNANSWERED: tuple[Status, ...] = ("offered", "handed_over")
OF_STATUS: Mapping[Status, tuple[Step, str | None]] = {
    "seeking": ("place", None),
    "waiting": ("review", "review_at"),
    "offered": ("answer", "answer_by"),
    "handed_over": ("answer", "answer_by"),
    "accepted": ("begin", "review_at"),
    "in_progress": ("work", None),
    "on_hold": ("review", "review_at"),
}


class Next(BaseModel):
    """The next step and when it is due. `overdue`: that time has passed, or one before it has, and
    nobody has taken the step since."""

    model_config = ConfigDict(frozen=True)

    step: Step
    by: datetime | None
    overdue: bool


def next_step(allocation: Allocation, at: datetime) -> Next | None:
    """What is to be done; None where nothing is. A case that was left behind by its worker is to be
    handed over, and one that waits for a manager's word is to be assigned."""
    if allocation.status == "closed":
        offered = allocation.debrief == "offered"
        return Next(step="debrief", by=None, overdue=False) if offered else None
    step, clock = OF_STATUS[allocation.status]
    if allocation.status == "waiting" and allocation.with_manager:
        step = "assign"
    if allocation.status in HELD and LEFT in allocation.flags:
        step, clock = "hand_over", "escalate_at"
    by: datetime | None = getattr(allocation, clock) if clock else None
    late = allocation.overdue_since is not None or (by is not None and by < at)
    return Next(step=step, by=by, overdue=late)


def found_by(only: Only, at: datetime) -> dict[str, Any]:
    """Which cases are so, for the store; `overdue` is what `next_step` says."""
    if only == "waiting":
        return {"status": {"$in": ["seeking", "waiting"]}}
    if only == "unaccepted":
        return {"status": {"$in": list(UNANSWERED)}}
    left = {"status": {"$in": list(HELD)}, "flags": LEFT}
    stays = {"flags": {"$ne": LEFT}}
    late: list[dict[str, Any]] = [
        {"overdue_since": {"$ne": None}},
        {**left, "escalate_at": {"$lt": at}},
        *(
            {**(stays if status in HELD else {}), "status": status, clock: {"$lt": at}}
            for status, (_, clock) in OF_STATUS.items()
            if clock is not None
        ),
    ]
    return {"status": {"$in": list(OPEN)}, "$or": late}
