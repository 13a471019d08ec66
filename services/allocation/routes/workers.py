"""Workers: entries, capacity, supervision. No names: ids only."""

from datetime import date
from typing import Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict

from services.allocation.domain.capacity import (
    amend_worker,
    available,
    hard_cap,
    register_worker,
    soft_cap,
)
from services.allocation.domain.hubs import Code, Incoming
from services.allocation.domain.supervision import due_on, kinds, overdue, supervise
from services.allocation.domain.workers import Worker, WorkerEntry, worker_entry
from services.allocation.routes.common import (
    Cursor,
    EntryId,
    FromAnyone,
    FromManager,
    FromRegistrar,
    Limit,
    OnDesk,
    own_hub,
)
from services.allocation.store import Desk
from shared.clock import now
from shared.errors import AlreadyThere, Forbidden, NotFound
from shared.etags import IfMatch, Match, tagged
from shared.events.codes import SupervisionKind
from shared.problems import CONDITIONAL
from shared.records import Change
from shared.tokens import Caller

router = APIRouter(tags=["workers"])


class WorkerView(BaseModel):
    """A worker's entry, and where they stand today. Points are those of the caps."""

    model_config = ConfigDict(frozen=True)

    id: str
    revision: int
    entry: WorkerEntry
    available: bool
    caseload: int
    open_cases: int
    soft_cap: int
    hard_cap: int
    over_soft_cap: bool
    supervision_due_on: dict[SupervisionKind, date]
    supervision_overdue: tuple[SupervisionKind, ...]


class WorkerPage(BaseModel):
    """Workers by id; `next` is the cursor of the next page, if there is one."""

    workers: list[WorkerView]
    next: str | None


class SupervisionEntry(Incoming):
    """That it took place. There is no field for what was said."""

    kind: SupervisionKind
    held_on: date


def view(worker: Worker) -> WorkerView:
    at = now()
    return WorkerView(
        id=worker.id,
        revision=worker.revision,
        entry=worker_entry(worker),
        available=available(worker, at),
        caseload=worker.caseload,
        open_cases=len(worker.cases),
        soft_cap=soft_cap(worker, at),
        hard_cap=hard_cap(worker, at),
        over_soft_cap=worker.caseload > soft_cap(worker, at),
        supervision_due_on={kind: due_on(worker, kind) for kind in kinds(worker)},
        supervision_overdue=overdue(worker, at),
    )


async def put(
    desk: Desk, worker_id: str, entry: WorkerEntry, caller: Caller, match: Match
) -> Worker:
    """Register a worker or amend the entry. Raises what the rules and If-Match raise."""
    if caller.role == "hub_manager" and entry.hub_id != caller.hub_id:
        raise Forbidden
    hub, at = await desk.hub(entry.hub_id), now()

    def rule(known: Worker) -> Change[Worker]:
        own_hub(caller, known.hub_id)
        return amend_worker(known, entry, hub, at)

    worker, event, due = register_worker(worker_id, entry, hub, at)
    try:
        return await desk.workers.add(worker, event, by=caller.origin(), due=due)
    except AlreadyThere:
        guarded = match.guard(rule, lambda known: known.revision)
        return await desk.workers.change(worker_id, guarded, by=caller.origin())


@router.put("/v1/workers/{worker_id}", responses=CONDITIONAL)
async def put_worker(
    worker_id: EntryId,
    entry: WorkerEntry,
    caller: FromRegistrar,
    desk: OnDesk,
    match: IfMatch,
    response: Response,
) -> WorkerEntry:
    """Register a worker, or amend their entry; open cases stay."""
    stored = await put(desk, worker_id, entry, caller, match)
    tagged(response, stored.revision)
    return worker_entry(stored)


@router.delete("/v1/workers/{worker_id}", responses=CONDITIONAL)
async def delete_worker(
    worker_id: EntryId, caller: FromRegistrar, desk: OnDesk, match: IfMatch
) -> WorkerEntry:
    """The worker leaves: no new cases. Nothing is deleted; open cases need a hand-over plan."""
    worker = await desk.workers.get(worker_id)
    own_hub(caller, worker.hub_id)
    entry = worker_entry(worker).model_copy(update={"active": False})
    return worker_entry(await put(desk, worker_id, entry, caller, match))


@router.get("/v1/workers/{worker_id}")
async def get_worker(
    worker_id: EntryId, caller: FromAnyone, desk: OnDesk, response: Response
) -> WorkerView:
    """A worker, for themselves and their Hub's managers."""
    worker = await desk.workers.get(worker_id)
    own_hub(caller, worker.hub_id)
    if caller.role == "worker" and caller.worker_id != worker_id:
        raise NotFound
    tagged(response, worker.revision)
    return view(worker)


@router.get("/v1/workers")
async def get_workers(
    caller: FromRegistrar,
    desk: OnDesk,
    hub_id: Code | None = None,
    host_agency_id: Code | None = None,
    overdue_only: bool = Query(default=False, description="Only whose supervision is overdue."),
    limit: Limit = 50,
    cursor: Cursor = None,
) -> WorkerPage:
    """Workers by id: of the manager's own Hub; an operator names one, or sees all."""
    where: dict[str, Any] = {"_id": {"$gt": cursor or ""}}
    hub = caller.hub_id if caller.role == "hub_manager" else hub_id
    where |= {"hub_id": hub} if hub else {}
    where |= {"host_agency_id": host_agency_id} if host_agency_id else {}
    found = await desk.workers.find(where, sort=[("_id", 1)], limit=limit)
    views = [view(worker) for worker in found]
    if overdue_only:
        views = [one for one in views if one.supervision_overdue]
    return WorkerPage(workers=views, next=found[-1].id if len(found) == limit else None)


@router.post("/v1/workers/{worker_id}/supervisions")
async def post_supervision(
    worker_id: EntryId, entry: SupervisionEntry, caller: FromManager, desk: OnDesk
) -> WorkerView:
    """Note that a supervision took place: its kind and date. The same again changes nothing."""
    own_hub(caller, (await desk.workers.get(worker_id)).hub_id)
    at = now()
    return view(
        await desk.workers.change(
            worker_id, lambda w: supervise(w, entry.kind, entry.held_on, at), by=caller.origin()
        )
    )
