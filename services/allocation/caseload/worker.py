"""Workers: what they may take, when they are there, and what they hold. Pure.

A worker's name is for people who may read their entry or have to do with their case; no event has
it. Times are days in London, both ends included.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, computed_field

from services.allocation.absence.request import LeaveRequest
from services.allocation.caseload.periods import Leave, Reduction
from services.allocation.directory.card import WorkerCard
from services.allocation.documents import Code, Codes, Incoming, Points
from services.allocation.hubs.hub import Hub
from shared.events.codes import Setting, SupervisionKind, WorkerRole
from shared.events.workers import WorkerRegistered
from shared.rules.calendars import LONDON, midnight
from shared.rules.values import Day
from shared.storage.records import Record

CAPACITY_DUE, SUPERVISION_DUE, LEAVE_DUE = "capacity_due", "supervision_due", "leave_due"
UNAVAILABLE = -1_000_000
Percent = Annotated[int, Field(ge=0, le=100)]


class Conflict(Incoming):
    """A declared conflict of interest: with an agency, or about the young person of a referral."""

    kind: Literal["agency", "referral"]
    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,60}$")]


class WorkerEntry(Incoming):
    """A worker as their Hub knows them.

    `cap` is in points for full-time direct work: the sum of the weights of open cases, one for each
    young person, stays within what `fte_percent`, `non_case_percent` (consultancy, training) and
    reductions leave of it. Without a `cap` the Hub's cap for the role counts.
    """

    hub_id: Code
    name: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = Field(
        default=None, description="As colleagues know them; in no event, and in no log."
    )
    worker_role: WorkerRole
    areas: Annotated[tuple[Code, ...], Field(min_length=1, max_length=200)]
    host_setting: Setting
    host_agency_id: Code | None = None
    cap: Points | None = None
    active: bool = True
    qualifications: Codes = ()
    experience_months: Annotated[int, Field(ge=0, le=600)] = 0
    specialisms: Codes = ()
    languages: Codes = ()
    times: Annotated[
        tuple[Literal["daytime", "evenings", "weekends"], ...], Field(max_length=3)
    ] = ("daytime",)
    fte_percent: Annotated[int, Field(ge=1, le=100)] = 100
    non_case_percent: Percent = 0
    leave: Annotated[tuple[Leave, ...], Field(max_length=50)] = ()
    reductions: Annotated[tuple[Reduction, ...], Field(max_length=50)] = ()
    newly_qualified_from: Day | None = None
    conflicts: Annotated[tuple[Conflict, ...], Field(max_length=100)] = ()


class Case(BaseModel):
    """Capacity a worker has reserved for one referral, at its `round` of placing. Stored before
    there was a `subject_id`, it counts as somebody's only case."""

    model_config = ConfigDict(frozen=True)

    referral_id: str
    weight: int
    round: int = 1
    subject_id: str | None = None


class Noted(BaseModel):
    """A supervision, and whose account noted it; of those of before that was kept it is not known."""

    model_config = ConfigDict(frozen=True)

    held_on: Day
    account: str | None = None


class Worker(Record):
    """A worker as stored.

    `room` is what automatic allocation may still give them now, in points; it is stored so that
    candidates are found by an index. Reserving never trusts it. `cap`, `soft_percent` and
    `supervision_days` are resolved from the Hub's policy when the entry or the policy changes.
    `card`: what they show of themselves in the directory, unless a manager holds it back.
    """

    hub_id: str
    name: str | None = None
    worker_role: WorkerRole
    areas: tuple[str, ...]
    host_setting: Setting
    host_agency_id: str | None = None
    own_cap: int | None = None
    cap: int
    soft_percent: int = 100
    supervision_days: int = 31
    active: bool
    qualifications: tuple[str, ...] = ()
    experience_months: int = 0
    specialisms: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    times: tuple[str, ...] = ("daytime",)
    fte_percent: int = 100
    non_case_percent: int = 0
    leave: tuple[Leave, ...] = ()
    reductions: tuple[Reduction, ...] = ()
    newly_qualified_from: Day | None = None
    conflicts: tuple[Conflict, ...] = ()
    registered_on: Day
    supervised_on: dict[SupervisionKind, Day] = Field(default_factory=dict)
    # The last ones of each kind, the newest last.
    supervisions: dict[SupervisionKind, tuple[Noted, ...]] = Field(default_factory=dict)
    cases: tuple[Case, ...] = ()
    room: int = UNAVAILABLE
    capacity_at: datetime | None = None
    supervision_at: datetime | None = None
    requests: tuple[LeaveRequest, ...] = ()
    undecided_at: datetime | None = None
    revision: int = 1
    card: WorkerCard | None = None
    card_revision: int = 0
    card_held_back: bool = False

    def timers(self) -> dict[str, datetime | None]:
        return {
            CAPACITY_DUE: self.capacity_at,
            SUPERVISION_DUE: self.supervision_at,
            LEAVE_DUE: self.undecided_at,
        }

    @computed_field  # type: ignore[prop-decorator]
    @property
    def overdue_from(self) -> datetime | None:
        """The start of the first day on which a supervision is overdue; None for who has left."""
        if not self.active:
            return None
        return midnight(min(due_on(self, kind) for kind in kinds(self)) + timedelta(days=1))

    @property
    def caseload(self) -> int:
        """What all open cases take of the cap, in points."""
        return load(self.cases)


def load(cases: Iterable[Case]) -> int:
    """What cases take of a cap, in points: those of one young person count once, as the heaviest
    of them. The work is with a person, not with each referral about them."""
    heaviest: dict[str, int] = {}
    for case in cases:
        about = case.subject_id or case.referral_id
        heaviest[about] = max(case.weight, heaviest.get(about, 0))
    return sum(heaviest.values())


def day_of(at: datetime) -> date:
    """The day it is in London."""
    return at.astimezone(LONDON).date()


def kinds(worker: Worker) -> tuple[SupervisionKind, ...]:
    """The kinds this worker needs."""
    hosted = worker.host_agency_id is not None or worker.host_setting != "hub"
    if worker.worker_role == "spoke_worker" and hosted:
        return ("case", "professional")
    return ("case",)


def interval(worker: Worker, day: date) -> timedelta:
    """How long after the last one the next is due."""
    if worker.newly_qualified_from is not None:
        since = day - worker.newly_qualified_from
        if since < timedelta(weeks=6):
            return timedelta(days=min(7, worker.supervision_days))
        if since < timedelta(days=183):
            return timedelta(days=min(14, worker.supervision_days))
    return timedelta(days=worker.supervision_days)


def due_on(worker: Worker, kind: SupervisionKind) -> date:
    """The last day on which the next supervision of this kind is in time."""
    last = worker.supervised_on.get(kind, worker.registered_on)
    return last + interval(worker, last)


def worker_event(worker: Worker) -> WorkerRegistered:
    """The event of a worker's entry."""
    return WorkerRegistered(
        worker_id=worker.id, **worker.model_dump(include=set(WorkerRegistered.model_fields))
    )


def worker_entry(worker: Worker) -> WorkerEntry:
    """The entry as it was put."""
    fields = worker.model_dump(include=set(WorkerEntry.model_fields))
    return WorkerEntry.model_validate({**fields, "cap": worker.own_cap})


def stored_fields(entry: WorkerEntry, hub: Hub | None) -> dict[str, Any]:
    """An entry as the record's fields, with what the Hub's policy makes of it."""
    fields = entry.model_dump()
    return {**fields, "own_cap": entry.cap, **resolved(entry.cap, entry.worker_role, hub)}


def resolved(own_cap: int | None, role: WorkerRole, hub: Hub | None) -> dict[str, Any]:
    """What depends on the Hub's policy; before the Hub is registered, its defaults."""
    of_role = hub.caps.get(role, 0) if hub else 0
    return {
        "cap": of_role if own_cap is None else own_cap,
        "soft_percent": hub.soft_percent if hub else 100,
        "supervision_days": hub.supervision_days if hub else 31,
    }
