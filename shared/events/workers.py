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
from shared.events.declared import Parties, listed, plain


class HubRegistered(EventData):
    """A Hub and its policy as they are now."""

    event_type: ClassVar[str] = "hub.registered"
    heard_by: ClassVar[tuple[str, ...]] = (
        "referral.allocations",
        "allocation.capacity",
        "notify.allocations",
    )

    hub_id: str
    areas: tuple[str, ...]
    spoke_ceiling: RiskLevel
    revision: int = 1

    def says(self, by: str) -> str:
        return (
            f"{by} set {self.hub_id}, revision {self.revision}: for {listed(self.areas, 'no area')},"
            f" Spokes up to {plain(self.spoke_ceiling)} risk."
        )

    def parties(self) -> Parties:
        return Parties(hubs=(self.hub_id,))


class WorkerRegistered(EventData):
    """A worker's entry as it is now."""

    event_type: ClassVar[str] = "worker.registered"
    heard_by: ClassVar[tuple[str, ...]] = (
        "allocation.capacity",
        "notify.allocations",
        "referral.directory",
    )

    worker_id: str
    hub_id: str
    worker_role: WorkerRole
    areas: tuple[str, ...]
    host_setting: Setting
    cap: int
    active: bool
    host_agency_id: str | None = None
    revision: int = 1

    def says(self, by: str) -> str:
        hosted = f" hosted by {self.host_agency_id}" if self.host_agency_id else ""
        return (
            f"{by} set {self.worker_id} of {self.hub_id}, revision {self.revision}:"
            f" {plain(self.worker_role)}{hosted}, cap {self.cap},"
            f" {'active' if self.active else 'not active'}."
        )

    def parties(self) -> Parties:
        return Parties(
            workers=(self.worker_id,), hubs=(self.hub_id,), agencies=(self.host_agency_id,)
        )


class CaseloadChanged(EventData):
    """A worker's capacity was reserved or freed: the sum can be checked from the trail alone. The
    cases of one young person count once, as the heaviest of them.

    `cap` is the hard cap at that moment; `exceeds` says that two people agreed to pass it.
    """

    event_type: ClassVar[str] = "worker.caseload_changed"
    heard_by: ClassVar[tuple[str, ...]] = ("allocation.capacity",)

    worker_id: str
    referral_id: str
    change: Literal["reserved", "released"]
    weight: int
    caseload: int
    cap: int
    exceeds: bool = False
    subject_id: str | None = None

    def says(self, by: str) -> str:
        over = ", over the cap as two people agreed" if self.exceeds else ""
        return (
            f"{self.worker_id}'s capacity was {self.change} for {self.referral_id}:"
            f" now {self.caseload} of {self.cap}{over}."
        )

    def parties(self) -> Parties:
        return Parties(
            referral_id=self.referral_id, subjects=(self.subject_id,), workers=(self.worker_id,)
        )


class CaseRelinked(EventData):
    """A worker's case is about another young person than was thought: what they hold is counted
    anew, for the cases of one young person count once."""

    event_type: ClassVar[str] = "worker.case_relinked"
    heard_by: ClassVar[tuple[str, ...]] = ("allocation.capacity",)

    worker_id: str
    referral_id: str
    subject_id: str
    caseload: int
    cap: int
    exceeds: bool = False

    def says(self, by: str) -> str:
        return (
            f"{self.referral_id} counts for {self.subject_id} with {self.worker_id} now, who has"
            f" {self.caseload} of {self.cap}."
        )

    def parties(self) -> Parties:
        return Parties(
            referral_id=self.referral_id, subjects=(self.subject_id,), workers=(self.worker_id,)
        )


class CapacityChanged(EventData):
    """Time has changed what a worker can take: a leave or a reduction began or ended."""

    event_type: ClassVar[str] = "worker.capacity_changed"
    heard_by: ClassVar[tuple[str, ...]] = ("allocation.capacity",)

    worker_id: str
    hub_id: str
    hard_cap: int
    soft_cap: int
    caseload: int
    available: bool

    def says(self, by: str) -> str:
        now = f"can take {self.soft_cap}, at most {self.hard_cap}" if self.available else "is away"
        return f"{self.worker_id} of {self.hub_id} {now}, and has {self.caseload}."

    def parties(self) -> Parties:
        return Parties(workers=(self.worker_id,), hubs=(self.hub_id,))


class WorkerSupervised(EventData):
    """A supervision took place: its kind and date, and nothing of what was said."""

    event_type: ClassVar[str] = "worker.supervised"
    heard_by: ClassVar[tuple[str, ...]] = ("allocation.safety",)

    worker_id: str
    hub_id: str
    kind: SupervisionKind
    held_on: date
    next_due_on: date

    def says(self, by: str) -> str:
        return (
            f"{self.worker_id} had {self.kind} supervision on {self.held_on:%d %B %Y};"
            f" the next is due on {self.next_due_on:%d %B %Y}."
        )

    def parties(self) -> Parties:
        return Parties(workers=(self.worker_id,), hubs=(self.hub_id,))


class SupervisionTakenBack(EventData):
    """Who noted a supervision has called as the worker: it does not count, and the one before does."""

    event_type: ClassVar[str] = "worker.supervision_taken_back"
    heard_by: ClassVar[tuple[str, ...]] = ("notify.allocations",)

    worker_id: str
    hub_id: str
    kind: SupervisionKind
    held_on: date
    next_due_on: date

    def says(self, by: str) -> str:
        return (
            f"{by} found that {self.worker_id} noted their own {self.kind} supervision on"
            f" {self.held_on:%d %B %Y}: it does not count; the next was due on"
            f" {self.next_due_on:%d %B %Y}."
        )

    def parties(self) -> Parties:
        return Parties(workers=(self.worker_id,), hubs=(self.hub_id,))


class SupervisionOverdue(EventData):
    """A supervision should have taken place. Said again every week until it has."""

    event_type: ClassVar[str] = "worker.supervision_overdue"

    worker_id: str
    hub_id: str
    kinds: tuple[SupervisionKind, ...]
    due_on: date

    def says(self, by: str) -> str:
        kinds = listed(self.kinds)
        return f"{self.worker_id}'s supervision ({kinds}) was due on {self.due_on:%d %B %Y}."

    def parties(self) -> Parties:
        return Parties(workers=(self.worker_id,), hubs=(self.hub_id,))
