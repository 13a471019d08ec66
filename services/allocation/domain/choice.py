"""Who takes a case: gates that must all hold, then score terms. Pure and deterministic."""

import hashlib
from collections.abc import Iterable
from datetime import datetime

from services.allocation.domain.records import Allocation, Candidate, GateResult, Hub, Worker
from services.allocation.domain.risk import LEVELS, Assessment
from shared.events import Event, EventData
from shared.events.allocation import AllocationMade, AllocationWaiting, RiskAssessed
from shared.events.codes import RiskLevel
from shared.events.referral import ReferralReceived


def choose(
    referral: ReferralReceived, level: RiskLevel, hub: Hub, workers: Iterable[Worker]
) -> tuple[Candidate, ...]:
    """All candidates, those who passed every gate first, best first.

    The same values give the same order, whatever the order of `workers`: ties are broken by a
    hash of the referral and the worker, which favours nobody.
    """
    candidates = [_judge(referral, level, hub, worker) for worker in workers]
    return tuple(sorted(candidates, key=lambda c: (not c.passed, -c.score, _tie(referral, c))))


def _judge(referral: ReferralReceived, level: RiskLevel, hub: Hub, worker: Worker) -> Candidate:
    weight = hub.weight(level)
    within_ceiling = LEVELS.index(level) <= LEVELS.index(hub.spoke_ceiling)
    gates = {
        "active": worker.active,
        "role_may_take_level": worker.worker_role == "hub_worker" or within_ceiling,
        "area": referral.area in worker.areas,
        "setting_not_avoided": worker.host_setting not in referral.settings_avoided,
        "within_cap": worker.caseload + weight <= worker.cap,
    }
    passed = all(gates.values())
    free = worker.cap - worker.caseload - weight
    return Candidate(
        worker_id=worker.id,
        worker_version=worker.version,
        gates=tuple(GateResult(gate=name, passed=held) for name, held in gates.items()),
        terms={"free_capacity_per_mille": 1000 * free // worker.cap} if passed else {},
    )


def _tie(referral: ReferralReceived, candidate: Candidate) -> bytes:
    return hashlib.sha256(f"{referral.referral_id}/{candidate.worker_id}".encode()).digest()


def decide(
    event: Event[ReferralReceived],
    assessment: Assessment,
    hub: Hub | None,
    candidates: tuple[Candidate, ...],
    *,
    worker_id: str | None,
    at: datetime,
) -> tuple[Allocation, RiskAssessed, EventData]:
    """The allocation of a referral to the worker whose capacity is reserved, or to waiting."""
    referral = event.data
    allocation = Allocation(
        id=referral.referral_id,
        subject_id=referral.subject_id,
        agency_id=referral.agency_id,
        hub_id=hub.id if hub else None,
        worker_id=worker_id,
        status="offered" if worker_id else "waiting",
        urgency=referral.urgency,
        due_at=referral.due_at,
        decided_at=at,
        assessment=assessment,
        candidates=candidates,
        referral_version=event.version,
    )
    risk = RiskAssessed(
        referral_id=referral.referral_id,
        subject_id=referral.subject_id,
        **assessment.model_dump(),
    )
    shared = {
        "referral_id": referral.referral_id,
        "subject_id": referral.subject_id,
        "agency_id": referral.agency_id,
        "hub_id": allocation.hub_id,
        "level": assessment.level,
        "urgency": referral.urgency,
        "due_at": referral.due_at,
        "decided_at": at,
        "policy_version": assessment.policy_version,
        "referral_version": event.version,
    }
    if worker_id:
        return allocation, risk, AllocationMade.model_validate({**shared, "worker_id": worker_id})
    reason = "no_candidate" if hub else "no_hub_for_area"
    return allocation, risk, AllocationWaiting.model_validate({**shared, "reason": reason})
