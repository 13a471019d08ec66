"""HTTP in: a young person's risk, a practitioner's judgement of it, and that they looked again."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from services.allocation.callers import AllocationId, OnStores, their_case
from services.allocation.documents import Incoming
from services.allocation.risk.history import Judgement
from services.allocation.risk.policy import RiskPolicy
from services.allocation.risk.process import judge_case, reassess_case
from services.allocation.risk.subject import Subject
from shared.events.codes import JudgementReason, RiskLevel
from shared.web.access import may
from shared.web.tokens import AnyCaller

router = APIRouter(tags=["allocations"])


class JudgementEntry(Incoming):
    """A practitioner's level, in either direction, with a coded reason. Urgency keeps its floor."""

    level: RiskLevel
    reason: JudgementReason


class RiskView(BaseModel):
    """How the young person's risk stands, over all that was reported."""

    score: int
    scored_level: RiskLevel
    level: RiskLevel
    judgement: Judgement | None
    assessed_at: datetime
    reassess_at: datetime
    policy_version: str
    warning: str


@router.get("/v1/allocations/{allocation_id}/risk", dependencies=[may("view_risk")])
async def get_risk(allocation_id: AllocationId, caller: AnyCaller, stores: OnStores) -> RiskView:
    """The young person's risk as it stands now, over the concerns of all agencies."""
    allocation = await their_case(stores, allocation_id, caller, "view_risk")
    return _view(await stores.subjects.get(allocation.subject_id), stores.policy)


@router.post("/v1/allocations/{allocation_id}/judgement", dependencies=[may("judge_risk")])
async def post_judgement(
    allocation_id: AllocationId, entry: JudgementEntry, caller: AnyCaller, stores: OnStores
) -> RiskView:
    """Set the level by judgement. The same again changes nothing."""
    allocation = await their_case(stores, allocation_id, caller, "judge_risk")
    by = caller.origin(allocation_id)
    return _view(await judge_case(stores, allocation, entry.level, entry.reason, by), stores.policy)


@router.post("/v1/allocations/{allocation_id}/reassessment", dependencies=[may("reassess_risk")])
async def post_reassessment(
    allocation_id: AllocationId, caller: AnyCaller, stores: OnStores
) -> RiskView:
    """I have looked again. The score is worked out anew; the next look is due in three months."""
    allocation = await their_case(stores, allocation_id, caller, "reassess_risk")
    by = caller.origin(allocation_id)
    return _view(await reassess_case(stores, allocation, by), stores.policy)


def _view(subject: Subject, policy: RiskPolicy) -> RiskView:
    return RiskView(
        score=subject.assessment.score,
        scored_level=subject.assessment.level,
        level=subject.level,
        judgement=subject.judgement,
        assessed_at=subject.assessment.assessed_at,
        reassess_at=subject.reassess_at,
        policy_version=subject.assessment.policy_version,
        warning=policy.warning,
    )
