"""Hubs, workers with their caseload, and allocations. Pure."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.allocation.domain.risk import LEVELS, Assessment
from shared.errors import Refused
from shared.events.allocation import CaseloadChanged, HubRegistered, WorkerRegistered
from shared.events.codes import RiskLevel, Setting, Urgency
from shared.records import Change, Record, changed, unchanged

Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]


class Incoming(BaseModel):
    """A document from outside: unknown members are faults, and faults never quote values."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class HubEntry(Incoming):
    """A Hub: the areas it serves, what its Spokes may take, and how levels weigh on a caseload."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    areas: Annotated[tuple[Code, ...], Field(min_length=1, max_length=200)]
    spoke_ceiling: RiskLevel = "moderate"
    weights: dict[RiskLevel, Annotated[int, Field(ge=1, le=100)]] = Field(
        default_factory=lambda: dict(zip(LEVELS, (1, 2, 3, 5), strict=True))
    )


class Hub(Record):
    name: str
    areas: tuple[str, ...]
    spoke_ceiling: RiskLevel
    weights: dict[str, int]

    def weight(self, level: RiskLevel) -> int:
        """What a case of this level takes of a cap; a level without a weight of its own takes 1."""
        return self.weights.get(level, 1)


class WorkerEntry(Incoming):
    """A worker. `cap` is in points: the sum of the weights of their open cases stays within it."""

    hub_id: Code
    worker_role: Literal["hub_worker", "spoke_worker"]
    areas: Annotated[tuple[Code, ...], Field(min_length=1, max_length=200)]
    host_setting: Setting
    cap: Annotated[int, Field(ge=0, le=1000)]
    active: bool = True


class Case(BaseModel):
    """Capacity a worker has reserved for one referral."""

    model_config = ConfigDict(frozen=True)

    referral_id: str
    weight: int


class Worker(Record):
    hub_id: str
    worker_role: Literal["hub_worker", "spoke_worker"]
    areas: tuple[str, ...]
    host_setting: Setting
    cap: int
    active: bool
    cases: tuple[Case, ...] = ()

    @property
    def caseload(self) -> int:
        """The weights of all open cases, in points."""
        return sum(case.weight for case in self.cases)


class GateResult(BaseModel):
    """Whether one gate let a candidate pass."""

    model_config = ConfigDict(frozen=True)

    gate: str
    passed: bool


class Candidate(BaseModel):
    """One worker as the decision saw them: every gate, and the score terms if all let them pass."""

    model_config = ConfigDict(frozen=True)

    worker_id: str
    worker_version: int
    gates: tuple[GateResult, ...]
    terms: dict[str, int] = {}

    @property
    def passed(self) -> bool:
        return all(gate.passed for gate in self.gates)

    @property
    def score(self) -> int:
        return sum(self.terms.values())


class Allocation(Record):
    """The decision about one referral, whole. Its id is the referral's id."""

    subject_id: str
    agency_id: str
    hub_id: str | None
    worker_id: str | None
    status: Literal["offered", "waiting"]
    urgency: Urgency
    due_at: datetime
    decided_at: datetime
    assessment: Assessment
    candidates: tuple[Candidate, ...]
    referral_version: int


def register_hub(hub_id: str, entry: HubEntry) -> tuple[Hub, HubRegistered]:
    """A new Hub and its event."""
    hub = Hub(id=hub_id, **entry.model_dump())
    return hub, HubRegistered(hub_id=hub_id, areas=hub.areas, spoke_ceiling=hub.spoke_ceiling)


def amend_hub(hub: Hub, entry: HubEntry) -> Change[Hub]:
    """The Hub as it should be; the same again changes nothing."""
    after, event = register_hub(hub.id, entry)
    if after.but(version=hub.version) == hub:
        return unchanged(hub)
    return changed(hub, event, **entry.model_dump())


def register_worker(worker_id: str, entry: WorkerEntry) -> tuple[Worker, WorkerRegistered]:
    """A new worker and its event."""
    fields = entry.model_dump()
    return Worker(id=worker_id, **fields), WorkerRegistered(worker_id=worker_id, **fields)


def amend_worker(worker: Worker, entry: WorkerEntry) -> Change[Worker]:
    """The entry as it should be; open cases stay, also over a lowered cap."""
    after, event = register_worker(worker.id, entry)
    if after.but(version=worker.version, cases=worker.cases) == worker:
        return unchanged(worker)
    return changed(worker, event, **entry.model_dump())


def reserve(worker: Worker, referral_id: str, weight: int) -> Change[Worker]:
    """Take capacity for a referral. Twice is once. Raises `Refused` when the cap would be passed."""
    if any(case.referral_id == referral_id for case in worker.cases):
        return unchanged(worker)
    if not worker.active or worker.caseload + weight > worker.cap:
        raise Refused("no_capacity", "The worker has no room for this case.")
    cases = (*worker.cases, Case(referral_id=referral_id, weight=weight))
    return _with_cases(worker, cases, referral_id, "reserved", weight)


def release(worker: Worker, referral_id: str) -> Change[Worker]:
    """Give back what was reserved for a referral; nothing, if nothing was."""
    held = [case for case in worker.cases if case.referral_id == referral_id]
    if not held:
        return unchanged(worker)
    cases = tuple(case for case in worker.cases if case.referral_id != referral_id)
    return _with_cases(worker, cases, referral_id, "released", held[0].weight)


def _with_cases(
    worker: Worker,
    cases: tuple[Case, ...],
    referral_id: str,
    change: Literal["reserved", "released"],
    weight: int,
) -> Change[Worker]:
    event = CaseloadChanged(
        worker_id=worker.id,
        referral_id=referral_id,
        change=change,
        weight=weight,
        caseload=sum(case.weight for case in cases),
        cap=worker.cap,
    )
    return changed(worker, event, cases=cases)
