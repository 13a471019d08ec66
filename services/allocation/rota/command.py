"""Setting a Hub's rota, and looking at who is there."""

from collections.abc import Collection
from datetime import datetime

from services.allocation.hubs.hub import Hub
from services.allocation.rota.plan import Rota, check
from services.allocation.rota.rule import Gap, gaps
from services.allocation.rota.setting import rota_of, set_rota
from services.allocation.rota.standing import staff_of
from services.allocation.safety.asking import may_arrange
from services.allocation.store import Stores
from shared.clock import now
from shared.web.etags import Match
from shared.web.tokens import Caller


async def put_rota_entry(
    stores: Stores, hub_id: str, entry: Rota, caller: Caller, match: Match
) -> Hub:
    """The Hub with this rota. Raises what the rules and If-Match raise."""
    check(entry)
    await may_arrange(stores, caller, hub_id)
    named = sorted(entry.own_ids())
    found = await stores.workers.find({"_id": {"$in": named}, "hub_id": hub_id}, limit=len(named))
    staff, by_operator = {worker.id for worker in found}, caller.role == "operator"
    known = await _known(stores, entry.covers())
    rule = match.guard(
        lambda hub: set_rota(hub, entry, staff, known, by_operator=by_operator, at=now()),
        lambda hub: hub.rota_revision,
    )
    return await stores.hubs.change(hub_id, rule, by=caller.origin())


async def _known(stores: Stores, desks: Collection[str]) -> set[str]:
    """Those of these Hubs and workers that are registered, a worker who is in post."""
    ids = sorted({desk.partition(":")[2] for desk in desks})
    hubs = await stores.hubs.find({"_id": {"$in": ids}}, limit=len(ids)) if ids else []
    there = {"_id": {"$in": ids}, "active": True}
    workers = await stores.workers.find(there, limit=len(ids)) if ids else []
    return {*(f"hub:{hub.id}" for hub in hubs), *(f"worker:{worker.id}" for worker in workers)}


async def gaps_of(stores: Stores, hub: Hub, start: datetime, end: datetime) -> list[Gap]:
    """Where nobody is on duty at the Hub: always, where it has neither a rota nor a duty worker."""
    rota = rota_of(hub)
    return gaps(rota, await staff_of(stores, hub), start, end) if rota else [Gap(start=start)]
