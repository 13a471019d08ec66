"""What a referral makes of the events of its case: there it is held, resumed, begun and closed. Pure."""

from services.referral.goals.rule import close_with_case
from services.referral.lifecycle.states import follow_allocation
from services.referral.records import Referral
from shared.events import Event
from shared.events.allocation import (
    AllocationAccepted,
    AllocationDeclined,
    AllocationLapsed,
    AllocationMade,
    AllocationWaiting,
)
from shared.events.casework import (
    AllocationClosed,
    AllocationHandedOver,
    AllocationHeld,
    AllocationRelevelled,
    AllocationResumed,
    AllocationStarted,
)
from shared.events.codes import ClosureOutcome, ReferralStatus
from shared.events.unsafe import AllocationHolderChanged, AllocationTakenAway
from shared.storage.records import Change, in_turn

OfAllocation = (
    AllocationMade
    | AllocationWaiting
    | AllocationAccepted
    | AllocationDeclined
    | AllocationLapsed
    | AllocationTakenAway
    | AllocationHolderChanged
    | AllocationStarted
    | AllocationHeld
    | AllocationResumed
    | AllocationHandedOver
    | AllocationRelevelled
    | AllocationClosed
)

STATUS_OF: dict[str, ReferralStatus] = {
    "waiting": "waiting",
    "offered": "allocated",
    "handed_over": "allocated",
    "accepted": "allocated",
    "in_progress": "in_progress",
    "on_hold": "on_hold",
    "closed": "closed",
}


def stands(said: OfAllocation) -> ReferralStatus | None:
    """The state of a referral whose case stands so; None between two workers."""
    if isinstance(said, AllocationMade):
        return "allocated"
    if isinstance(said, AllocationWaiting | AllocationTakenAway):
        return "waiting"
    return STATUS_OF.get(said.status)


def follow(referral: Referral, event: Event[OfAllocation]) -> Change[Referral]:
    """The referral after an event of its case that says how it stands; its goals end with the case."""
    said = event.data
    if isinstance(said, AllocationClosed):
        return in_turn(
            referral,
            lambda r: _follow(r, event),
            lambda r: close_with_case(r, said.outcomes, event.time),
        )
    return _follow(referral, event)


def _follow(referral: Referral, event: Event[OfAllocation]) -> Change[Referral]:
    said = event.data
    return follow_allocation(
        referral,
        stands(said) or referral.status,
        event.version,
        event.time,
        hub_id=said.hub_id,
        worker_id=None if isinstance(said, AllocationWaiting) else said.worker_id,
        holder_id=getattr(said, "holder_id", None),
        level=said.level,
        outcome=outcome_of(said) if isinstance(said, AllocationClosed) else None,
        reopenings=said.reopenings,
        transfers=said.transfers,
    )


def outcome_of(closed: AllocationClosed) -> ClosureOutcome:
    """The outcome of a referral from how its case was closed and which goals were reached."""
    if closed.reason == "transferred":
        return "transferred"
    reached = {goal.outcome for goal in closed.outcomes} - {"not_pursued"}
    if closed.reason != "completed" or not reached:
        return "other"
    if reached == {"achieved"}:
        return "goals_achieved"
    return "goals_partly_achieved" if reached - {"not_achieved"} else "goals_not_achieved"
