"""The allocation of one referral: its record, how it opens, and how it gets its worker. Pure.

Each placing has a round. Capacity is reserved for round n + 1 before the allocation of round n
takes it over, so whatever is reserved for an older round, or for the same round with somebody
else, is a stray that may be given back at any time.
"""

from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from services.allocation.domain.capacity import Limit
from services.allocation.domain.facts import CaseFacts, Decision
from services.allocation.domain.hubs import Hub
from services.allocation.domain.policy import LEVELS
from services.allocation.domain.risk import Assessment
from shared.events import EventData
from shared.events.allocation import (
    AllocationEscalated,
    AllocationHandedOver,
    AllocationMade,
    AllocationWaiting,
    GoalResult,
)
from shared.events.codes import (
    ClosureReason,
    EscalationReason,
    HandoverReason,
    RiskLevel,
    Setting,
    Urgency,
)
from shared.records import Change, Record, unchanged

ANSWER_DUE, REVIEW_DUE, ESCALATE_DUE = "answer_due", "review_due", "escalate_due"
STOPPED: dict[str, datetime | None] = {ANSWER_DUE: None, REVIEW_DUE: None, ESCALATE_DUE: None}

Status = Literal[
    "seeking", "waiting", "offered", "handed_over", "accepted", "in_progress", "on_hold", "closed"
]
# In these states a worker holds capacity for it.
HELD: tuple[Status, ...] = ("offered", "handed_over", "accepted", "in_progress", "on_hold")
OPEN: tuple[Status, ...] = ("seeking", "waiting", *HELD)
URGENCIES: tuple[Urgency, ...] = (
    "ten_working_days",
    "five_working_days",
    "one_working_day",
    "same_day",
    "immediate",
)


class Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Refusal(Part):
    """Who did not take it, and why; `no_answer` when the clock ran out."""

    worker_id: str
    reason: str
    at: datetime


class Order(Part):
    """A person's decision who shall take it. `exceed` passes the hard cap and names two people."""

    worker_id: str
    reason: HandoverReason
    by: str
    confirmed_by: str | None = None
    limit: Limit = "hard"
    at: datetime


class Reach(Part):
    """Coded demographics, for counting only. `not_asked`, `not_known` and `declined` differ."""

    age_band: str = "not_known"
    gender: str = "not_known"
    ethnicity: str = "not_known"


class Allocation(Record):
    """One referral's way to a worker and on to its end. Its id is the referral's id.

    `decisions` are ids, the first decision first: a decision holds thirty workers' facts and never
    changes, so it is stored beside this record, not written again with every step of it.
    """

    subject_id: str
    agency_id: str
    area: str
    urgency: Urgency
    received_at: datetime
    due_at: datetime
    referral_version: int
    settings_avoided: tuple[Setting, ...] = ()
    needs: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    reach: Reach = Reach()
    assessment: Assessment
    policy_version: str
    level: RiskLevel
    weight: int = 1
    hub_id: str | None = None
    status: Status = "seeking"
    round: int = 0
    worker_id: str | None = None
    workers_before: tuple[str, ...] = ()
    decided_at: datetime | None = None
    answer_by: datetime | None = None
    offers: int = 0
    refusals: tuple[Refusal, ...] = ()
    order: Order | None = None
    exception: Order | None = None
    with_manager: bool = False
    waiting_since: datetime | None = None
    holder_id: str | None = None
    review_at: datetime | None = None
    escalate_at: datetime | None = None
    escalations: int = 0
    flags: tuple[str, ...] = ()
    allocated_at: datetime | None = None
    accepted_at: datetime | None = None
    started_at: datetime | None = None
    hold_reason: str | None = None
    closed_at: datetime | None = None
    closure: ClosureReason | None = None
    outcomes: tuple[GoalResult, ...] = ()
    debrief: Literal["offered", "held", "not_wanted"] | None = None
    decisions: tuple[str, ...] = ()
    # Whole numbers for the order of the queue: higher goes first.
    level_rank: int = 0
    urgency_rank: int = 0


def with_ranks(allocation: Allocation) -> Allocation:
    """The allocation with what the queue is sorted by."""
    return allocation.but(
        level_rank=LEVELS.index(allocation.level), urgency_rank=URGENCIES.index(allocation.urgency)
    )


def case_facts(
    allocation: Allocation, known_to: tuple[str, ...], related: tuple[str, ...]
) -> CaseFacts:
    """What a decision may know of this case."""
    return CaseFacts(
        referral_id=allocation.id,
        agency_id=allocation.agency_id,
        area=allocation.area,
        urgency=allocation.urgency,
        level=allocation.level,
        weight=allocation.weight,
        settings_avoided=allocation.settings_avoided,
        needs=allocation.needs,
        languages=allocation.languages,
        times=allocation.times,
        known_to=known_to,
        related=related,
        declined_by=tuple(sorted({refusal.worker_id for refusal in allocation.refusals})),
    )


def place(
    allocation: Allocation,
    decision: Decision,
    hub: Hub,
    *,
    round: int,
    flags: tuple[str, ...],
) -> Change[Allocation]:
    """The worker whose capacity is reserved for this round takes it over.

    Nothing changes if another placing, or the end of the case, came first.
    """
    seeking = allocation.status in ("seeking", "waiting")
    if allocation.round + 1 != round or not (seeking or _is_ordered(allocation, decision)):
        return unchanged(allocation)
    at, before = decision.at, allocation.worker_id
    at_once = decision.kind == "duty"
    answer_by = None if at_once else at + timedelta(minutes=hub.answer_minutes(allocation.urgency))
    status: Status = "accepted" if at_once else "handed_over" if before else "offered"
    after = allocation.but(
        status=status,
        round=round,
        worker_id=decision.worker_id,
        workers_before=(*allocation.workers_before, *([before] if before else [])),
        hub_id=hub.id,
        weight=decision.case.weight,
        decided_at=at,
        allocated_at=allocation.allocated_at or at,
        accepted_at=at if at_once else None,
        answer_by=answer_by,
        offers=allocation.offers + 1,
        with_manager=False,
        order=None,
        exception=None,
        waiting_since=None,
        review_at=None,
        escalate_at=None,
        holder_id=None,
        flags=flags,
        decisions=(*allocation.decisions, decision.id),
    )
    events: list[EventData] = []
    if before and allocation.order:
        events.append(
            AllocationHandedOver(
                **snapshot(after), from_worker_id=before, reason=allocation.order.reason
            )
        )
    events.append(AllocationMade.model_validate({**_decided(after), "answer_by": answer_by}))
    return Change(after, tuple(events), {**STOPPED, ANSWER_DUE: answer_by})


def wait(
    allocation: Allocation,
    decision: Decision | None,
    hub: Hub | None,
    *,
    at: datetime,
    escalate: EscalationReason | None = None,
    overtake: bool = False,
) -> Change[Allocation]:
    """Nobody can take it now: it waits, with a holder, a weekly review and an escalation clock.

    Nothing changes if it waits already, or has a worker. Waiting begins a round of its own, so
    that a reservation of a placing that came to nothing is a stray; `overtake` begins one more.
    """
    if allocation.status == "waiting" and overtake:
        after = allocation.but(round=allocation.round + 1)
        return Change(after, (_waiting(after, hub),))
    if allocation.status != "seeking":
        return unchanged(allocation)
    review_at = at + timedelta(days=hub.clocks.review_days if hub else 7)
    escalate_at = at + timedelta(days=hub.waiting_days(allocation.level) if hub else 1)
    after = allocation.but(
        status="waiting",
        round=allocation.round + 1,
        hub_id=hub.id if hub else None,
        worker_id=None,
        decided_at=at,
        waiting_since=at,
        holder_id=hub.duty_worker_id if hub else None,
        review_at=review_at,
        escalate_at=escalate_at,
        with_manager=escalate == "offers_exhausted",
        escalations=allocation.escalations + (escalate is not None),
        decisions=(*allocation.decisions, *([decision.id] if decision else [])),
    )
    events: list[EventData] = [_waiting(after, hub)]
    if escalate:
        events.append(AllocationEscalated(**snapshot(after), reason=escalate, waiting_since=at))
    due = {**STOPPED, REVIEW_DUE: review_at, ESCALATE_DUE: escalate_at}
    return Change(after, tuple(events), due)


def snapshot(allocation: Allocation) -> dict[str, Any]:
    """What every event of an allocation says of where it stands."""
    return {
        "referral_id": allocation.id,
        "subject_id": allocation.subject_id,
        "agency_id": allocation.agency_id,
        "hub_id": allocation.hub_id,
        "worker_id": allocation.worker_id,
        "status": allocation.status,
        "level": allocation.level,
        "urgency": allocation.urgency,
    }


def _is_ordered(allocation: Allocation, decision: Decision) -> bool:
    order = allocation.order
    return (
        order is not None and decision.ordered == order.worker_id and allocation.status != "closed"
    )


def _waiting(allocation: Allocation, hub: Hub | None) -> AllocationWaiting:
    return AllocationWaiting.model_validate(
        {
            **_decided(allocation),
            "reason": "no_candidate" if hub else "no_hub_for_area",
            "holder_id": allocation.holder_id,
            "review_at": allocation.review_at,
        }
    )


def _decided(allocation: Allocation) -> dict[str, Any]:
    return {
        **snapshot(allocation),
        "due_at": allocation.due_at,
        "decided_at": allocation.decided_at,
        "policy_version": allocation.policy_version,
        "referral_version": allocation.referral_version,
        "flags": allocation.flags,
    }
