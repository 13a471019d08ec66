"""Messages in: what allocation decided."""

from typing import Literal

from services.referral.domain import follow_allocation
from services.referral.store import Desk
from shared.dispatch import Handlers
from shared.events import Event
from shared.events.allocation import AllocationMade, AllocationWaiting
from shared.origin import Origin


def handlers(desk: Desk) -> Handlers:
    """Queue → event type → handler."""

    async def follow(
        event: Event[AllocationMade] | Event[AllocationWaiting],
        status: Literal["waiting", "allocated"],
    ) -> None:
        await desk.referrals.change(
            event.data.referral_id,
            lambda referral: follow_allocation(referral, status, event.version),
            by=Origin.of_event("referral", event),
        )

    async def on_allocation_made(event: Event[AllocationMade]) -> None:
        await follow(event, "allocated")

    async def on_allocation_waiting(event: Event[AllocationWaiting]) -> None:
        await follow(event, "waiting")

    return {
        "referral.allocations": {
            "allocation.made": on_allocation_made,
            "allocation.waiting": on_allocation_waiting,
        }
    }
