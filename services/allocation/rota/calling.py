"""A desk that covers hears of what waits while nobody of the Hub is on duty. Safe to repeat."""

from services.allocation.hubs.hub import Hub
from services.allocation.records import Allocation, snapshot
from services.allocation.rota.standing import duty_at
from services.allocation.store import Stores
from shared.events.unsafe import AllocationCoverCalled
from shared.origin import Origin
from shared.storage.records import Change, unchanged


async def call_cover(stores: Stores, allocation: Allocation, by: Origin) -> None:
    """The desk of this moment is called to this case, if it waits and nobody holds it."""
    hub = await stores.hub(allocation.hub_id)
    if hub is None or not _waits_for_a_desk(allocation):
        return
    unsafe = await stores.marks.unsafe_for(allocation.subject_id)
    desk = (await duty_at(stores, hub)).desk(unsafe)
    await stores.allocations.change(allocation.id, lambda a: called(a, desk), by=by)


async def call_cover_to_all(stores: Stores, hub: Hub, by: Origin) -> None:
    """The desk of this moment is called to all that waits at the Hub and nobody holds."""
    desk = (await duty_at(stores, hub)).desk()
    for allocation in await stores.uncalled(hub, desk) if desk else ():
        await call_cover(stores, allocation, by)


def called(allocation: Allocation, desk: str | None) -> Change[Allocation]:
    """Each desk once while a case waits: the Hub's managers hold it all the time."""
    if desk is None or desk in allocation.called or not _waits_for_a_desk(allocation):
        return unchanged(allocation)
    after = allocation.but(called=(*allocation.called, desk))
    return Change(after, (AllocationCoverCalled(**snapshot(after), cover=desk),))


def _waits_for_a_desk(allocation: Allocation) -> bool:
    return allocation.status == "waiting" and allocation.holder_id is None
