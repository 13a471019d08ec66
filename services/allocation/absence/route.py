"""HTTP in: leave that workers ask for, and what their Hub's managers say to it."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel

from services.allocation.absence import rule
from services.allocation.absence.command import (
    Waiting,
    ask_for_leave,
    decide_leave,
    list_waiting,
    their_worker,
)
from services.allocation.absence.request import LeaveDecline, LeaveEntry, LeaveRequest
from services.allocation.callers import Cursor, EntryId, Limit, OnStores
from services.allocation.caseload.periods import LeaveKind
from services.allocation.caseload.worker import Worker
from services.allocation.rota.rule import Gap
from shared.clock import now
from shared.events.codes import LeaveRefusal, LeaveStatus
from shared.rules.values import Day
from shared.storage.records import Change
from shared.web.access import may
from shared.web.tokens import AnyCaller

router = APIRouter(tags=["workers"])
RequestId = Annotated[str, Path(pattern=r"^lv_[0-9a-f]{32}$")]


class LeaveView(BaseModel):
    """A leave that was asked for, and what became of it."""

    id: str
    start: Day
    to: Day
    kind: LeaveKind
    status: LeaveStatus
    asked_at: datetime
    decided_at: datetime | None
    reason: LeaveRefusal | None


class LeaveList(BaseModel):
    """What one worker asked for, the newest first."""

    requests: list[LeaveView]


class WaitingView(LeaveView):
    """What waits for a manager. `uncovered`: when nobody would be on duty by the rota as it is, and
    somebody is without this leave; without `until` to the end of the leave."""

    worker_id: str
    open_cases: int
    uncovered: list[Gap]


class WaitingPage(BaseModel):
    """By worker; `next` is the cursor of the next page, if there is one."""

    requests: list[WaitingView]
    next: str | None


def view(request: LeaveRequest) -> LeaveView:
    return LeaveView(**request.model_dump(include=set(LeaveView.model_fields)))


def line(waiting: Waiting) -> WaitingView:
    return WaitingView(
        **dict(view(waiting.request)),
        worker_id=waiting.worker_id,
        open_cases=waiting.open_cases,
        uncovered=waiting.uncovered,
    )


@router.post(
    "/v1/workers/{worker_id}/leave-requests", status_code=201, dependencies=[may("ask_leave")]
)
async def post_leave_request(
    worker_id: EntryId, entry: LeaveEntry, caller: AnyCaller, stores: OnStores
) -> LeaveView:
    """Ask for leave, as the worker. Your Hub's managers are told; it counts once one approves it. The
    same days again, while they wait, are one request."""
    return view(await ask_for_leave(stores, worker_id, entry, caller))


@router.get("/v1/workers/{worker_id}/leave-requests", dependencies=[may("view_worker")])
async def get_leave_requests(worker_id: EntryId, caller: AnyCaller, stores: OnStores) -> LeaveList:
    """What a worker asked for, for themselves and their Hub's managers: the last fifty."""
    worker = await their_worker(stores, worker_id, caller, "view_worker")
    newest = sorted(worker.requests, key=lambda r: (r.asked_at, r.id), reverse=True)
    return LeaveList(requests=[view(request) for request in newest])


@router.get("/v1/leave-requests", dependencies=[may("list_leave")])
async def get_waiting(
    caller: AnyCaller, stores: OnStores, limit: Limit = 50, cursor: Cursor = None
) -> WaitingPage:
    """What waits for a manager of your Hub, and what it would leave; `limit` counts workers."""
    found, following = await list_waiting(stores, caller, cursor, limit)
    return WaitingPage(requests=[line(each) for each in found], next=following)


@router.post(
    "/v1/workers/{worker_id}/leave-requests/{request_id}/approval",
    dependencies=[may("decide_leave")],
)
async def post_approval(
    worker_id: EntryId, request_id: RequestId, caller: AnyCaller, stores: OnStores
) -> LeaveView:
    """Approve it: it stands in the worker's entry then, and allocation and the rota follow. Who asked
    can't approve."""

    def said(worker: Worker) -> Change[Worker]:
        return rule.approve(worker, request_id, caller.account, now())

    return view(await decide_leave(stores, worker_id, request_id, caller, said))


@router.post(
    "/v1/workers/{worker_id}/leave-requests/{request_id}/decline",
    dependencies=[may("decide_leave")],
)
async def post_leave_decline(
    worker_id: EntryId,
    request_id: RequestId,
    entry: LeaveDecline,
    caller: AnyCaller,
    stores: OnStores,
) -> LeaveView:
    """LeaveDecline it, and say why."""

    def said(worker: Worker) -> Change[Worker]:
        return rule.decline(worker, request_id, entry.reason, caller.account, now())

    return view(await decide_leave(stores, worker_id, request_id, caller, said))


@router.post(
    "/v1/workers/{worker_id}/leave-requests/{request_id}/withdrawal",
    dependencies=[may("ask_leave")],
)
async def post_withdrawal(
    worker_id: EntryId, request_id: RequestId, caller: AnyCaller, stores: OnStores
) -> LeaveView:
    """Do without it, as the worker: also of what is approved, until it has begun."""
    await their_worker(stores, worker_id, caller, "ask_leave")
    worker = await stores.workers.change(
        worker_id,
        lambda known: rule.withdraw(known, request_id, caller.account, now()),
        by=caller.origin(),
    )
    return view(rule.found(worker, request_id))
