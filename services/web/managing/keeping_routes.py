"""`/workers…`, `/leave-requests…`, `/agreements…`."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from services.web.managing.agreements import standing
from services.web.managing.keeping import (
    FEW,
    amend,
    approved,
    declined,
    leave_of,
    list_of,
    signed,
    supervised,
    typed,
    worker_of,
)
from services.web.managing.paging import Number
from services.web.paths import Id
from services.web.visit import Visit, Visiting, to
from shared.clock import now

router = APIRouter()


@router.get("/workers")
async def get_workers(visit: Visiting, page: Number = 1) -> Response:
    """Who works for the Hub."""
    return visit.page("managing/workers.html", **await list_of(visit, page))


@router.get("/workers/{worker_id}")
async def get_worker(visit: Visiting, worker_id: Id) -> Response:
    """One of them: areas, caps, supervision."""
    return await _worker(visit, worker_id, {})


@router.post("/workers/{worker_id}")
async def post_worker(visit: Visiting, worker_id: Id) -> Response:
    """The entry as it should be."""
    form = await visit.form()
    wrong = await amend(visit, worker_id, form)
    return await _worker(visit, worker_id, wrong, typed(form)) if wrong else to("/workers")


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


@router.get("/agreements")
async def get_agreements(visit: Visiting, cursor: str | None = None) -> Response:
    """The Hub's agreements, the first to end first."""
    return await _agreements(visit, {}, cursor)


@router.post("/agreements/{agreement_id}/signature")
async def post_signature(visit: Visiting, agreement_id: Id) -> Response:
    """Signed for the Hub."""
    wrong = await signed(visit, agreement_id, await visit.form())
    return await _agreements(visit, wrong) if wrong else to("/agreements")


async def _worker(
    visit: Visit, worker_id: str, wrong: dict[str, str], said: dict[str, Any] | None = None
) -> Response:
    shown = await worker_of(visit, worker_id)
    # What somebody else has changed is to be seen before anything is entered again.
    entry = {**shown["worker"]["entry"], **({} if "name" in wrong else said or {})}
    status = 422 if wrong else 200
    return visit.page("managing/worker.html", status, **shown, entry=entry, wrong=wrong)


async def _leave(visit: Visit, wrong: dict[str, str], cursor: str | None = None) -> Response:
    shown = await leave_of(visit, cursor)
    return visit.page("managing/leave.html", 422 if wrong else 200, **shown, wrong=wrong)


async def _agreements(visit: Visit, wrong: dict[str, str], cursor: str | None = None) -> Response:
    found = await visit.api.get("referral", "/v1/agreements", cursor=cursor, limit=FEW)
    known = {"found": found, "hub": visit.person.hub_id, "standing": standing, "at": now()}
    return visit.page("managing/agreements.html", 422 if wrong else 200, **known, wrong=wrong)
