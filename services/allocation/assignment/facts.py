"""What a decision looks at, as values that are stored with it. Pure.

`replay` works from these alone, so nothing else may influence the choice.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer

from services.allocation.caseload.capacity import hard_cap, on_leave, soft_cap
from services.allocation.caseload.supervision import overdue
from services.allocation.caseload.worker import Worker, load
from services.allocation.hubs.hub import Demand, Hub, Scoring
from shared.events.codes import RiskLevel, Setting, SupervisionKind, Urgency, WorkerRole
from shared.ids import derived_id


class Facts(BaseModel):
    """Coded values only."""

    model_config = ConfigDict(frozen=True)


class CaseFacts(Facts):
    """The case: from the referral's coded snapshot, and what earlier work tells.

    `known_to` are workers who have worked with the young person; `related` are the young person's
    referrals, against which conflicts of interest are checked. `unsafe` are the agencies and workers
    marked as unsafe for them, by name; None in decisions of before there was such a gate.

    `with_workers` have an open case of the young person, who has had one for longest first;
    `child_weight` is the heaviest of their other cases that wait for a worker, and go with this one.
    """

    referral_id: str
    subject_id: str | None = None
    agency_id: str
    area: str
    urgency: Urgency
    level: RiskLevel
    weight: int
    settings_avoided: tuple[Setting, ...] = ()
    needs: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    known_to: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    declined_by: tuple[str, ...] = ()
    unsafe: tuple[str, ...] | None = None
    with_workers: tuple[str, ...] = ()
    child_weight: int = 0

    @model_serializer(mode="wrap")
    def _as_decided(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        later = ("subject_id", "unsafe", "with_workers", "child_weight")
        return _as_stored_before(self, serialize(self), later)


def _as_stored_before(
    facts: Facts, fields: dict[str, Any], later: tuple[str, ...]
) -> dict[str, Any]:
    """A decision's id is of its content: one of before these fields keeps the id that it had."""
    for name in later:
        if getattr(facts, name) == type(facts).model_fields[name].default:
            fields.pop(name, None)
    return fields


class HubFacts(Facts):
    """The part of a Hub's policy that decides, with the revision it is of."""

    hub_id: str
    revision: int
    spoke_ceiling: RiskLevel
    demands: dict[str, Demand]
    scoring: Scoring


class WorkerFacts(Facts):
    """A worker as they were then. `caseload` leaves out the young person; `same_child` is what other
    cases of theirs hold with this worker already."""

    worker_id: str
    version: int
    worker_role: WorkerRole
    active: bool
    on_leave: bool
    in_area: bool
    host_setting: Setting
    host_agency_id: str | None
    qualifications: tuple[str, ...]
    experience_months: int
    specialisms: tuple[str, ...]
    languages: tuple[str, ...]
    times: tuple[str, ...]
    supervision_overdue: tuple[SupervisionKind, ...]
    conflict: bool
    caseload: int
    soft_cap: int
    hard_cap: int
    same_child: int = 0

    @model_serializer(mode="wrap")
    def _as_decided(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return _as_stored_before(self, serialize(self), ("same_child",))

    def load_with(self, weight: int) -> int:
        """What the worker would have with a case of the young person of this weight, in points."""
        return self.caseload + max(weight, self.same_child)


class GateResult(Facts):
    """Whether one gate let a candidate pass; `warning`: it did, and someone should look."""

    gate: str
    passed: bool
    warning: bool = False


class Candidate(Facts):
    """One worker as judged: every gate, and every score term if all gates let them pass."""

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


class Decision(Facts):
    """A decision whole: inputs, every candidate, and what came of it.

    `lost` filled up between the look and the reservation; `held` had the capacity reserved before
    a crash; `ordered` is whom a person named. All three are inputs, and so is how many more workers
    there are, who were not looked at: `beyond` of the area, all with less room, `elsewhere` of the
    Hub, none of whom works in the area.
    """

    kind: Literal["automatic", "duty", "manual"]
    at: datetime
    policy_version: str
    case: CaseFacts
    hub: HubFacts | None
    workers: tuple[WorkerFacts, ...]
    lost: tuple[str, ...] = ()
    held: str | None = None
    ordered: str | None = None
    beyond: int = 0
    elsewhere: int = 0
    candidates: tuple[Candidate, ...]
    worker_id: str | None

    @property
    def id(self) -> str:
        """Of its whole content: a decision can't be altered and keep its id."""
        later = None if self.elsewhere else {"elsewhere"}  # decisions of before keep their id
        return derived_id("dec", self.model_dump_json(exclude=later))


def hub_facts(hub: Hub) -> HubFacts:
    """What decides, of a Hub's policy."""
    return HubFacts(
        hub_id=hub.id,
        revision=hub.revision,
        spoke_ceiling=hub.spoke_ceiling,
        demands=hub.demands,
        scoring=hub.scoring,
    )


def worker_facts(workers: Iterable[Worker], case: CaseFacts, at: datetime) -> list[WorkerFacts]:
    """The workers as this case sees them at that moment."""
    return [_facts(worker, case, at) for worker in workers]


def _facts(worker: Worker, case: CaseFacts, at: datetime) -> WorkerFacts:
    others = [c for c in worker.cases if c.referral_id != case.referral_id]
    same = [c for c in others if c.subject_id is not None and c.subject_id == case.subject_id]
    referrals = {case.referral_id, *case.related}
    conflict = any(
        c.id == case.agency_id if c.kind == "agency" else c.id in referrals
        for c in worker.conflicts
    )
    return WorkerFacts(
        worker_id=worker.id,
        version=worker.version,
        worker_role=worker.worker_role,
        active=worker.active,
        on_leave=on_leave(worker, at),
        in_area=case.area in worker.areas,
        host_setting=worker.host_setting,
        host_agency_id=worker.host_agency_id,
        qualifications=worker.qualifications,
        experience_months=worker.experience_months,
        specialisms=worker.specialisms,
        languages=worker.languages,
        times=worker.times,
        supervision_overdue=overdue(worker, at),
        conflict=conflict,
        caseload=load(c for c in others if c not in same),
        soft_cap=soft_cap(worker, at),
        hard_cap=hard_cap(worker, at),
        same_child=load(same),
    )
