"""HTTP in: workers: entries, capacity, supervision."""

from collections.abc import Collection
from datetime import date
from typing import Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict

from services.allocation.access import listed_hub, manages_hub, sees_worker
from services.allocation.callers import Cursor, EntryId, Limit, OnStores
from services.allocation.caseload.capacity import (
    available,
    hard_cap,
    soft_cap,
)
from services.allocation.caseload.entry import put_entry
from services.allocation.caseload.supervision import overdue, supervise
from services.allocation.caseload.worker import Worker, WorkerEntry, due_on, kinds, worker_entry
from services.allocation.documents import Code, Incoming
from services.allocation.safety.asking import hidden_from, may_arrange, not_oneself
from shared.clock import now
from shared.events.codes import SupervisionKind
from shared.rules.values import CalendarDay
from shared.web.access import may
from shared.web.etags import IfMatch, tagged
from shared.web.problems import CONDITIONAL
from shared.web.tokens import AnyCaller

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
    held_on: CalendarDay


def view(stored: Worker, hidden: Collection[str]) -> WorkerView:
    """The worker without cases of these young people, whom the caller may know nothing of."""
    at = now()
    cases = tuple(case for case in stored.cases if case.subject_id not in hidden)
    worker = stored.but(cases=cases)
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


@router.put("/v1/workers/{worker_id}", responses=CONDITIONAL, dependencies=[may("put_worker")])
async def put_worker(
    worker_id: EntryId,
    entry: WorkerEntry,
    caller: AnyCaller,
    stores: OnStores,
    match: IfMatch,
    response: Response,
) -> WorkerEntry:
    """Register a worker, or amend their entry; open cases stay."""
    stored = await put_entry(stores, worker_id, entry, caller, match)
    tagged(response, stored.revision)
    return worker_entry(stored)


@router.delete("/v1/workers/{worker_id}", responses=CONDITIONAL, dependencies=[may("put_worker")])
async def delete_worker(
    worker_id: EntryId, caller: AnyCaller, stores: OnStores, match: IfMatch
) -> WorkerEntry:
    """The worker leaves: no new cases, and none is theirs any more. Nothing is deleted: what they had
    not accepted goes to the next one, and the Hub's managers find a hand-over plan for the rest."""
    worker = await stores.workers.get(worker_id)
    manages_hub("put_worker", caller, worker.hub_id)
    entry = worker_entry(worker).model_copy(update={"active": False})
    return worker_entry(await put_entry(stores, worker_id, entry, caller, match))


@router.get("/v1/workers/{worker_id}", dependencies=[may("view_worker")])
async def get_worker(
    worker_id: EntryId, caller: AnyCaller, stores: OnStores, response: Response
) -> WorkerView:
    """A worker, for themselves and their Hub's managers."""
    worker = await stores.workers.get(worker_id)
    sees_worker(caller, worker)
    tagged(response, worker.revision)
    return view(worker, await hidden_from(stores, caller))


@router.get("/v1/workers", dependencies=[may("list_workers")])
async def get_workers(
    caller: AnyCaller,
    stores: OnStores,
    hub_id: Code | None = None,
    host_agency_id: Code | None = None,
    overdue_only: bool = Query(default=False, description="Only whose supervision is overdue."),
    limit: Limit = 50,
    cursor: Cursor = None,
) -> WorkerPage:
    """Workers by id: of the manager's own Hub; an operator names one, or sees all."""
    where: dict[str, Any] = {"_id": {"$gt": cursor or ""}}
    hub = listed_hub(caller, hub_id)
    where |= {"hub_id": hub} if hub else {}
    where |= {"host_agency_id": host_agency_id} if host_agency_id else {}
    where |= {"overdue_from": {"$lte": now()}} if overdue_only else {}
    found = await stores.workers.find(where, sort=[("_id", 1)], limit=limit)
    hidden = await hidden_from(stores, caller)
    views = [view(worker, hidden) for worker in found]
    return WorkerPage(workers=views, next=found[-1].id if len(found) == limit else None)


@router.post("/v1/workers/{worker_id}/supervisions", dependencies=[may("record_supervision")])
async def post_supervision(
    worker_id: EntryId, entry: SupervisionEntry, caller: AnyCaller, stores: OnStores
) -> WorkerView:
    """Note that a supervision took place: its kind and date. The same again changes nothing."""
    hub_id = (await stores.workers.get(worker_id)).hub_id
    manages_hub("record_supervision", caller, hub_id)
    await may_arrange(stores, caller, hub_id)  # without supervision nobody is given a case
    await not_oneself(stores, caller, worker_id)
    said, by = (entry.kind, entry.held_on, now(), caller.account), caller.origin()
    worker = await stores.workers.change(worker_id, lambda w: supervise(w, *said), by=by)
    return view(worker, await hidden_from(stores, caller))
