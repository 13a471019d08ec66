"""Events of Hubs and workers: who there is, their capacity, their supervision. Codes only."""

from datetime import date
from typing import ClassVar, Literal

from shared.events import EventData
from shared.events.codes import (
    RiskLevel,
    Setting,
    SupervisionKind,
    WorkerRole,
)


class HubRegistered(EventData):
    """A Hub and its policy as they are now."""

    event_type: ClassVar[str] = "hub.registered"

    hub_id: str
    areas: tuple[str, ...]
    spoke_ceiling: RiskLevel
    revision: int = 1


class WorkerRegistered(EventData):
    """A worker's entry as it is now."""

    event_type: ClassVar[str] = "worker.registered"

    worker_id: str
    hub_id: str
    worker_role: WorkerRole
    areas: tuple[str, ...]
    host_setting: Setting
    cap: int
    active: bool
    host_agency_id: str | None = None
    revision: int = 1


class CaseloadChanged(EventData):
    """A worker's capacity was reserved or freed: the sum can be checked from the trail alone.

    `cap` is the hard cap at that moment; `exceeds` says that two people agreed to pass it.
    """

    event_type: ClassVar[str] = "worker.caseload_changed"

    worker_id: str
    referral_id: str
    change: Literal["reserved", "released"]
    weight: int
    caseload: int
    cap: int
    exceeds: bool = False


class CapacityChanged(EventData):
    """Time has changed what a worker can take: a leave or a reduction began or ended."""

    event_type: ClassVar[str] = "worker.capacity_changed"

    worker_id: str
    hub_id: str
    hard_cap: int
    soft_cap: int
    caseload: int
    available: bool


class WorkerSupervised(EventData):
    """A supervision took place: its kind and date, and nothing of what was said."""

    event_type: ClassVar[str] = "worker.supervised"

    worker_id: str
    hub_id: str
    kind: SupervisionKind
    held_on: date
    next_due_on: date


class SupervisionOverdue(EventData):
    """A supervision should have taken place. Said again every week until it has."""

    event_type: ClassVar[str] = "worker.supervision_overdue"

    worker_id: str
    hub_id: str
    kinds: tuple[SupervisionKind, ...]
    due_on: date
