"""Who is on duty at a Hub, asked when somebody is needed; and who hears where nobody is."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta

from services.allocation.caseload.worker import Worker
from services.allocation.hubs.hub import Hub
from services.allocation.rota.plan import Rota
from services.allocation.rota.rule import gaps, in_turn, on_duty
from services.allocation.rota.setting import rota_of
from services.allocation.rota.warning import AHEAD, note_gaps
from services.allocation.store import Stores
from shared.clock import now
from shared.operating.failpoints import failpoint
from shared.origin import Origin


@dataclass(frozen=True)
class Duty:
    """The Hub's rota and whom it names, as they were when it was asked; the time is that of each
    question."""

    hub: Hub
    rota: Rota | None
    staff: Mapping[str, Worker]

    def on_duty(self, unsafe: Collection[str] = ()) -> str | None:
        """Who holds what waits: the first one who is there; None leaves it to the Hub's managers."""
        there = in_turn(self.rota, self.staff, now(), unsafe) if self.rota else ()
        return there[0] if there else None

    def desk(self, unsafe: Collection[str] = ()) -> str | None:
        """The desk that covers while none of the Hub's own is there; it holds nothing, and is told."""
        return on_duty(self.rota, self.staff, now(), unsafe).cover if self.rota else None

    def takers(self, unsafe: Collection[str] = ()) -> tuple[str, ...]:
        """Who takes what can't wait, the first one first. Never a worker of another Hub: who covers
        holds what waits, and the case stays with the Hub."""
        there = in_turn(self.rota, self.staff, now(), unsafe) if self.rota else ()
        return tuple(one for one in there if self.staff[one].hub_id == self.hub.id)


async def duty_at(stores: Stores, hub: Hub) -> Duty:
    """The Hub's duty as it is stored now; where it has no rota, that of its one duty worker."""
    return Duty(hub, rota_of(hub), await staff_of(stores, hub))


async def staff_of(stores: Stores, hub: Hub) -> dict[str, Worker]:
    """Whom the Hub's rota names: its own, and workers of other Hubs that cover. One reading."""
    rota = rota_of(hub)
    named = rota.worker_ids() if rota else frozenset()
    if rota is None or not named:
        return {}
    found = await stores.workers.find({"_id": {"$in": sorted(named)}}, limit=len(named))
    own = rota.own_ids()
    return {w.id: w for w in found if w.hub_id == hub.id or w.id not in own}


async def watch_gaps(stores: Stores, hub: Hub, by: Origin) -> None:
    """The Hub's managers are told of every gap that they don't know of: `warn_days` before it comes,
    and at once where people on the rota will be away. Safe to repeat, on any replica."""
    if hub.rota is None:
        return
    at = now()
    end, planned_to = at + AHEAD, at + timedelta(days=hub.rota.warn_days)
    staff = await staff_of(stores, hub)
    # Half a second for a rota of 28 spans: nobody else is to wait for it.
    found = await asyncio.to_thread(gaps, hub.rota, staff, at, end, planned_to)
    failpoint("gaps.after_look")
    await stores.hubs.change(
        hub.id, lambda known: note_gaps(known, found, at, end, hub.rota_revision), by=by
    )
