"""From the offer to the end: what workers and managers may do with an allocation. Pure.

Reasons are codes: free text about a young person belongs to the referral service.
"""

from datetime import datetime, timedelta
from typing import Literal

from services.allocation.assignment.rule import wait
from services.allocation.hubs.hub import Hub, to_begin_by
from services.allocation.records import (
    HELD,
    NOTHING_PENDING,
    OPEN,
    Allocation,
    Refusal,
    Status,
    snapshot,
    with_ranks,
)
from services.allocation.risk.policy import LEVELS
from shared.errors import Refused
from shared.events import EventData
from shared.events.allocation import (
    AllocationAccepted,
    AllocationDeclined,
    AllocationEscalated,
    AllocationLapsed,
)
from shared.events.casework import (
    AllocationClosed,
    AllocationHeld,
    AllocationRelevelled,
    AllocationResumed,
    AllocationStarted,
    DebriefOffered,
    DebriefSettled,
    GoalResult,
)
from shared.events.codes import ClosureReason, DeclineReason, HoldReason, RiskLevel
from shared.storage.records import Change, unchanged


def accept(
    allocation: Allocation, worker_id: str, at: datetime, hub: Hub | None = None
) -> Change[Allocation]:
    """The worker says yes, and a clock runs until work begins. Twice is once; an offer that lapsed or
    went on can't be accepted."""
    theirs(allocation, worker_id)
    if allocation.status in ("accepted", "in_progress", "on_hold"):
        return unchanged(allocation)
    first = allocation.first_accepted_at or at
    after = allocation.but(
        status="accepted",
        accepted_at=at,
        first_accepted_at=first,
        answer_by=None,
        review_at=to_begin_by(hub, allocation.level, at),
    )
    return Change(after, (AllocationAccepted(**snapshot(after)),))


def decline(
    allocation: Allocation, worker_id: str, reason: DeclineReason, hub: Hub, at: datetime
) -> Change[Allocation]:
    """The worker says no; the next candidate is looked for, or the Hub manager is told."""
    if allocation.worker_id != worker_id and any(
        refusal.worker_id == worker_id for refusal in allocation.refusals
    ):
        return unchanged(allocation)
    theirs(allocation, worker_id)
    if allocation.status not in ("offered", "handed_over"):
        raise Refused("already_accepted", "It was accepted; ask your Hub manager to hand it over.")
    after = _given_up(allocation, reason, at)
    event = AllocationDeclined(**snapshot(after), declined_by=worker_id, reason=reason)
    return _next(after, event, hub, at)


def lapse(allocation: Allocation, hub: Hub, at: datetime) -> Change[Allocation]:
    """The clock ran out without an answer. Nothing changes if there was one meanwhile."""
    late = allocation.answer_by is not None and allocation.answer_by <= at
    if allocation.status not in ("offered", "handed_over") or not late:
        return unchanged(allocation)
    after = _given_up(allocation, "no_answer", at)
    event = AllocationLapsed(**snapshot(after), lapsed_with=allocation.worker_id or "")
    return _next(after, event, hub, at)


def start(allocation: Allocation, worker_id: str, at: datetime) -> Change[Allocation]:
    """Direct work has begun."""
    theirs(allocation, worker_id)
    if allocation.status == "in_progress":
        return unchanged(allocation)
    _only_from(allocation, "accepted")
    began = allocation.started_at or at
    after = allocation.but(
        status="in_progress", started_at=began, review_at=None, overdue_since=None
    )
    return Change(after, (AllocationStarted(**snapshot(after)),))


def hold(
    allocation: Allocation, worker_id: str | None, reason: HoldReason, hub: Hub, at: datetime
) -> Change[Allocation]:
    """Work rests; the capacity stays reserved, and a review clock runs. `worker_id` None: a manager
    of the Hub does it."""
    if worker_id is not None:
        theirs(allocation, worker_id)
    if allocation.status == "on_hold" and allocation.hold_reason == reason:
        return unchanged(allocation)
    _only_from(allocation, "in_progress", "accepted")
    review_at = at + timedelta(days=hub.clocks.hold_review_days)
    before = allocation.held_from if allocation.status == "on_hold" else allocation.status
    after = allocation.but(
        status="on_hold",
        hold_reason=reason,
        held_from=before,
        review_at=review_at,
        overdue_since=None,
    )
    event = AllocationHeld(**snapshot(after), reason=reason, review_at=review_at)
    return Change(after, (event,))


def resume(allocation: Allocation, worker_id: str | None) -> Change[Allocation]:
    """It goes on from where it was held: what had not begun begins with `start`. `worker_id` None:
    a manager of the Hub does it."""
    if worker_id is not None:
        theirs(allocation, worker_id)
    if allocation.status == "in_progress":
        return unchanged(allocation)
    _only_from(allocation, "on_hold")
    status = allocation.held_from or "in_progress"
    # What has not begun has a clock still: the one under which it rested.
    review_at = allocation.review_at if status == "accepted" else None
    after = allocation.but(
        status=status, hold_reason=None, held_from=None, review_at=review_at, overdue_since=None
    )
    return Change(after, (AllocationResumed(**snapshot(after)),))


def close(
    allocation: Allocation,
    reason: ClosureReason,
    outcomes: tuple[GoalResult, ...],
    hub: Hub | None,
    at: datetime,
    *,
    by_hand: bool = True,
) -> Change[Allocation]:
    """The end, from any open state; a second closing changes nothing.

    A person who closes completed work (`by_hand`) has to give outcomes; what no worker has accepted
    is not completed.
    """
    if allocation.status == "closed":
        return unchanged(allocation)
    if reason == "completed" and by_hand:
        _only_from(allocation, "accepted", "in_progress", "on_hold")
    if reason == "completed" and not outcomes and by_hand:
        raise Refused("outcomes_needed", "A completed case has an outcome for each of its goals.")
    last = allocation.worker_id
    offer = last is not None and _is_high(allocation.level, hub)
    after = allocation.but(
        **NOTHING_PENDING,
        status="closed",
        # An assignment under way must not take over a closed case: its round is past now.
        round=allocation.round + 1,
        worker_id=None,
        workers_before=(*allocation.workers_before, *([last] if last else [])),
        **{"closed_at": at, "closed_with": last},
        closure=reason,
        outcomes=outcomes,
        debrief="offered" if offer else None,
    )
    events: list[EventData] = [
        AllocationClosed(**snapshot(after), reason=reason, outcomes=outcomes, last_worker_id=last)
    ]
    if offer and last:
        events.append(DebriefOffered(**snapshot(after), to_worker_id=last))
    return Change(after, tuple(events))


def note_debrief_outcome(
    allocation: Allocation, worker_id: str, outcome: Literal["held", "not_wanted"]
) -> Change[Allocation]:
    """Whether it took place; there is no field for what was said, on purpose."""
    if allocation.workers_before[-1:] != (worker_id,) or allocation.debrief is None:
        raise Refused("no_debrief_offered", "No debrief was offered to you for this case.")
    if allocation.debrief == outcome:
        return unchanged(allocation)
    after = allocation.but(debrief=outcome)
    return Change(after, (DebriefSettled(**snapshot(after), outcome=outcome),))


def relevel(
    allocation: Allocation, level: RiskLevel, hub: Hub | None, worker_may: bool
) -> Change[Allocation]:
    """The young person's level has changed; a closed case, or the same level, stays as it is.

    A reserved weight stays until the next assignment. When the level rises with a worker on the
    case, the Hub manager is told, all the more where the worker's role may not take that level.
    """
    if allocation.status not in OPEN or allocation.level == level:
        return unchanged(allocation)
    held = allocation.status in HELD
    weight = allocation.weight if held or hub is None else hub.weight(level)
    after = with_ranks(allocation.but(level=level, weight=weight))
    events: list[EventData] = [AllocationRelevelled(**snapshot(after), from_level=allocation.level)]
    if held and LEVELS.index(level) > LEVELS.index(allocation.level):
        reason: Literal["risk_rose", "above_ceiling"] = (
            "risk_rose" if worker_may else "above_ceiling"
        )
        events.append(AllocationEscalated(**snapshot(after), reason=reason))
    return Change(after, tuple(events))


def _given_up(allocation: Allocation, reason: str, at: datetime) -> Allocation:
    worker_id = allocation.worker_id or ""
    return allocation.but(
        status="seeking",
        worker_id=None,
        answer_by=None,
        workers_before=(*allocation.workers_before, worker_id),
        refusals=(*allocation.refusals, Refusal(worker_id=worker_id, reason=reason, at=at)),
    )


def _next(after: Allocation, event: EventData, hub: Hub, at: datetime) -> Change[Allocation]:
    if after.offers < hub.clocks.max_offers:
        return Change(after, (event,))
    waits = wait(after, None, hub, at=at, escalate="offers_exhausted")
    return Change(waits.after, (event, *waits.events))


def _is_high(level: RiskLevel, hub: Hub | None) -> bool:
    from_level = hub.debrief_from if hub else LEVELS[-1]
    return LEVELS.index(level) >= LEVELS.index(from_level)


def theirs(allocation: Allocation, worker_id: str) -> None:
    """Returns if the case is with this worker now. Raises `Refused`: they may have had it."""
    if allocation.worker_id != worker_id:
        raise Refused("not_yours", "This case is not, or no longer, yours.")


def _only_from(allocation: Allocation, *states: Status) -> None:
    if allocation.status not in states:
        raise Refused("wrong_state", "The case is in another state.", status=allocation.status)
