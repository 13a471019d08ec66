"""Allocations: how they stand, why so, and whether the rules would decide the same again."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from services.allocation.domain.allocations import Allocation, Status
from services.allocation.domain.choice import replay
from services.allocation.domain.explain import Explanation, explain
from services.allocation.domain.hubs import Incoming
from services.allocation.domain.risk import Assessment
from services.allocation.domain.subjects import Judgement, judge, reassess
from services.allocation.domain.waiting import QUEUE_ORDER
from services.allocation.routes.common import (
    AllocationId,
    Cursor,
    FromHub,
    FromManager,
    Limit,
    OnDesk,
    theirs,
)
from shared.clock import now
from shared.errors import BadRequest, NotFound
from shared.etags import tagged
from shared.events.allocation import GoalResult
from shared.events.codes import JudgementReason, RiskLevel, Urgency

router = APIRouter(tags=["allocations"])


class AllocationView(BaseModel):
    """Where an allocation stands. Why it does is in its explanation."""

    id: str
    status: Status
    hub_id: str | None
    worker_id: str | None
    urgency: Urgency
    level: RiskLevel
    due_at: datetime
    decided_at: datetime | None
    answer_by: datetime | None
    waiting_since: datetime | None
    holder_id: str | None
    review_at: datetime | None
    escalations: int
    flags: tuple[str, ...]
    closure: str | None
    outcomes: tuple[GoalResult, ...]
    debrief: str | None
    assessment: Assessment


class AllocationPage(BaseModel):
    """The first in line first; `next` is the cursor of the next page, if there is one."""

    allocations: list[AllocationView]
    next: str | None


class Replay(BaseModel):
    """Whether today's rules make the same of each decision's stored inputs."""

    same: bool
    decisions: list[Literal["same", "different"]]


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


def view(allocation: Allocation) -> AllocationView:
    return AllocationView(**allocation.model_dump(include=set(AllocationView.model_fields)))


@router.get("/v1/allocations/{allocation_id}")
async def get_allocation(
    allocation_id: AllocationId, caller: FromHub, desk: OnDesk, response: Response
) -> AllocationView:
    """The allocation of a referral, for its worker and its Hub's managers; else it isn't there."""
    allocation = await theirs(desk, allocation_id, caller)
    tagged(response, allocation.version)
    return view(allocation)


@router.get("/v1/allocations")
async def get_allocations(
    caller: FromHub,
    desk: OnDesk,
    status: Annotated[Status | None, Query()] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> AllocationPage:
    """A worker's own, or the Hub's: the queue's order, which is level, urgency, waiting longest."""
    where: dict[str, Any] = (
        {"worker_id": caller.worker_id} if caller.role == "worker" else {"hub_id": caller.hub_id}
    )
    where |= {"status": status} if status else {}
    if cursor is not None:
        where = {"$and": [where, await _after(desk, cursor, caller)]}
    found = await desk.allocations.find(where, sort=QUEUE_ORDER, limit=limit)
    views = [view(allocation) for allocation in found]
    return AllocationPage(allocations=views, next=found[-1].id if len(found) == limit else None)


@router.get("/v1/allocations/{allocation_id}/explanation")
async def get_explanation(
    allocation_id: AllocationId, caller: FromHub, desk: OnDesk
) -> Explanation:
    """Why this worker, why not each other, why this level: in sentences and as data."""
    allocation = await theirs(desk, allocation_id, caller)
    return explain(allocation, await desk.decided(allocation), desk.policy)


@router.post("/v1/allocations/{allocation_id}/replay")
async def post_replay(allocation_id: AllocationId, caller: FromHub, desk: OnDesk) -> Replay:
    """Decide again from the stored inputs. Changes nothing.

    A decision that was altered in the store is different, too: its id is of its content.
    """
    allocation = await theirs(desk, allocation_id, caller)
    decided = zip(allocation.decisions, await desk.decided(allocation), strict=True)
    results: list[Literal["same", "different"]] = [
        "same" if replay(decision).id == decision_id else "different"
        for decision_id, decision in decided
    ]
    return Replay(same="different" not in results, decisions=results)


@router.get("/v1/allocations/{allocation_id}/risk")
async def get_risk(allocation_id: AllocationId, caller: FromHub, desk: OnDesk) -> RiskView:
    """The young person's risk as it stands now, over the concerns of all agencies."""
    allocation = await theirs(desk, allocation_id, caller)
    subject = await desk.subjects.get(allocation.subject_id)
    return RiskView(
        score=subject.assessment.score,
        scored_level=subject.assessment.level,
        level=subject.level,
        judgement=subject.judgement,
        assessed_at=subject.assessment.assessed_at,
        reassess_at=subject.reassess_at,
        policy_version=subject.assessment.policy_version,
        warning=desk.policy.warning,
    )


@router.post("/v1/allocations/{allocation_id}/judgement")
async def post_judgement(
    allocation_id: AllocationId, entry: JudgementEntry, caller: FromHub, desk: OnDesk
) -> RiskView:
    """Set the level by judgement. The same again changes nothing."""
    allocation = await theirs(desk, allocation_id, caller)
    at = now()
    await desk.subjects.change(
        allocation.subject_id,
        lambda s: judge(
            s,
            entry.level,
            entry.reason,
            referral_id=allocation_id,
            by=caller.actor,
            policy=desk.policy,
            at=at,
        ),
        by=caller.origin(allocation_id),
    )
    return await get_risk(allocation_id, caller, desk)


@router.post("/v1/allocations/{allocation_id}/reassessment")
async def post_reassessment(allocation_id: AllocationId, caller: FromHub, desk: OnDesk) -> RiskView:
    """I have looked again. The score is worked out anew; the next look is due in three months."""
    allocation = await theirs(desk, allocation_id, caller)
    at = now()
    await desk.subjects.change(
        allocation.subject_id,
        lambda s: reassess(
            s, referral_id=allocation_id, by=caller.actor, policy=desk.policy, at=at
        ),
        by=caller.origin(allocation_id),
    )
    return await get_risk(allocation_id, caller, desk)


async def _after(desk: OnDesk, cursor: str, caller: FromManager) -> dict[str, Any]:
    try:
        last = await theirs(desk, cursor, caller)
    except NotFound:
        raise BadRequest("cursor_unknown", "This page is gone; start again.") from None
    values = (last.level_rank, last.urgency_rank, last.waiting_since, last.id)
    steps: list[dict[str, Any]] = []
    same: dict[str, Any] = {}
    for (field, direction), value in zip(QUEUE_ORDER, values, strict=True):
        beyond = {"$lt": value} if direction < 0 else {"$gt": value}
        if value is not None:
            steps.append({**same, field: beyond})
        else:  # no time of waiting sorts before every time
            steps.append({**same, field: {"$ne": None}})
        same[field] = value
    return {"$or": steps}
