"""What a worker is told of a case that is theirs no longer: what they said themselves. Pure."""

from datetime import datetime

from pydantic import BaseModel

from services.allocation.records import Allocation
from shared.events.casework import GoalResult


class CaseBefore(BaseModel):
    """A case that you had. `declined` is why you did not take it (`no_answer`: you did not answer);
    the rest is how it ended, if it ended with you. Nothing of who has it now, and how it stands."""

    id: str
    declined: str | None = None
    closed_at: datetime | None = None
    closure: str | None = None
    outcomes: tuple[GoalResult, ...] = ()
    debrief: str | None = None


def case_before(allocation: Allocation, worker_id: str) -> CaseBefore:
    """The same whenever it is asked, but for a debrief, which is theirs to settle."""
    theirs = [r.reason for r in allocation.refusals if r.worker_id == worker_id]
    declined = theirs[-1] if theirs else None
    if not ended_with(allocation, worker_id):
        return CaseBefore(id=allocation.id, declined=declined)
    ended = allocation.model_dump(include={"closed_at", "closure", "outcomes", "debrief"})
    return CaseBefore(id=allocation.id, declined=declined, **ended)


def ended_with(allocation: Allocation, worker_id: str) -> bool:
    """Whether it has ended, and they had it at its end."""
    return allocation.status == "closed" and allocation.closed_with == worker_id
