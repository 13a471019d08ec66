"""All that follows when a worker leaves, or is back: seen to, and safe to repeat."""

import contextlib

from services.allocation.caseload.worker import Case, Worker
from services.allocation.handover.plan import Plan, propose
from services.allocation.handover.process import moves_of
from services.allocation.leaving.rule import LEFT, leave_behind, take_up_again
from services.allocation.records import Allocation
from services.allocation.store import Stores
from shared.clock import now
from shared.errors import AlreadyThere, NotFound
from shared.ids import derived_id
from shared.operating.failpoints import failpoint
from shared.origin import Origin
from shared.storage.records import Change


async def after_entry(stores: Stores, worker_id: str, by: Origin) -> None:
    """Nothing is left with a worker who is gone, on return; who is back has their cases again.

    Raises `NotFound` while capacity is reserved with who is gone for a placing under way: it comes
    to something, and the event comes again.
    """
    worker = await stores.workers.get(worker_id)
    if worker.active:
        await _take_up(stores, worker, by)
        return
    settled = [await _left_behind(stores, worker, case, by) for case in worker.cases]
    await _propose(stores, worker, by)
    if not all(settled):
        raise NotFound("allocation")


async def _left_behind(stores: Stores, worker: Worker, case: Case, by: Origin) -> bool:
    """Whether the case is nobody's any more who is gone; False while its placing is under way."""
    try:
        allocation = await stores.allocations.get(case.referral_id)
    except NotFound:
        return False
    hub = await stores.hub(worker.hub_id)

    def rule(known: Allocation) -> Change[Allocation]:
        return leave_behind(known, worker.id, hub, now())

    after = await stores.allocations.change(allocation.id, rule, by=by, seen=allocation)
    failpoint("leaving.after_one")
    return LEFT in after.flags or case.round <= after.round


async def _take_up(stores: Stores, worker: Worker, by: Origin) -> None:
    for allocation in await stores.held_by([worker.id]):
        if LEFT in allocation.flags:
            await stores.allocations.change(
                allocation.id, lambda a: take_up_again(a, worker.id), by=by, seen=allocation
            )


async def _propose(stores: Stores, worker: Worker, by: Origin) -> None:
    """The Hub's managers find a plan for what the worker had: one for each time they left."""
    hub = await stores.hub(worker.hub_id)
    moves = await moves_of(stores, hub, [worker.id], (), by, now()) if hub else ()
    if not moves:
        return
    plan = Plan(
        id=derived_id("plan", worker.id, "left", str(worker.revision)),
        hub_id=worker.hub_id,
        worker_id=worker.id,
        reason="worker_leaves",
        proposed_by="service:allocation",
        proposed_at=now(),
        moves=moves,
    )
    with contextlib.suppress(AlreadyThere):
        await stores.plans.add(plan, propose(plan), by=by)
    failpoint("leaving.after_plan")
