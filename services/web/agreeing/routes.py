"""`/agreements…`, `/new-agreement`."""

from fastapi import APIRouter
from starlette.responses import Response

from services.web.agreeing.standing import standing
from services.web.agreeing.writing import (
    FEW,
    agreement,
    blank,
    ended,
    new_id,
    reviewed,
    signed,
    terms_of,
    written,
)
from services.web.forms import Errors
from services.web.paths import Id
from services.web.registering.entries import Shown
from services.web.visit import Visit, Visiting, to
from shared.clock import now

router = APIRouter()


@router.get("/agreements")
async def get_agreements(visit: Visiting, cursor: str | None = None) -> Response:
    """Those of this agency or Hub, the first to end first; an operator sees all."""
    found = await visit.api.get("referral", "/v1/agreements", cursor=cursor, limit=FEW)
    known = {"found": found, "own": visit.person.own_id, "standing": standing, "at": now()}
    return visit.page("agreeing/all.html", **known)


@router.get("/new-agreement")
async def get_new(visit: Visiting) -> Response:
    """The form for a new one, which has its id from the start: sent twice it is one."""
    return _terms(visit, new_id(), await blank(visit))


@router.get("/agreements/{agreement_id}")
async def get_agreement(visit: Visiting, agreement_id: Id) -> Response:
    """One, with the versions before."""
    return await _one(visit, agreement_id, {})


@router.get("/agreements/{agreement_id}/terms")
async def get_terms(visit: Visiting, agreement_id: Id) -> Response:
    """Its terms, to be changed."""
    shown, tag = await terms_of(visit, agreement_id)
    return _terms(visit, agreement_id, shown, tag)


@router.post("/agreements/{agreement_id}/terms")
async def post_terms(visit: Visiting, agreement_id: Id) -> Response:
    """Written down: nobody has signed them yet."""
    form = await visit.form()
    shown = await written(visit, agreement_id, form)
    if shown.wrong:
        return _terms(visit, agreement_id, shown, form.text("tag"))
    return to(f"/agreements/{agreement_id}")


@router.post("/agreements/{agreement_id}/signature")
async def post_signature(visit: Visiting, agreement_id: Id) -> Response:
    """Signed for this agency or Hub."""
    return await _after(visit, agreement_id, await signed(visit, agreement_id, await visit.form()))


@router.post("/agreements/{agreement_id}/review")
async def post_review(visit: Visiting, agreement_id: Id) -> Response:
    """Looked at, and it stands."""
    wrong = await reviewed(visit, agreement_id, await visit.form())
    return await _after(visit, agreement_id, wrong)


@router.post("/agreements/{agreement_id}/end")
async def post_end(visit: Visiting, agreement_id: Id) -> Response:
    """It ends now."""
    return await _after(visit, agreement_id, await ended(visit, agreement_id, await visit.form()))


async def _after(visit: Visit, agreement_id: str, wrong: Errors) -> Response:
    return await _one(visit, agreement_id, wrong) if wrong else to(f"/agreements/{agreement_id}")


async def _one(visit: Visit, agreement_id: str, wrong: Errors) -> Response:
    known = await agreement(visit, agreement_id)
    at = now()
    shown = {"id": agreement_id, "each": known.body, "tag": known.tag, "wrong": wrong}
    shown |= {"stands": standing(known.body, at), "own": visit.person.own_id}
    return visit.page("agreeing/one.html", 422 if wrong else 200, **shown)


def _terms(visit: Visit, agreement_id: str, shown: Shown, tag: str = "") -> Response:
    status = 422 if shown.wrong else 200
    known = {"id": agreement_id, "shown": shown, "tag": tag}
    return visit.page("agreeing/terms.html", status, **known)
