"""Messages in: what allocation decided."""

from services.referral.domain.states import follow_allocation
from services.referral.store import Desk
from shared.dispatch import Handlers
from shared.events import Event
from shared.events.allocation import AllocationMade, AllocationWaiting
from shared.origin import Origin


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

    return {
        "referral.allocations": {
            "allocation.made": on_allocation_made,
            "allocation.waiting": on_allocation_waiting,
        }
    }
