"""Messages in: a referral arrives and finds its worker."""

from services.allocation.domain.choice import choose, decide
from services.allocation.domain.records import Candidate, Hub, release, reserve
from services.allocation.domain.risk import Assessment, assess
from services.allocation.store import Desk
from shared.clock import now
from shared.dispatch import Handlers
from shared.errors import AlreadyThere, NotFound, Refused
from shared.events import Event
from shared.events.referral import ReferralReceived
from shared.faults import point
from shared.origin import Origin


def handlers(desk: Desk) -> Handlers:
    """Queue → event type → handler."""

    async def on_referral_received(event: Event[ReferralReceived]) -> None:
        try:
            await desk.allocations.get(event.data.referral_id)
        except NotFound:
            await allocate(desk, event)
        # Two copies of the event may have reserved with two workers; one allocation stands.
        await release_strays(desk, event)

    return {"allocation.referrals": {"referral.received": on_referral_received}}


async def allocate(desk: Desk, event: Event[ReferralReceived]) -> None:
    """Reserve capacity, then store the decision. Safe to repeat from any point.

    These are two writes. A crash between them leaves a reservation without an allocation; the
    event comes again, finds who holds it, and finishes with that worker.
    """
    referral, by = event.data, Origin.of_event("allocation", event)
    assessment = assess(referral.concerns, referral.urgency, desk.policy)
    hub = await desk.hub_for(referral.area)
    candidates: tuple[Candidate, ...] = ()
    worker_id = None
    if hub is not None:
        worker_id, candidates = await _reserve(desk, event, hub, assessment, by)
    point("allocate.after_reservation")
    allocation, *events = decide(event, assessment, hub, candidates, worker_id=worker_id, at=now())
    try:
        await desk.allocations.add(allocation, *events, by=by)
    except AlreadyThere:
        return  # the other copy of this event was faster; strays are released by the caller


async def _reserve(
    desk: Desk, event: Event[ReferralReceived], hub: Hub, assessment: Assessment, by: Origin
) -> tuple[str | None, tuple[Candidate, ...]]:
    referral, weight = event.data, hub.weight(assessment.level)
    workers = await desk.candidates(hub, referral.area)
    candidates = choose(referral, assessment.level, hub, workers)
    held = await desk.holders(referral.referral_id)
    if held:
        return held[0].id, candidates
    for candidate in candidates:
        if not candidate.passed:
            break
        try:
            await desk.workers.change(
                candidate.worker_id, lambda w: reserve(w, referral.referral_id, weight), by=by
            )
            return candidate.worker_id, candidates
        except Refused:
            continue  # filled up since we looked: the next best
    return None, candidates


async def release_strays(desk: Desk, event: Event[ReferralReceived]) -> None:
    """Whoever holds capacity for this referral but isn't its worker gives it back."""
    allocation = await desk.allocations.get(event.data.referral_id)
    for worker in await desk.holders(allocation.id):
        if worker.id != allocation.worker_id:
            by = Origin.of_event("allocation", event)
            await desk.workers.change(worker.id, lambda w: release(w, allocation.id), by=by)
