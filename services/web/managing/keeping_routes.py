"""`/workers…`, `/leave-requests…`."""

from fastapi import APIRouter
from starlette.responses import Response

from services.web.managing.keeping import (
    approved,
    declined,
    leave_of,
    list_of,
    supervised,
    worker_of,
)
from services.web.managing.paging import Number
from services.web.paths import Id
from services.web.visit import Visit, Visiting, to

router = APIRouter()


@router.get("/workers")
async def get_workers(visit: Visiting, page: Number = 1) -> Response:
    """Who works for the Hub."""
    return visit.page("managing/workers.html", **await list_of(visit, page))


@router.get("/workers/{worker_id}")
async def get_worker(visit: Visiting, worker_id: Id) -> Response:
    """One of them: load and supervision."""
    return await _worker(visit, worker_id, {})


@router.post("/workers/{worker_id}/supervisions")
async def post_supervision(visit: Visiting, worker_id: Id) -> Response:
    """It took place."""
    wrong = await supervised(visit, worker_id, await visit.form())
    return await _worker(visit, worker_id, wrong) if wrong else to(f"/workers/{worker_id}")


@router.get("/leave-requests")
async def get_leave_requests(visit: Visiting, cursor: str | None = None) -> Response:
    """Leave that waits for a manager, and what it would leave."""
    return await _leave(visit, {}, cursor)


@router.post("/leave-requests/{worker_id}/{request_id}/approval")
async def post_approval(visit: Visiting, worker_id: Id, request_id: Id) -> Response:
    """Approved."""
    wrong = await approved(visit, worker_id, request_id)
    return await _leave(visit, wrong) if wrong else to("/leave-requests")


@router.post("/leave-requests/{worker_id}/{request_id}/decline")
async def post_decline(visit: Visiting, worker_id: Id, request_id: Id) -> Response:
    """Declined, with the reason."""
    wrong = await declined(visit, worker_id, request_id, await visit.form())
    return await _leave(visit, wrong) if wrong else to("/leave-requests")


async def _worker(visit: Visit, worker_id: str, wrong: dict[str, str]) -> Response:
    shown = await worker_of(visit, worker_id)
    return visit.page("managing/worker.html", 422 if wrong else 200, **shown, wrong=wrong)


async def _leave(visit: Visit, wrong: dict[str, str], cursor: str | None = None) -> Response:
    shown = await leave_of(visit, cursor)
    return visit.page("managing/leave.html", 422 if wrong else 200, **shown, wrong=wrong)
