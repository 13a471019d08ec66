"""The agencies that a worker may sit with, and that may look into the directory: those that are
registered, as the referral service says."""

from services.allocation.store import Stores
from shared.events import Event
from shared.events.agency import AgencyAmended, AgencyRegistered
from shared.origin import Origin


async def keep_agency(
    stores: Stores, event: Event[AgencyRegistered | AgencyAmended], by: Origin
) -> None:
    """There is such an agency: no more is kept than its id, and whether it is active."""
    known = {"active": event.data.active}
    await stores.agencies.keep(event.data.agency_id, event.version, known)
