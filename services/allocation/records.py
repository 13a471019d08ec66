"""The record of an allocation: one referral's way to a worker and on to its end. Pure.

Each assignment has a round. Capacity is reserved for round n + 1 before the allocation of round n
takes it over, so whatever is reserved for an older round, or for the same round with somebody
else, is a stray that may be given back at any time.
"""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from services.allocation.caseload.capacity import Limit
from services.allocation.risk.policy import LEVELS
from services.allocation.risk.score import Assessment
from shared.events.casework import GoalResult
from shared.events.codes import (
    ClosureReason,
    HandoverReason,
    ReferralStatus,
    RiskLevel,
    Setting,
    Urgency,
)
from shared.storage.records import Record

ANSWER_DUE, REVIEW_DUE, ESCALATE_DUE = "answer_due", "review_due", "escalate_due"

# An allocation that waits for nobody: no order, no answer, no review.
NOTHING_PENDING: dict[str, None] = dict.fromkeys(
    (
        *("order", "exception", "waiting_since", "answer_by", "review_at", "escalate_at"),
        "overdue_since",
    )
)

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


# Of a referral that is reopened ever again, so many ends are remembered.
MAX_CLOSINGS = 50


class Closing(Part):
    """An end that was not the last one: the referral was reopened after it."""

    closed_at: datetime
    closure: ClosureReason
    outcomes: tuple[GoalResult, ...] = ()
    # Of a case that went to another Hub: what the Hub before did, which is not the next one's to see.
    hub_id: str | None = None
    received_at: datetime | None = None
    allocated_at: datetime | None = None
    accepted_at: datetime | None = None
    workers: tuple[str, ...] = ()
    decisions: tuple[str, ...] = ()


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
    # The newest snapshot and the newest status known here: two sources, each with its version.
    referral_version: int
    status_version: int = 0
    referral_status: ReferralStatus | None = None
    reopenings: int = 0
    # How often it went to another Hub: from then on it is that Hub's, whichever serves its area.
    transfers: int = 0
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
    # The desks that were called to it while it waits.
    called: tuple[str, ...] = ()
    review_at: datetime | None = None
    escalate_at: datetime | None = None
    escalations: int = 0
    # When a clock ran out first, while nobody has taken the step since.
    overdue_since: datetime | None = None
    flags: tuple[str, ...] = ()
    allocated_at: datetime | None = None
    accepted_at: datetime | None = None
    # The first of all, whoever said it: what a quarter counted stays counted.
    first_accepted_at: datetime | None = None
    started_at: datetime | None = None
    hold_reason: str | None = None
    held_from: Literal["accepted", "in_progress"] | None = None
    closed_at: datetime | None = None
    # Who had it at its end.
    closed_with: str | None = None
    closure: ClosureReason | None = None
    outcomes: tuple[GoalResult, ...] = ()
    closings: tuple[Closing, ...] = ()
    debrief: Literal["offered", "held", "not_wanted"] | None = None
    decisions: tuple[str, ...] = ()
    # Whole numbers for the order of the queue: higher goes first.
    level_rank: int = 0
    urgency_rank: int = 0

    def timers(self) -> dict[str, datetime | None]:
        return {
            ANSWER_DUE: self.answer_by,
            REVIEW_DUE: self.review_at,
            ESCALATE_DUE: self.escalate_at,
        }


def with_ranks(allocation: Allocation) -> Allocation:
    """The allocation with what the queue is sorted by."""
    return allocation.but(
        level_rank=LEVELS.index(allocation.level), urgency_rank=URGENCIES.index(allocation.urgency)
    )


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
        "reopenings": allocation.reopenings,
        "transfers": allocation.transfers,
    }
