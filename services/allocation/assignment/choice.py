"""Who takes a case: gates that must all hold, then score terms. Pure and deterministic."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from services.allocation.assignment.facts import (
    Candidate,
    CaseFacts,
    Decision,
    GateResult,
    HubFacts,
    WorkerFacts,
)
from services.allocation.hubs.hub import Demand
from services.allocation.risk.policy import LEVELS
from shared.rules.safety import names_of

SAFE = "safe_for_young_person"


def choose(case: CaseFacts, hub: HubFacts, workers: Iterable[WorkerFacts]) -> tuple[Candidate, ...]:
    """All candidates, those who passed every gate first, best first.

    Whoever has an open case of the young person goes before all others who passed, whatever the
    score: one child, one worker. The same values give the same order, whatever the order of
    `workers`: ties are broken by a hash of the referral and the worker, which favours nobody.
    """
    candidates = [judge(case, hub, worker) for worker in workers]
    return tuple(
        sorted(candidates, key=lambda c: (not c.passed, _turn(case, c), -c.score, _tie(case, c)))
    )


def judge(case: CaseFacts, hub: HubFacts, worker: WorkerFacts) -> Candidate:
    """One worker for one case: every gate, and the terms only if all gates let them pass."""
    gates = gates_of(case, hub, worker)
    passed = all(gate.passed for gate in gates)
    return Candidate(
        worker_id=worker.worker_id,
        worker_version=worker.version,
        gates=gates,
        terms=terms_of(case, hub, worker) if passed else {},
    )


def gates_of(case: CaseFacts, hub: HubFacts, worker: WorkerFacts) -> tuple[GateResult, ...]:
    """Every gate with its result, the capacity last."""
    late = bool(worker.supervision_overdue)
    results = {
        "active": worker.active,
        "not_on_leave": not worker.on_leave,
        "role_may_take_level": _role_may(case, hub, worker),
        "qualified": _qualified(hub.demands.get(case.level, Demand()), worker),
        "area": worker.in_area,
        "setting_not_avoided": worker.host_setting not in case.settings_avoided,
        # Hard for the highest level, a warning otherwise.
        "supervision_in_date": not (late and case.level == LEVELS[-1]),
        "no_conflict": not worker.conflict,
        **_safe(case, worker),
        "not_declined": worker.worker_id not in case.declined_by,
        "within_cap": _has_room(case, worker),
    }
    return tuple(
        GateResult(gate=gate, passed=held, warning=gate == "supervision_in_date" and late and held)
        for gate, held in results.items()
    )


def _safe(case: CaseFacts, worker: WorkerFacts) -> dict[str, bool]:
    """Nobody, in nobody's order, may take what they are unsafe for. Decisions of before have no such
    gate."""
    if case.unsafe is None:
        return {}
    names = names_of(worker_id=worker.worker_id, host_agency_id=worker.host_agency_id)
    return {SAFE: names.isdisjoint(case.unsafe)}


def terms_of(case: CaseFacts, hub: HubFacts, worker: WorkerFacts) -> dict[str, int]:
    """Each reason for this worker, in points of the Hub's policy; whole numbers only."""
    scoring = hub.scoring
    # In tenths, so that those who are about equally free are chosen between by the hash: else all
    # replicas would run for the one freest worker, and all but one in vain.
    left = worker.soft_cap - worker.load_with(case.weight)
    tenths = 10 * left // max(1, worker.soft_cap)
    return {
        "continuity": scoring.continuity * (worker.worker_id in case.known_to),
        "specialism": scoring.specialism * len(set(case.needs) & set(worker.specialisms)),
        "language": scoring.language * bool(set(case.languages) & set(worker.languages)),
        "free_capacity": scoring.free_capacity * tenths // 10,
        "preferred_times": scoring.preferred_times * bool(set(case.times) & set(worker.times)),
        "same_host": scoring.same_host * (worker.host_agency_id == case.agency_id),
    }


def decide(
    case: CaseFacts,
    hub: HubFacts | None,
    workers: Iterable[WorkerFacts],
    *,
    kind: Literal["automatic", "duty", "manual"] = "automatic",
    lost: Iterable[str] = (),
    held: str | None = None,
    ordered: str | None = None,
    beyond: int = 0,
    elsewhere: int = 0,
    policy_version: str,
    at: datetime,
) -> Decision:
    """The decision on these inputs, whole.

    A reservation that a crash left behind is finished if that worker passes every gate, and the
    young person has no other worker meanwhile who does. A manager's
    order, and the duty manager for `immediate`, are decided by people: the gates are recorded then,
    and don't decide.
    """
    looked_at = sorted(workers, key=lambda worker: worker.worker_id)
    candidates = choose(case, hub, looked_at) if hub else ()
    full = frozenset(lost)
    return Decision(
        kind=kind,
        at=at,
        policy_version=policy_version,
        case=case,
        hub=hub,
        workers=tuple(looked_at),
        lost=tuple(sorted(full)),
        held=held,
        ordered=ordered,
        beyond=beyond,
        elsewhere=elsewhere,
        candidates=candidates,
        worker_id=ordered or _taken(case, candidates, full, held),
    )


def _taken(
    case: CaseFacts, candidates: Iterable[Candidate], full: frozenset[str], held: str | None
) -> str | None:
    free = [c.worker_id for c in candidates if c.passed and c.worker_id not in full]
    theirs = [worker_id for worker_id in free if worker_id in case.with_workers]
    kept = held if held in (theirs or free) else None
    return kept or (free[0] if free else None)


def by_person(looked: Decision, worker: WorkerFacts, kind: Literal["duty", "manual"]) -> Decision:
    """What a person decided, with all who were looked at before, and who else there is."""
    others = [w for w in looked.workers if w.worker_id != worker.worker_id]
    new = len(others) == len(looked.workers)
    return decide(
        looked.case,
        looked.hub,
        [*others, worker],
        kind=kind,
        lost=looked.lost,
        ordered=worker.worker_id,
        beyond=max(0, looked.beyond - (new and worker.in_area)),
        elsewhere=max(0, looked.elsewhere - (new and not worker.in_area)),
        policy_version=looked.policy_version,
        at=looked.at,
    )


def replay(decision: Decision) -> Decision:
    """The same decision from its stored inputs; equal, unless the rules have changed since."""
    return decide(
        decision.case,
        decision.hub,
        decision.workers,
        kind=decision.kind,
        lost=decision.lost,
        held=decision.held,
        ordered=decision.ordered,
        beyond=decision.beyond,
        elsewhere=decision.elsewhere,
        policy_version=decision.policy_version,
        at=decision.at,
    )


def _role_may(case: CaseFacts, hub: HubFacts, worker: WorkerFacts) -> bool:
    if worker.worker_role == "hub_manager":
        return False  # managers get cases as duty manager, or by somebody's order
    within_ceiling = LEVELS.index(case.level) <= LEVELS.index(hub.spoke_ceiling)
    return worker.worker_role == "hub_worker" or within_ceiling


def _qualified(demand: Demand, worker: WorkerFacts) -> bool:
    if not demand.qualifications and not demand.experience_months:
        return True
    has = bool(set(demand.qualifications) & set(worker.qualifications))
    long_enough = 0 < demand.experience_months <= worker.experience_months
    return has or long_enough


def _has_room(case: CaseFacts, worker: WorkerFacts) -> bool:
    """For all cases of the young person that go together. What adds nothing always has room."""
    weight = max(case.weight, case.child_weight)
    return weight <= worker.same_child or worker.load_with(weight) <= worker.soft_cap


def _turn(case: CaseFacts, candidate: Candidate) -> int:
    theirs = case.with_workers
    is_theirs = candidate.worker_id in theirs
    return theirs.index(candidate.worker_id) if is_theirs else len(theirs)


def _tie(case: CaseFacts, candidate: Candidate) -> bytes:
    return hashlib.sha256(f"{case.referral_id}/{candidate.worker_id}".encode()).digest()
