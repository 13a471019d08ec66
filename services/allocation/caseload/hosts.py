"""The agencies that a worker may sit with: those that are registered, as the referral service says."""

from services.allocation.store import Stores
from shared.events import Event
from shared.events.agency import AgencyAmended, AgencyRegistered
from shared.origin import Origin


async def keep_agency(
    stores: Stores, event: Event[AgencyRegistered | AgencyAmended], by: Origin
) -> None:
    """There is such an agency: no more than its id is kept."""
    await stores.agencies.keep(event.data.agency_id, event.version, {})
