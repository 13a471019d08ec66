"""Registering a worker, or amending the entry."""

from services.allocation.absence.rule import follow_entry
from services.allocation.access import manages_hub
from services.allocation.caseload.capacity import amend_worker, register_worker
from services.allocation.caseload.worker import Worker, WorkerEntry
from services.allocation.hubs.hub import Hub
from services.allocation.safety.asking import may_arrange, not_oneself
from services.allocation.store import Stores
from shared.clock import now
from shared.errors import AlreadyThere, Malformed
from shared.ids import is_random
from shared.storage.records import Change
from shared.web.etags import Match
from shared.web.tokens import Caller


async def put_entry(
    stores: Stores, worker_id: str, entry: WorkerEntry, caller: Caller, match: Match
) -> Worker:
    """Register a worker or amend the entry. Raises what the rules and If-Match raise.

    A Hub's manager makes up no names: raises `Malformed` for a new id that could be a word, an agency
    that is not registered, an area that isn't the Hub's. Operators register, and name as they like.
    """
    manages_hub("put_worker", caller, entry.hub_id)
    await may_arrange(stores, caller, entry.hub_id)
    await not_oneself(stores, caller, worker_id)
    hub, at = await stores.hub(entry.hub_id), now()
    if caller.role == "hub_manager":
        await _no_words(stores, worker_id, entry, hub)
    for known in await stores.workers.find({"_id": worker_id}, limit=1):  # may leave another Hub
        manages_hub("put_worker", caller, known.hub_id)
        await may_arrange(stores, caller, known.hub_id)

    def rule(known: Worker) -> Change[Worker]:
        manages_hub("put_worker", caller, known.hub_id)
        amended = amend_worker(known, entry, hub, at)
        followed = follow_entry(known, amended.after, caller.account, at)
        return Change(followed.after, (*amended.events, *followed.events))

    worker, event = register_worker(worker_id, entry, hub, at)
    try:
        return await stores.workers.add(worker, event, by=caller.origin())
    except AlreadyThere:
        guarded = match.guard(rule, lambda known: known.revision)
        return await stores.workers.change(worker_id, guarded, by=caller.origin())


async def _no_words(stores: Stores, worker_id: str, entry: WorkerEntry, hub: Hub | None) -> None:
    """What a worker of the Hub has already stays as it is."""
    known = next(
        iter(await stores.workers.find({"_id": worker_id, "hub_id": entry.hub_id}, limit=1)), None
    )
    if known is None and not is_random("wk", worker_id):
        detail = "A new worker's id is `wk_` and 32 hexadecimal digits, drawn at random."
        raise Malformed("", "worker_id_invalid", detail)
    host = entry.host_agency_id
    if host and host != (known and known.host_agency_id) and not await stores.agencies.get(host):
        raise Malformed("/host_agency_id", "agency_unknown", "No such agency is registered.")
    if set(entry.areas) - {*(hub.areas if hub else ()), *(known.areas if known else ())}:
        raise Malformed("/areas", "area_not_of_hub", "An operator gives a Hub its areas.")
