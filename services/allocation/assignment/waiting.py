"""Waiting is a governed state: someone holds it, looks weekly, and is reminded. Pure.

Unallocated cases: weekly review, and escalation after two weeks (cumberlandcs.trixonline.co.uk)
or four (walsallchildcare.proceduresonline.com); here by level, as the Hub's policy says.
"""

from datetime import datetime, timedelta

from services.allocation.hubs.hub import Hub, to_begin_by
from services.allocation.records import Allocation, snapshot
from shared.errors import Refused
from shared.events.allocation import AllocationEscalated
from shared.events.casework import AllocationReviewed
from shared.events.codes import EscalationReason
from shared.storage.records import Change, unchanged

# Level first, then urgency, then the longest waiting; the id only makes it an order.
QUEUE_ORDER = (("level_rank", -1), ("urgency_rank", -1), ("waiting_since", 1), ("_id", 1))


def review(allocation: Allocation, by: str, hub: Hub | None, at: datetime) -> Change[Allocation]:
    """A person has looked at a waiting or resting case; the next look is due from here."""
    if allocation.status not in ("waiting", "on_hold"):
        raise Refused("nothing_to_review", "Only a waiting case, or one on hold, is reviewed.")
    review_at = at + timedelta(days=_review_days(allocation, hub))
    after = allocation.but(review_at=review_at, overdue_since=None)
    event = AllocationReviewed(**snapshot(after), by=by, review_at=review_at)
    return Change(after, (event,))


def review_missed(allocation: Allocation, hub: Hub | None, at: datetime) -> Change[Allocation]:
    """Nobody has looked in time, or begun: the Hub manager is told, and again after the same time."""
    missed = allocation.review_at is not None and allocation.review_at <= at
    if allocation.status not in ("waiting", "on_hold", "accepted") or not missed:
        return unchanged(allocation)
    begins = allocation.status == "accepted"
    days = timedelta(days=_review_days(allocation, hub))
    review_at = to_begin_by(hub, allocation.level, at) if begins else at + days
    after = allocation.but(
        review_at=review_at,
        escalations=allocation.escalations + 1,
        overdue_since=allocation.overdue_since or at,
    )
    reason: EscalationReason = "not_begun" if begins else "review_missed"
    event = AllocationEscalated(**snapshot(after), reason=reason, waiting_since=after.waiting_since)
    return Change(after, (event,))


def escalate(allocation: Allocation, hub: Hub | None, at: datetime) -> Change[Allocation]:
    """It has waited too long: the Hub manager is told, and again after the same time."""
    due = allocation.escalate_at
    if allocation.status != "waiting" or due is None or due > at:
        return unchanged(allocation)
    again = at + timedelta(days=hub.waiting_days(allocation.level) if hub else 1)
    after = allocation.but(
        escalations=allocation.escalations + 1,
        escalate_at=again,
        overdue_since=allocation.overdue_since or at,
    )
    event = AllocationEscalated(
        **snapshot(after), reason="waiting_too_long", waiting_since=after.waiting_since
    )
    return Change(after, (event,))


def _review_days(allocation: Allocation, hub: Hub | None) -> int:
    if hub is None:
        return 7
    resting = allocation.status == "on_hold"
    return hub.clocks.hold_review_days if resting else hub.clocks.review_days
