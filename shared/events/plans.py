"""Events of hand-over plans: all cases of a worker, or of a host, move to others."""

from typing import ClassVar

from shared.events import EventData
from shared.events.codes import HandoverReason
from shared.events.declared import Parties, opening, plain


class _Plan(EventData):
    plan_id: str
    hub_id: str
    worker_id: str | None
    host_agency_id: str | None
    moves: int
    without_receiver: int
    reason: HandoverReason

    def parties(self) -> Parties:
        return Parties(
            agencies=(self.host_agency_id,), workers=(self.worker_id,), hubs=(self.hub_id,)
        )

    @property
    def _name(self) -> str:
        of = self.worker_id or self.host_agency_id
        return f"the hand-over plan {self.plan_id} for {of}"


class PlanProposed(_Plan):
    """A plan for handing over all cases of a worker, or of a host; nothing has moved yet."""

    event_type: ClassVar[str] = "handover_plan.proposed"

    def says(self, by: str) -> str:
        return (
            f"{by} proposed {self._name}: {self.moves} to move, {self.without_receiver} without"
            f" anybody to take them ({plain(self.reason)})."
        )


class PlanConfirmed(_Plan):
    """A Hub manager has confirmed the plan; it is carried out from here."""

    event_type: ClassVar[str] = "handover_plan.confirmed"
    heard_by: ClassVar[tuple[str, ...]] = ("allocation.follow_up",)

    by: str

    def says(self, by: str) -> str:
        return f"{by} confirmed {self._name}: {self.moves} to move."


class PlanApplied(_Plan):
    """Every move was tried once; what could not move was escalated."""

    event_type: ClassVar[str] = "handover_plan.applied"

    moved: int

    def says(self, by: str) -> str:
        return f"{opening(self._name)} was carried out: {self.moved} of {self.moves} moved."
