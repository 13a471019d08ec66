"""Events of allocations and hand-over plans: ids, codes, whole numbers and times. Never a name."""

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from shared.events import EventData
from shared.events.codes import (
    ClosureReason,
    DeclineReason,
    EscalationReason,
    GoalOutcome,
    HandoverReason,
    HoldReason,
    RiskLevel,
    Urgency,
)


class AllocationMade(EventData):
    """A worker was chosen and their capacity reserved."""

    event_type: ClassVar[str] = "allocation.made"

    referral_id: str
    subject_id: str
    agency_id: str
    hub_id: str
    worker_id: str
    level: RiskLevel
    urgency: Urgency
    due_at: datetime
    decided_at: datetime
    policy_version: str
    referral_version: int
    answer_by: datetime | None = None
    flags: tuple[str, ...] = ()


class AllocationWaiting(EventData):
    """Nobody could take it within the rules; the reasons are counted per gate."""

    event_type: ClassVar[str] = "allocation.waiting"

    referral_id: str
    subject_id: str
    agency_id: str
    hub_id: str | None
    level: RiskLevel
    urgency: Urgency
    due_at: datetime
    decided_at: datetime
    reason: Literal["no_hub_for_area", "no_candidate"]
    policy_version: str
    referral_version: int
    holder_id: str | None = None
    review_at: datetime | None = None


class _Allocation(EventData):
    """Where an allocation stands after the event."""

    referral_id: str
    subject_id: str
    agency_id: str
    hub_id: str | None
    worker_id: str | None
    status: str
    level: RiskLevel
    urgency: Urgency


class AllocationAccepted(_Allocation):
    """The worker has said yes."""

    event_type: ClassVar[str] = "allocation.accepted"


class AllocationDeclined(_Allocation):
    """The worker has said no, for a coded reason; someone else is looked for."""

    event_type: ClassVar[str] = "allocation.declined"

    declined_by: str
    reason: DeclineReason


class AllocationLapsed(_Allocation):
    """The worker did not answer in time; someone else is looked for."""

    event_type: ClassVar[str] = "allocation.lapsed"

    lapsed_with: str


class AllocationStarted(_Allocation):
    """The worker has begun to work with the young person."""

    event_type: ClassVar[str] = "allocation.started"


class AllocationHeld(_Allocation):
    """Work rests for a coded reason; the capacity stays reserved."""

    event_type: ClassVar[str] = "allocation.held"

    reason: HoldReason
    review_at: datetime


class AllocationResumed(_Allocation):
    """Work goes on."""

    event_type: ClassVar[str] = "allocation.resumed"


class AssignmentOrdered(_Allocation):
    """A Hub manager wants this worker to take it; it is carried out, or refused, next."""

    event_type: ClassVar[str] = "allocation.assignment_ordered"

    to_worker_id: str
    reason: HandoverReason
    by: str
    confirmed_by: str | None


class AssignmentRefused(_Allocation):
    """The ordered assignment could not be carried out; everything stays as it was."""

    event_type: ClassVar[str] = "allocation.assignment_refused"

    to_worker_id: str
    code: str


class ExceptionRequested(_Allocation):
    """A manager asks to pass a worker's hard cap; a second manager must agree."""

    event_type: ClassVar[str] = "allocation.exception_requested"

    to_worker_id: str
    reason: HandoverReason
    by: str


class AllocationHandedOver(_Allocation):
    """Another worker has it now; who had it keeps nothing."""

    event_type: ClassVar[str] = "allocation.handed_over"

    from_worker_id: str
    reason: HandoverReason


class AllocationReviewed(_Allocation):
    """A person has looked at a waiting or resting case; `review_at` is the next look."""

    event_type: ClassVar[str] = "allocation.reviewed"

    by: str
    review_at: datetime


class AllocationEscalated(_Allocation):
    """A Hub manager must act: a clock ran out, or the rules found nobody."""

    event_type: ClassVar[str] = "allocation.escalated"

    reason: EscalationReason
    waiting_since: datetime | None = None


class AllocationRelevelled(_Allocation):
    """The level of risk has changed while the case is open."""

    event_type: ClassVar[str] = "allocation.relevelled"

    from_level: RiskLevel


class AllocationAmended(_Allocation):
    """The referral was amended, and the case with it."""

    event_type: ClassVar[str] = "allocation.amended"

    referral_version: int


class GoalResult(BaseModel):
    """How far one goal was reached."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    goal: str
    outcome: GoalOutcome


class AllocationClosed(_Allocation):
    """The end, with an outcome per goal; the capacity is free."""

    event_type: ClassVar[str] = "allocation.closed"

    reason: ClosureReason
    outcomes: tuple[GoalResult, ...]
    last_worker_id: str | None


class DebriefOffered(_Allocation):
    """After high-risk work the worker is offered a debrief. What is said there stays there."""

    event_type: ClassVar[str] = "allocation.debrief_offered"

    to_worker_id: str


class DebriefSettled(_Allocation):
    """Whether the debrief took place. Nothing else about it is kept anywhere."""

    event_type: ClassVar[str] = "allocation.debrief_settled"

    outcome: Literal["held", "not_wanted"]


class _Plan(EventData):
    plan_id: str
    hub_id: str
    worker_id: str | None
    host_agency_id: str | None
    moves: int
    without_receiver: int
    reason: HandoverReason


class PlanProposed(_Plan):
    """A plan for handing over all cases of a worker, or of a host; nothing has moved yet."""

    event_type: ClassVar[str] = "handover_plan.proposed"


class PlanConfirmed(_Plan):
    """A Hub manager has confirmed the plan; it is carried out from here."""

    event_type: ClassVar[str] = "handover_plan.confirmed"

    by: str


class PlanApplied(_Plan):
    """Every move was tried once; what could not move was escalated."""

    event_type: ClassVar[str] = "handover_plan.applied"

    moved: int
