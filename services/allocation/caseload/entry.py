"""Registering a worker, or amending the entry."""

from services.allocation.access import manages_hub
from services.allocation.caseload.capacity import amend_worker, register_worker
from services.allocation.caseload.worker import Worker, WorkerEntry
from services.allocation.safety.asking import may_arrange
from services.allocation.store import Stores
from shared.clock import now
from shared.errors import AlreadyThere
from shared.storage.records import Change
from shared.web.etags import Match
from shared.web.tokens import Caller


async def put_entry(
    stores: Stores, worker_id: str, entry: WorkerEntry, caller: Caller, match: Match
) -> Worker:
    """Register a worker or amend the entry. Raises what the rules and If-Match raise."""
    manages_hub("put_worker", caller, entry.hub_id)
    await may_arrange(stores, caller, entry.hub_id)
    hub, at = await stores.hub(entry.hub_id), now()

    def rule(known: Worker) -> Change[Worker]:
        manages_hub("put_worker", caller, known.hub_id)
        return amend_worker(known, entry, hub, at)

    worker, event = register_worker(worker_id, entry, hub, at)
    try:
        return await stores.workers.add(worker, event, by=caller.origin())
    except AlreadyThere:
        guarded = match.guard(rule, lambda known: known.revision)
        return await stores.workers.change(worker_id, guarded, by=caller.origin())
