"""What an answer shows of an allocation."""

from collections.abc import Collection
from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from services.allocation.casework.next_step import Next, next_step
from services.allocation.records import Allocation, Status
from services.allocation.risk.score import Assessment
from shared.events.casework import GoalResult
from shared.events.codes import Instruction, RiskLevel, Urgency
from shared.rules.parents import instructions


class AllocationView(BaseModel):
    """Where an allocation stands, and what is to be done next, and by when. Why it stands so is in its
    explanation. `instructions` bind whoever has to do with the young person."""

    id: str
    status: Status
    next_step: Next | None
    hub_id: str | None
    worker_id: str | None
    worker_name: str | None
    urgency: Urgency
    level: RiskLevel
    due_at: datetime
    decided_at: datetime | None
    answer_by: datetime | None
    waiting_since: datetime | None
    holder_id: str | None
    review_at: datetime | None
    escalations: int
    flags: tuple[str, ...]
    closure: str | None
    outcomes: tuple[GoalResult, ...]
    debrief: str | None
    assessment: Assessment
    instructions: tuple[Instruction, ...] = ()


class AllocationPage(BaseModel):
    """The first in line first; `next` is the cursor of the next page, if there is one."""

    allocations: list[AllocationView]
    next: str | None


class Replay(BaseModel):
    """Whether today's rules make the same of each decision's stored inputs."""

    same: bool
    decisions: list[Literal["same", "different"]]


def view(
    allocation: Allocation,
    closed_to: Collection[str],
    at: datetime,
    worker_name: str | None = None,
) -> AllocationView:
    """The view of an allocation as it stands at this time, with who hears nothing of the young
    person, and what its worker is called."""
    fields = allocation.model_dump(include=set(AllocationView.model_fields))
    return AllocationView(
        **fields,
        worker_name=worker_name,
        next_step=next_step(allocation, at),
        instructions=instructions(closed_to),
    )
