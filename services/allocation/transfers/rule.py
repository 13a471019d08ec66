"""The case of the Hub before ends, and the one of the new Hub begins, in one record. Pure."""

from datetime import datetime

from services.allocation.assignment.referral_sync import ENDED
from services.allocation.casework.transitions import close
from services.allocation.hubs.hub import Hub
from services.allocation.records import (
    MAX_CLOSINGS,
    NOTHING_PENDING,
    Allocation,
    Closing,
    snapshot,
    with_ranks,
)
from services.allocation.risk.policy import RiskPolicy
from services.allocation.risk.subject import Subject, respond
from shared.events import Event
from shared.events.casework import AllocationAmended, AllocationClosed
from shared.events.transfer import ReferralTransferred
from shared.storage.records import Change, unchanged


def follow_transfer(
    allocation: Allocation,
    event: Event[ReferralTransferred],
    hub: Hub,
    subject: Subject,
    policy: RiskPolicy,
) -> Change[Allocation]:
    """The case as the new Hub's: without a worker, to be placed like any other. What the Hub before
    did is kept as an end of its own, and is not the next one's to see. Older news changes nothing.

    A referral that has ended since stays ended: only whose it was follows.
    """
    said = event.data
    if said.transfers <= allocation.transfers:
        return unchanged(allocation)
    newer = event.version > allocation.status_version
    ended = not newer and allocation.referral_status in ENDED
    left = close(allocation, "transferred", (), None, said.transferred_at, by_hand=False)
    gone = allocation.but(closed_with=None, debrief=None)
    known = gone if ended else _begun(left.after, said.transferred_at)
    status = {"status_version": event.version, "referral_status": "accepted"} if newer else {}
    level = respond(subject, allocation.urgency, policy)
    after = known.but(
        **status,
        reopenings=max(allocation.reopenings, said.reopenings),
        transfers=said.transfers,
        hub_id=hub.id,
        level=level,
        weight=hub.weight(level),
        workers_before=(),
        decisions=(),
        closings=_closings(allocation, said.from_hub_id, said.transferred_at),
    )
    closed = () if ended else tuple(e for e in left.events if isinstance(e, AllocationClosed))
    begun = AllocationAmended(**snapshot(after), referral_version=after.referral_version)
    return Change(with_ranks(after), (*closed, begun))


def _begun(closed: Allocation, at: datetime) -> Allocation:
    return closed.but(
        **NOTHING_PENDING,
        **dict.fromkeys(("holder_id", "decided_at", "allocated_at", "accepted_at")),
        **dict.fromkeys(("first_accepted_at", "started_at", "hold_reason", "held_from")),
        **dict.fromkeys(("closed_at", "closed_with", "closure", "debrief")),
        status="seeking",
        received_at=at,
        outcomes=(),
        refusals=(),
        flags=(),
        offers=0,
        with_manager=False,
    )


def _closings(allocation: Allocation, hub_id: str, at: datetime) -> tuple[Closing, ...]:
    """All ends so far, those of the Hub before as its own."""
    worker_id = allocation.worker_id
    before = [
        c if c.hub_id else c.model_copy(update={"hub_id": hub_id}) for c in allocation.closings
    ]
    last = Closing(
        closed_at=allocation.closed_at or at,
        closure=allocation.closure or "transferred",
        outcomes=allocation.outcomes,
        hub_id=hub_id,
        received_at=allocation.received_at,
        allocated_at=allocation.allocated_at,
        accepted_at=allocation.first_accepted_at or allocation.accepted_at,
        workers=(*allocation.workers_before, *([worker_id] if worker_id else [])),
        decisions=allocation.decisions,
    )
    return (*before, last)[-MAX_CLOSINGS:]
