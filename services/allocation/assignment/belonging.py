"""Which Hub a case goes to."""

from services.allocation.hubs.hub import Hub
from services.allocation.records import Allocation
from services.allocation.store import Stores


async def hub_of(stores: Stores, allocation: Allocation) -> Hub | None:
    """That of its area, unless another one took it over: then that, whatever its area is."""
    if allocation.transfers:
        return await stores.hub(allocation.hub_id)
    return await stores.hub_for(allocation.area)
