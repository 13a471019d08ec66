"""Putting an entry into the directory."""

from services.allocation.access import manages_hub, sees_worker
from services.allocation.caseload.worker import Worker
from services.allocation.directory.card import HubCard, WorkerCard
from services.allocation.directory.rule import hold_back, put_hub_card, put_worker_card
from services.allocation.hubs.hub import Hub
from services.allocation.safety.asking import may_arrange, not_oneself
from services.allocation.store import Stores
from shared.rules.access_table import Action
from shared.storage.records import Change
from shared.web.etags import Match
from shared.web.tokens import Caller


async def put_worker_entry(
    stores: Stores, worker_id: str, card: WorkerCard, caller: Caller, match: Match
) -> Worker:
    """The worker with this card. Raises `NotFound` for anyone else, what If-Match raises, and `Refused`
    for a manager who may arrange nothing here: agencies call the number about a young person."""
    worker = await stores.workers.get(worker_id)
    sees_worker(caller, worker, "put_directory_entry")
    if caller.worker_id != worker_id:
        await may_arrange(stores, caller, worker.hub_id)

    def rule(known: Worker) -> Change[Worker]:
        sees_worker(caller, known, "put_directory_entry")  # they may have moved meanwhile
        return put_worker_card(known, card)

    guarded = match.guard(rule, lambda known: known.card_revision)
    return await stores.workers.change(worker_id, guarded, by=caller.origin())


async def hold_worker_entry(
    stores: Stores, worker_id: str, held_back: bool, caller: Caller, match: Match
) -> Worker:
    """The worker, with the entry held back or not. Raises `Refused` for the worker themselves."""
    action: Action = "put_worker"
    sees_worker(caller, await stores.workers.get(worker_id), action)
    await not_oneself(stores, caller, worker_id)

    def rule(known: Worker) -> Change[Worker]:
        sees_worker(caller, known, action)
        return hold_back(known, held_back=held_back)

    guarded = match.guard(rule, lambda known: known.card_revision)
    return await stores.workers.change(worker_id, guarded, by=caller.origin())


async def put_hub_desk(
    stores: Stores, hub_id: str, card: HubCard, caller: Caller, match: Match
) -> Hub:
    """The Hub with this card. Raises `Refused` also for a manager who may arrange nothing here: who
    calls that number may be the young person for whom they are marked."""
    manages_hub("put_hub", caller, hub_id)
    await may_arrange(stores, caller, hub_id)
    rule = match.guard(lambda hub: put_hub_card(hub, card), lambda hub: hub.card_revision)
    return await stores.hubs.change(hub_id, rule, by=caller.origin())
