"""Events of finding a worker: offered, waiting, ordered, escalated. Ids and codes, never a name."""

from datetime import datetime
from typing import ClassVar, Literal

from shared.events import EventData
from shared.events.codes import (
    DeclineReason,
    EscalationReason,
    HandoverReason,
    RiskLevel,
    Urgency,
)
from shared.events.declared import Parties, plain


class AllocationMade(EventData):
    """A worker was chosen and their capacity reserved."""

    event_type: ClassVar[str] = "allocation.made"
    heard_by: ClassVar[tuple[str, ...]] = ("referral.allocations", "notify.allocations")

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
    reopenings: int | None = None
    transfers: int = 0

    def says(self, by: str) -> str:
        return (
            f"{self.referral_id} was allocated to {self.worker_id} of {self.hub_id},"
            f" {plain(self.level)} risk, {plain(self.urgency)}."
        )

    def tells(self) -> str:
        return f"{self.referral_id} was allocated."

    def parties(self) -> Parties:
        return Parties(
            referral_id=self.referral_id,
            subjects=(self.subject_id,),
            agencies=(self.agency_id,),
            workers=(self.worker_id,),
            hubs=(self.hub_id,),
            informed=(self.agency_id,),
        )


class AllocationWaiting(EventData):
    """Nobody could take it within the rules; the reasons are counted per gate."""

    event_type: ClassVar[str] = "allocation.waiting"
    heard_by: ClassVar[tuple[str, ...]] = (
        "referral.allocations",
        "allocation.follow_up",
        "notify.allocations",
    )

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
    reopenings: int | None = None
    transfers: int = 0

    def says(self, by: str) -> str:
        return f"{self.referral_id} waits to be allocated: {plain(self.reason)}."

    def tells(self) -> str:
        return f"{self.referral_id} waits to be allocated."

    def parties(self) -> Parties:
        return Parties(
            referral_id=self.referral_id,
            subjects=(self.subject_id,),
            agencies=(self.agency_id,),
            workers=(self.holder_id,),
            hubs=(self.hub_id,),
            informed=(self.agency_id,),
        )


class AllocationEvent(EventData):
    """Where an allocation stands after the event. `reopenings` says in which life of the referral: how
    often it had been reopened, as far as allocation had heard; None in events of before. `transfers`: how
    often it had gone to another Hub."""

    referral_id: str
    subject_id: str
    agency_id: str
    hub_id: str | None
    worker_id: str | None
    status: str
    level: RiskLevel
    urgency: Urgency
    reopenings: int | None = None
    transfers: int = 0

    def parties(self) -> Parties:
        return Parties(
            referral_id=self.referral_id,
            subjects=(self.subject_id,),
            agencies=(self.agency_id,),
            workers=(self.worker_id, *self._others()),
            hubs=(self.hub_id,),
        )

    def _others(self) -> tuple[str | None, ...]:
        """Workers it names beside the one who has the case."""
        return ()


class AllocationAccepted(AllocationEvent):
    """The worker has said yes."""

    event_type: ClassVar[str] = "allocation.accepted"
    heard_by: ClassVar[tuple[str, ...]] = ("referral.allocations", "notify.allocations")

    def says(self, by: str) -> str:
        return f"{self.worker_id} accepted {self.referral_id}."


class AllocationDeclined(AllocationEvent):
    """The worker has said no, for a coded reason; someone else is looked for."""

    event_type: ClassVar[str] = "allocation.declined"
    heard_by: ClassVar[tuple[str, ...]] = (
        "referral.allocations",
        "allocation.follow_up",
        "notify.allocations",
    )

    declined_by: str
    reason: DeclineReason

    def says(self, by: str) -> str:
        return f"{self.declined_by} declined {self.referral_id}: {plain(self.reason)}."

    def _others(self) -> tuple[str | None, ...]:
        return (self.declined_by,)


class AllocationLapsed(AllocationEvent):
    """The worker did not answer in time; someone else is looked for."""

    event_type: ClassVar[str] = "allocation.lapsed"
    heard_by: ClassVar[tuple[str, ...]] = (
        "referral.allocations",
        "allocation.follow_up",
        "notify.allocations",
    )

    lapsed_with: str

    def says(self, by: str) -> str:
        return f"{self.lapsed_with} did not answer for {self.referral_id} in time."

    def _others(self) -> tuple[str | None, ...]:
        return (self.lapsed_with,)


class AssignmentOrdered(AllocationEvent):
    """A Hub manager wants this worker to take it; it is carried out, or refused, next."""

    event_type: ClassVar[str] = "allocation.assignment_ordered"
    heard_by: ClassVar[tuple[str, ...]] = ("allocation.follow_up",)

    to_worker_id: str
    reason: HandoverReason
    by: str
    confirmed_by: str | None

    def says(self, by: str) -> str:
        return (
            f"{by} ordered {self.referral_id} to be given to {self.to_worker_id}:"
            f" {plain(self.reason)}."
        )

    def _others(self) -> tuple[str | None, ...]:
        return (self.to_worker_id,)


class AssignmentRefused(AllocationEvent):
    """The ordered assignment could not be carried out; everything stays as it was."""

    event_type: ClassVar[str] = "allocation.assignment_refused"

    to_worker_id: str
    code: str

    def says(self, by: str) -> str:
        return f"{self.referral_id} could not be given to {self.to_worker_id}: {plain(self.code)}."

    def _others(self) -> tuple[str | None, ...]:
        return (self.to_worker_id,)


class ExceptionRequested(AllocationEvent):
    """A manager asks to pass a worker's hard cap; a second manager must agree."""

    event_type: ClassVar[str] = "allocation.exception_requested"

    to_worker_id: str
    reason: HandoverReason
    by: str

    def says(self, by: str) -> str:
        return (
            f"{by} asked to give {self.referral_id} to {self.to_worker_id} over the cap:"
            f" {plain(self.reason)}."
        )

    def _others(self) -> tuple[str | None, ...]:
        return (self.to_worker_id,)


class AllocationEscalated(AllocationEvent):
    """A Hub manager must act: a clock ran out, or the rules found nobody."""

    event_type: ClassVar[str] = "allocation.escalated"
    heard_by: ClassVar[tuple[str, ...]] = ("notify.allocations",)

    reason: EscalationReason
    waiting_since: datetime | None = None

    def says(self, by: str) -> str:
        return f"{self.referral_id} needs a Hub manager: {plain(self.reason)}."
