"""Events of a case that somebody works on: held, handed over, reviewed, closed."""

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from shared.events.allocation import AllocationEvent
from shared.events.codes import ClosureReason, GoalOutcome, HandoverReason, HoldReason, RiskLevel
from shared.events.declared import plain


class AllocationStarted(AllocationEvent):
    """The worker has begun to work with the young person."""

    event_type: ClassVar[str] = "allocation.started"
    heard_by: ClassVar[tuple[str, ...]] = ("referral.allocations",)

    def says(self, by: str) -> str:
        return f"{self.worker_id} began to work on {self.referral_id}."


class AllocationHeld(AllocationEvent):
    """Work rests for a coded reason; the capacity stays reserved."""

    event_type: ClassVar[str] = "allocation.held"
    heard_by: ClassVar[tuple[str, ...]] = ("referral.allocations",)

    reason: HoldReason
    review_at: datetime

    def says(self, by: str) -> str:
        return (
            f"{by} put {self.referral_id} on hold: {plain(self.reason)}, to be looked at on"
            f" {self.review_at:%d %B %Y}."
        )


class AllocationResumed(AllocationEvent):
    """Work goes on."""

    event_type: ClassVar[str] = "allocation.resumed"
    heard_by: ClassVar[tuple[str, ...]] = ("referral.allocations",)

    def says(self, by: str) -> str:
        return f"{by} resumed work on {self.referral_id}."


class AllocationHandedOver(AllocationEvent):
    """Another worker has it now; who had it keeps nothing."""

    event_type: ClassVar[str] = "allocation.handed_over"
    heard_by: ClassVar[tuple[str, ...]] = (
        "referral.allocations",
        "allocation.follow_up",
        "notify.allocations",
    )

    from_worker_id: str
    reason: HandoverReason

    def says(self, by: str) -> str:
        return (
            f"{self.referral_id} was handed over from {self.from_worker_id} to {self.worker_id}:"
            f" {plain(self.reason)}."
        )

    def _others(self) -> tuple[str | None, ...]:
        return (self.from_worker_id,)


class AllocationReviewed(AllocationEvent):
    """A person has looked at a waiting or resting case; `review_at` is the next look."""

    event_type: ClassVar[str] = "allocation.reviewed"

    by: str
    review_at: datetime

    def says(self, by: str) -> str:
        return (
            f"{by} looked at {self.referral_id}, {plain(self.status)}; the next look is on"
            f" {self.review_at:%d %B %Y}."
        )


class AllocationRelevelled(AllocationEvent):
    """The level of risk has changed while the case is open."""

    event_type: ClassVar[str] = "allocation.relevelled"
    heard_by: ClassVar[tuple[str, ...]] = ("referral.allocations",)

    from_level: RiskLevel

    def says(self, by: str) -> str:
        return f"The level of {self.referral_id} went from {plain(self.from_level)} to {plain(self.level)}."


class AllocationAmended(AllocationEvent):
    """The referral was amended, and the case with it."""

    event_type: ClassVar[str] = "allocation.amended"

    referral_version: int

    def says(self, by: str) -> str:
        return f"The case of {self.referral_id} follows the amended referral."


class GoalResult(BaseModel):
    """How far one goal was reached. `goal_id`: of one that was agreed with the young person."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    goal: str
    outcome: GoalOutcome
    goal_id: str | None = None


class AllocationClosed(AllocationEvent):
    """The end, with an outcome per goal; the capacity is free."""

    event_type: ClassVar[str] = "allocation.closed"
    heard_by: ClassVar[tuple[str, ...]] = (
        "referral.allocations",
        "allocation.follow_up",
        "notify.allocations",
    )

    reason: ClosureReason
    outcomes: tuple[GoalResult, ...]
    last_worker_id: str | None

    def says(self, by: str) -> str:
        return f"{by} closed {self.referral_id}: {plain(self.reason)}."

    def _others(self) -> tuple[str | None, ...]:
        return (self.last_worker_id,)


class DebriefOffered(AllocationEvent):
    """After high-risk work the worker is offered a debrief. What is said there stays there."""

    event_type: ClassVar[str] = "allocation.debrief_offered"

    to_worker_id: str

    def says(self, by: str) -> str:
        return f"{self.to_worker_id} was offered a debrief after {self.referral_id}."

    def _others(self) -> tuple[str | None, ...]:
        return (self.to_worker_id,)


class DebriefSettled(AllocationEvent):
    """Whether the debrief took place. Nothing else about it is kept anywhere."""

    event_type: ClassVar[str] = "allocation.debrief_settled"

    outcome: Literal["held", "not_wanted"]

    def says(self, by: str) -> str:
        return f"The debrief after {self.referral_id}: {plain(self.outcome)}."
