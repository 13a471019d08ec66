"""Messages in: what allocation decided; and our own referrals, to look whom they may be about."""

from services.referral.domain.referrals import suspect_match
from services.referral.domain.states import follow_allocation
from services.referral.intake import possible_matches
from services.referral.store import Desk
from shared.dispatch import Handlers
from shared.events import Event
from shared.events.allocation import (
    AllocationAccepted,
    AllocationClosed,
    AllocationDeclined,
    AllocationHandedOver,
    AllocationHeld,
    AllocationLapsed,
    AllocationMade,
    AllocationRelevelled,
    AllocationResumed,
    AllocationStarted,
    AllocationWaiting,
)
from shared.events.codes import ClosureOutcome, ReferralStatus
from shared.events.referral import ReferralReceived
from shared.origin import Origin

AllocationMoved = (
    AllocationAccepted
    | AllocationDeclined
    | AllocationLapsed
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


def handlers(desk: Desk) -> Handlers:
    """Queue → event type → handler."""

    async def on_allocation_made(event: Event[AllocationMade]) -> None:
        made = event.data
        await desk.referrals.change(
            made.referral_id,
            lambda referral: follow_allocation(
                referral,
                "allocated",
                event.version,
                event.time,
                hub_id=made.hub_id,
                worker_id=made.worker_id,
                level=made.level,
            ),
            by=Origin.of_event("referral", event),
        )

    async def on_allocation_waiting(event: Event[AllocationWaiting]) -> None:
        waits = event.data
        await desk.referrals.change(
            waits.referral_id,
            lambda referral: follow_allocation(
                referral,
                "waiting",
                event.version,
                event.time,
                hub_id=waits.hub_id,
                worker_id=None,
                level=waits.level,
            ),
            by=Origin.of_event("referral", event),
        )

    async def on_allocation_moved(event: Event[AllocationMoved]) -> None:
        """Everything that happens to an allocation after it was made."""
        data = event.data
        status = STATUS_OF.get(data.status)
        if status is None:
            return  # between two workers: the next decision follows
        await desk.referrals.change(
            data.referral_id,
            lambda referral: follow_allocation(
                referral,
                status,
                event.version,
                event.time,
                hub_id=data.hub_id,
                worker_id=data.worker_id,
                level=data.level,
                outcome=outcome_of(data) if isinstance(data, AllocationClosed) else None,
            ),
            by=Origin.of_event("referral", event),
        )

    async def on_referral_received(event: Event[ReferralReceived]) -> None:
        # Two that came at once find each other: each is stored before its own event.
        referral = await desk.referrals.get(event.data.referral_id)
        others = [found.referral.id for found in await possible_matches(desk, referral)]
        await desk.referrals.change(
            referral.id,
            lambda known: suspect_match(known, others),
            by=Origin.of_event("referral", event),
        )

    moved = "accepted declined lapsed started held resumed handed_over relevelled closed".split()
    return {
        "referral.allocations": {
            "allocation.made": on_allocation_made,
            "allocation.waiting": on_allocation_waiting,
            **{f"allocation.{name}": on_allocation_moved for name in moved},
        },
        "referral.matching": {"referral.received": on_referral_received},
    }


def outcome_of(closed: AllocationClosed) -> ClosureOutcome:
    """The outcome of a referral from how its case was closed and which goals were reached."""
    if closed.reason == "transferred":
        return "transferred"
    reached = {goal.outcome for goal in closed.outcomes}
    if closed.reason != "completed" or not reached:
        return "other"
    if reached == {"achieved"}:
        return "goals_achieved"
    return "goals_partly_achieved" if reached - {"not_achieved"} else "goals_not_achieved"
