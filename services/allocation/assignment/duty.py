"""Who holds what waits: the duty worker while they are there, the Hub's managers otherwise."""

from services.allocation.hubs.hub import Hub
from services.allocation.records import Allocation
from services.allocation.safety.process import safe_of
from services.allocation.safety.rule import replace_holder
from services.allocation.store import Stores
from shared.operating.failpoints import failpoint
from shared.origin import Origin
from shared.storage.records import Change


async def follow_duty_of(stores: Stores, worker_id: str, by: Origin) -> None:
    """The worker may have come, gone or gone on leave: where they are the duty worker, what waits is
    held by whoever is on duty now. Safe to repeat."""
    for hub in await stores.hubs_on_duty(worker_id):
        await follow_duty(stores, hub, by)


async def follow_duty(stores: Stores, hub: Hub, by: Origin) -> None:
    """What waits in the Hub is held by whoever is on duty now, but for young people for whom they are
    unsafe: those the managers hold. Safe to repeat."""
    on_duty = await stores.on_duty(hub)
    for waits in await stores.held_by_another(hub, on_duty):
        await _hand_on(stores, waits, on_duty, by)
        failpoint("duty.after_one")


async def _hand_on(stores: Stores, waits: Allocation, on_duty: str | None, by: Origin) -> None:
    unsafe = await stores.marks.unsafe_for(waits.subject_id)
    safe = await safe_of(stores, (on_duty,), unsafe) if on_duty else ()
    to = safe[0] if safe else None

    def rule(known: Allocation) -> Change[Allocation]:
        return replace_holder(known, waits.holder_id, to, "duty_changed")

    await stores.allocations.change(waits.id, rule, by=by, seen=waits)
