"""Waiting cases: freed capacity goes to who is first in line, and no reservation is forgotten."""

from services.allocation.assignment.belonging import hub_of
from services.allocation.assignment.placing import bring_others, find_worker
from services.allocation.assignment.process import Assignment, release_strays
from services.allocation.assignment.rule import goes_to
from services.allocation.assignment.turns import LEASE, Pauses
from services.allocation.assignment.waiting import QUEUE_ORDER
from services.allocation.caseload.worker import Worker
from services.allocation.hubs.hub import Hub
from services.allocation.records import HELD
from services.allocation.risk.subject import Subject
from services.allocation.rota.standing import duty_at
from services.allocation.store import Stores
from shared.clock import now
from shared.operating.failpoints import failpoint
from shared.origin import Origin


async def seek(stores: Stores, allocation_id: str, by: Origin) -> None:
    """Look for a worker by the rules, if the case needs one and is not with the Hub manager."""
    allocation = await stores.allocations.get(allocation_id)
    if allocation.status in HELD:
        await bring_others(stores, allocation, by)  # it may have died before it did
    if allocation.status not in ("seeking", "waiting"):
        return
    hub = await hub_of(stores, allocation)
    if allocation.with_manager and not goes_to(allocation, hub):
        return
    if hub is not None or allocation.status == "seeking":
        await find_worker(Assignment(stores, allocation, hub, by))


async def after_first(stores: Stores, subject: Subject, referral_id: str) -> None:
    """The referral that was the young person's first has been placed, or has died on its way: it
    takes no turn, for nobody else was there."""
    first, pauses = next(iter(subject.referrals)), Pauses(now, LEASE)
    while first != referral_id and await stores.standing(first) is None and await pauses.one():
        continue


async def take_over(stores: Stores, hub: Hub, by: Origin) -> None:
    """What waits in the Hub's areas without any Hub, or with one that does not serve them any more,
    is the Hub's from now on. Safe to repeat."""
    for allocation_id in await _waiting_elsewhere(stores, hub):
        await seek(stores, allocation_id, by)


async def _waiting_elsewhere(stores: Stores, hub: Hub) -> list[str]:
    """Who waits in the Hub's areas while no Hub has them, or another one that served them or that
    they were sent to by mistake; first in line first. What a Hub took over stays with it."""
    others = stores.hubs.collection.find({"_id": {"$ne": hub.id}}, {"_id": 1})
    held_by = [None, *[str(found["_id"]) async for found in others]]
    where = {
        **{"hub_id": {"$in": held_by}, "status": "waiting", "area": {"$in": list(hub.areas)}},
        "transfers": {"$in": [None, 0]},
    }
    cursor = stores.allocations.collection.find(where, {"_id": 1}).sort(list(QUEUE_ORDER))
    return [str(found["_id"]) async for found in cursor]


async def offer_capacity(stores: Stores, worker_id: str, by: Origin) -> None:
    """Give a worker's free capacity to who waits, first in line first, while any of it is left."""
    worker = await stores.workers.get(worker_id)
    hub = await stores.hub(worker.hub_id) if worker.room > 0 or worker.cases else None
    if hub is not None:
        await _offer(stores, hub, worker, by)


async def offer_to_first(stores: Stores, allocation_id: str, by: Origin) -> None:
    """If someone could take this waiting case now, that capacity is given to who is first in line
    and suits it: to this case, or to one that stands before it."""
    allocation = await stores.allocations.get(allocation_id)
    hub = await hub_of(stores, allocation)
    if hub is None or allocation.status != "waiting":
        return
    if allocation.with_manager and not goes_to(allocation, hub):
        return
    search = await Assignment(stores, allocation, hub, by).search(hub)
    decision, workers = await search.best()
    if decision.worker_id is not None:
        await _offer(stores, hub, workers[decision.worker_id], by)


async def follow_up(stores: Stores, allocation_id: str, worker_id: str, by: Origin) -> None:
    """See that a worker's reservation comes to something, though who made it may have died.

    A new referral's own event comes again by itself. A waiting case is looked at again; and where
    another worker has the case, the reservation is given back, unless it is for a round to come.
    """
    standing = await stores.standing(allocation_id)
    if standing is None:
        return
    if standing["status"] == "waiting" and not standing["with_manager"]:
        await seek(stores, allocation_id, by)
    elif standing["worker_id"] != worker_id:
        await release_strays(stores, allocation_id, by)


async def _offer(stores: Stores, hub: Hub, worker: Worker, by: Origin) -> None:
    duty = await duty_at(stores, hub)
    for allocation_id in await stores.queue(worker):
        allocation = await stores.allocations.get(allocation_id)
        if allocation.status != "waiting":
            continue
        assignment = Assignment(stores, allocation, hub, by)
        on_duty = allocation.urgency == "immediate" and worker.id in duty.takers()
        if on_duty or await (await assignment.search(hub)).suits(worker.id):
            await find_worker(assignment)
            failpoint("queue.after_offer")
