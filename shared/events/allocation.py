"""Events of the allocation service."""

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from shared.events import EventData
from shared.events.codes import RiskLevel, Setting, Urgency


class HubRegistered(EventData):
    """A Hub and its policy as they are now."""

    event_type: ClassVar[str] = "hub.registered"

    hub_id: str
    areas: tuple[str, ...]
    spoke_ceiling: RiskLevel


class WorkerRegistered(EventData):
    """A worker's entry as it is now."""

    event_type: ClassVar[str] = "worker.registered"

    worker_id: str
    hub_id: str
    worker_role: Literal["hub_worker", "spoke_worker"]
    areas: tuple[str, ...]
    host_setting: Setting
    cap: int
    active: bool


class CaseloadChanged(EventData):
    """A worker's capacity was reserved or freed: the sum can be checked from the trail alone."""

    event_type: ClassVar[str] = "worker.caseload_changed"

    worker_id: str
    referral_id: str
    change: Literal["reserved", "released"]
    weight: int
    caseload: int
    cap: int


class Contribution(BaseModel):
    """What one indicator added to a score."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    code: str
    points: int
    agencies: tuple[str, ...]


class RiskAssessed(EventData):
    """A score and level with every contribution; it supports judgement, it never replaces it."""

    event_type: ClassVar[str] = "risk.assessed"

    referral_id: str
    subject_id: str
    score: int
    level: RiskLevel
    floor: RiskLevel
    contributions: tuple[Contribution, ...]
    policy_version: str


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
