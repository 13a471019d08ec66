"""Leave as it is asked for, decided on and listed."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from services.allocation.absence.request import LeaveEntry, LeaveRequest
from services.allocation.absence.rule import ask, found, waiting
from services.allocation.access import sees_worker
from services.allocation.caseload.worker import Worker
from services.allocation.hubs.hub import Hub
from services.allocation.rota.rule import Gap, left_open
from services.allocation.rota.setting import rota_of
from services.allocation.rota.standing import staff_of
from services.allocation.safety.asking import hidden_from, may_arrange, not_oneself
from services.allocation.store import Stores
from shared.clock import now
from shared.ids import new_id
from shared.rules.access_table import Action
from shared.rules.calendars import midnight
from shared.storage.records import Change
from shared.web.tokens import Caller


@dataclass(frozen=True)
class Waiting:
    """A leave that a manager has to decide on, and what it would leave: open cases, and times for
    which nobody would be on duty and somebody is without it."""

    worker_id: str
    request: LeaveRequest
    open_cases: int
    uncovered: list[Gap]


async def their_worker(stores: Stores, worker_id: str, caller: Caller, action: Action) -> Worker:
    """The worker, for who may do this. Raises `NotFound` for anyone else."""
    worker = await stores.workers.get(worker_id)
    sees_worker(caller, worker, action)
    return worker


async def ask_for_leave(
    stores: Stores, worker_id: str, entry: LeaveEntry, caller: Caller
) -> LeaveRequest:
    """The request as it waits now."""
    await their_worker(stores, worker_id, caller, "ask_leave")
    request_id, at = new_id("lv"), now()

    def rule(worker: Worker) -> Change[Worker]:
        return ask(worker, request_id, entry, caller.account, at)

    worker = await stores.workers.change(worker_id, rule, by=caller.origin())
    same = entry.model_dump()
    return next(r for r in waiting(worker) if r.model_dump(include=set(same)) == same)


async def decide_leave(
    stores: Stores,
    worker_id: str,
    request_id: str,
    caller: Caller,
    said: Callable[[Worker], Change[Worker]],
) -> LeaveRequest:
    """What a manager says to it. Raises `Refused` also for a manager who may arrange nothing here."""
    worker = await their_worker(stores, worker_id, caller, "decide_leave")
    found(worker, request_id)
    await may_arrange(stores, caller, worker.hub_id)
    await not_oneself(stores, caller, worker_id)

    def rule(known: Worker) -> Change[Worker]:
        sees_worker(caller, known, "decide_leave")  # they may have moved to another Hub meanwhile
        return said(known)

    decided = await stores.workers.change(worker_id, rule, by=caller.origin())
    return found(decided, request_id)


async def list_waiting(
    stores: Stores, caller: Caller, cursor: str | None, limit: int
) -> tuple[list[Waiting], str | None]:
    """What waits at the caller's Hub, by worker, and the cursor of the next page."""
    where = {"hub_id": caller.hub_id, "_id": {"$gt": cursor or ""}, "undecided_at": {"$ne": None}}
    workers = await stores.workers.find(where, sort=[("_id", 1)], limit=limit)
    hub, hidden = await stores.hub(caller.hub_id), set(await hidden_from(stores, caller))
    staff = await staff_of(stores, hub) if hub and workers else {}
    lines = [
        Waiting(
            worker_id=worker.id,
            request=request,
            open_cases=sum(case.subject_id not in hidden for case in worker.cases),
            # A year of a big rota takes a while: nobody else is to wait for it.
            uncovered=await asyncio.to_thread(_uncovered, hub, staff, worker, request),
        )
        for worker in workers
        for request in waiting(worker)
    ]
    return lines, workers[-1].id if len(workers) == limit else None


def _uncovered(
    hub: Hub | None, staff: dict[str, Worker], worker: Worker, request: LeaveRequest
) -> list[Gap]:
    rota = rota_of(hub) if hub else None
    if rota is None or worker.id not in staff:
        return []
    away = worker.but(leave=(*worker.leave, request.leave))
    start = max(now(), midnight(request.start))
    end = midnight(request.to + timedelta(days=1))
    return left_open(rota, staff, away, start, end) if start < end else []
