"""Who holds what waits: whoever is on duty, the Hub's managers while nobody is."""

from services.allocation.assignment.queue import seek
from services.allocation.hubs.hub import DUTY_DUE, Hub
from services.allocation.records import Allocation
from services.allocation.rota.calling import call_cover_to_all
from services.allocation.rota.setting import next_turn
from services.allocation.rota.standing import Duty, duty_at, watch_gaps
from services.allocation.safety.rule import replace_holder
from services.allocation.store import Stores
from shared.clock import now
from shared.operating.failpoints import failpoint
from shared.origin import Origin
from shared.storage.records import Change


async def follow_duty_of(stores: Stores, worker_id: str, by: Origin) -> None:
    """The worker may have come, gone or gone on leave: where they are named for duty, what waits is
    held by whoever is on duty now. Safe to repeat."""
    for hub in await stores.hubs_on_duty(worker_id):
        await follow_duty(stores, hub, by)
        await watch_gaps(stores, hub, by)


async def follow_turn(stores: Stores, hub: Hub, by: Origin) -> None:
    """Somebody else may be on duty since a moment ago: what waits is theirs, and the timer is set to
    the next turn. Safe to repeat: the timer of who dies in between comes again."""
    at = now()
    await follow_duty(stores, hub, by)
    failpoint("turn.after_duty")
    await watch_gaps(stores, hub, by)
    failpoint("turn.after_gaps")
    # A rota that was put meanwhile has set the timer itself: it stays.
    now_known = await stores.hubs.get(hub.id)
    if now_known.rota_revision == hub.rota_revision:
        until = next_turn(now_known, at)
        await stores.hubs.postpone(hub.id, DUTY_DUE, until, version=now_known.version)


async def follow_duty(stores: Stores, hub: Hub, by: Origin) -> None:
    """What waits in the Hub is held by whoever is on duty now, and safe for the young person; else
    by the managers, and a desk that covers is called. What can't wait, they take. Safe to repeat."""
    duty = await duty_at(stores, hub)
    for waits in await stores.held_by_another(hub, duty.on_duty()):
        await _hand_on(stores, waits, duty, by)
        failpoint("duty.after_one")
    await call_cover_to_all(stores, hub, by)


async def _hand_on(stores: Stores, waits: Allocation, duty: Duty, by: Origin) -> None:
    to = duty.on_duty(await stores.marks.unsafe_for(waits.subject_id))
    if to == waits.holder_id:
        return
    if waits.urgency == "immediate":
        await seek(stores, waits.id, by)

    def rule(known: Allocation) -> Change[Allocation]:
        return replace_holder(known, waits.holder_id, to, "duty_changed")

    await stores.allocations.change(waits.id, rule, by=by)
