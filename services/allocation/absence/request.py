"""What a worker asks for: to be away from one day to another. Pure.

No reason is asked for beyond the kind that a manager would enter, and the kind is in no event.
"""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.allocation.caseload.periods import Leave, LeaveKind
from services.allocation.documents import Incoming
from shared.errors import Contradiction
from shared.events.codes import LeaveRefusal, LeaveStatus
from shared.rules.values import Day

LONGEST_DAYS = 366


class LeaveEntry(Incoming):
    """From a day to a day, both included, at most a year."""

    start: Day
    to: Day
    kind: LeaveKind = "annual"

    @model_validator(mode="after")
    def _a_time(self) -> Self:
        if self.to < self.start:
            raise Contradiction("The last day is before the first: change one of them.")
        if (self.to - self.start).days >= LONGEST_DAYS:
            raise Contradiction("This is longer than a year: ask for at most a year at once.")
        return self


class LeaveDecline(Incoming):
    """Why a leave can't be had as it was asked for."""

    reason: LeaveRefusal


class LeaveRequest(BaseModel):
    """A leave that was asked for. `asked_by` and `decided_by` are people, not roles."""

    model_config = ConfigDict(frozen=True)

    id: Annotated[str, Field(pattern=r"^lv_[0-9a-f]{32}$")]
    start: Day
    to: Day
    kind: LeaveKind
    status: LeaveStatus = "waiting"
    asked_at: datetime
    asked_by: str
    decided_at: datetime | None = None
    decided_by: str | None = None
    reason: LeaveRefusal | None = None

    @property
    def leave(self) -> Leave:
        """As it stands in a worker's entry."""
        return Leave(start=self.start, to=self.to, kind=self.kind)
