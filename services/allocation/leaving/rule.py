"""A worker has left the Hub, or is back. Pure."""

from datetime import datetime, timedelta

from services.allocation.hubs.hub import Hub
from services.allocation.records import HELD, Allocation, snapshot
from services.allocation.safety.rule import take_away
from shared.events.allocation import AllocationEscalated
from shared.events.unsafe import AllocationTakenUp
from shared.storage.records import Change, unchanged

# The flag of a case whose worker has left, and who is named until a Hub manager hands it over.
LEFT = "worker_left"
UNANSWERED = ("offered", "handed_over")


def leave_behind(
    allocation: Allocation, worker_id: str, hub: Hub | None, at: datetime
) -> Change[Allocation]:
    """The worker has left. What they had not accepted goes to the next worker at once. What they had
    is the Hub managers' from now on: they are told, and again, until it is handed over or closed.

    Nothing changes if it went on already, or was left behind before.
    """
    if allocation.worker_id != worker_id or allocation.status not in HELD:
        return unchanged(allocation)
    if allocation.status in UNANSWERED:
        return take_away(allocation, worker_id, "left")
    if LEFT in allocation.flags:
        return unchanged(allocation)
    after = allocation.but(
        flags=(*allocation.flags, LEFT),
        escalate_at=again_at(allocation, hub, at),
        escalations=allocation.escalations + 1,
    )
    return Change(after, (AllocationEscalated(**snapshot(after), reason="worker_left"),))


def take_up_again(allocation: Allocation, worker_id: str) -> Change[Allocation]:
    """The worker is back, and goes on with what nobody was given meanwhile."""
    if allocation.worker_id != worker_id or LEFT not in allocation.flags:
        return unchanged(allocation)
    flags = tuple(flag for flag in allocation.flags if flag != LEFT)
    after = allocation.but(flags=flags, escalate_at=None, overdue_since=None)
    return Change(after, (AllocationTakenUp(**snapshot(after)),))


def still_left(allocation: Allocation, hub: Hub | None, at: datetime) -> Change[Allocation]:
    """Nobody has handed it over in time: the Hub's managers are told, and again after the same time."""
    due = allocation.escalate_at
    if allocation.status not in HELD or LEFT not in allocation.flags or due is None or due > at:
        return unchanged(allocation)
    after = allocation.but(
        escalate_at=again_at(allocation, hub, at),
        escalations=allocation.escalations + 1,
        overdue_since=allocation.overdue_since or at,
    )
    return Change(after, (AllocationEscalated(**snapshot(after), reason="worker_left"),))


def again_at(allocation: Allocation, hub: Hub | None, at: datetime) -> datetime:
    """When the managers are told again: after as long as a case of this level may wait for a worker."""
    return at + timedelta(days=hub.waiting_days(allocation.level) if hub else 1)
