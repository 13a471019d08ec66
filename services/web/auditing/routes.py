"""`/trail…`: what happened, who looked, what was refused, and whether the trail itself is whole."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.web.auditing.asking import Asked, address, asked_by, asked_in, choices
from services.web.auditing.looking import (
    WHOLE,
    account_of,
    asked_of,
    entry_at,
    found_for,
    offered,
    state_of,
)
from services.web.auditing.telling import line
from services.web.auditing.why import Purpose
from services.web.paths import Id, Place
from services.web.visit import Visit, Visiting, to

router = APIRouter()


@router.get("/trail")
async def get_trail(
    request: Request, visit: Visiting, purpose: str | None = None, cursor: str | None = None
) -> Response:
    """The question, and what it found."""
    asked = asked_in(request.query_params)
    if purpose is None:
        return await _search(visit, asked, "", {})
    found = await found_for(visit, "/trail", asked, purpose, cursor)
    found |= {"asked": asked, "choices": await offered(visit), "wrong": {}}
    return visit.page("auditing/found.html", **found)


@router.post("/trail")
async def post_trail(visit: Visiting) -> Response:
    """To what was asked for; one referral and nothing else is a story."""
    form = await visit.form()
    asked, wrong = await asked_of(visit, form)
    if wrong:
        return await _search(visit, asked, form.text("purpose"), wrong)
    story = f"/trail/referrals/{asked['referral_id']}" if asked.keys() == {"referral_id"} else ""
    return to(address(story or "/trail", {} if story else asked, form.text("purpose")))


@router.get("/trail/referrals/{referral_id}")
async def get_story(
    visit: Visiting, referral_id: Id, purpose: Purpose, cursor: str | None = None
) -> Response:
    """What happened to a referral, in the order in which it was recorded."""
    path, asked = f"/trail/referrals/{referral_id}", {"referral_id": referral_id}
    found = await found_for(visit, path, asked, purpose, cursor, within=referral_id)
    return visit.page("auditing/story.html", **found, referral_id=referral_id)


@router.get("/trail/subjects/{subject_id}")
async def get_account(visit: Visiting, subject_id: Id, purpose: Purpose) -> Response:
    """Who has what of a young person, what was withheld and why, and who looked."""
    return visit.page("auditing/account.html", **await account_of(visit, subject_id, purpose))


@router.get("/trail/entries/{seq}")
async def get_entry(visit: Visiting, seq: Place, purpose: Purpose) -> Response:
    """One entry, with all that was sealed of it."""
    entry = await entry_at(visit, seq, purpose)
    lines = [line(entry)]
    return visit.page("auditing/entry.html", entry=entry, lines=lines, purpose=purpose)


@router.get("/trail/reports")
async def get_reports(visit: Visiting) -> Response:
    """The reports there are."""
    return await _reports(visit, {}, {})


@router.post("/trail/reports")
async def post_report(visit: Visiting) -> Response:
    """To one of them."""
    form = await visit.form()
    asked, wrong = asked_by(form)
    if not form.text("name"):
        wrong["name"] = "Choose a report"
    if wrong:
        return await _reports(visit, {**asked, "purpose": form.text("purpose")}, wrong)
    return to(address(f"/trail/reports/{form.text('name')}", asked, form.text("purpose")))


@router.get("/trail/reports/{name}")
async def get_report(request: Request, visit: Visiting, name: Id, purpose: Purpose) -> Response:
    """What one of them found."""
    asked = asked_in(request.query_params)
    found = await visit.api.get("audit", f"/v1/trail/reports/{name}", **asked, purpose=purpose)
    return visit.page("auditing/report.html", found=found, purpose=purpose)


@router.get("/trail/integrity")
async def get_integrity(visit: Visiting) -> Response:
    """What the trail has found about itself."""
    return visit.page("auditing/integrity.html", **await state_of(visit))


async def _search(visit: Visit, asked: Asked, purpose: str, wrong: dict[str, str]) -> Response:
    known = {"asked": asked, "purpose": purpose, "choices": await offered(visit), "wrong": wrong}
    return visit.page("auditing/search.html", 422 if wrong else 200, **known)


async def _reports(visit: Visit, asked: Asked, wrong: dict[str, str]) -> Response:
    reports = await visit.api.get("audit", "/v1/trail/reports", purpose=WHOLE)
    known = {"reports": reports, "asked": asked, "choices": choices(), "wrong": wrong}
    return visit.page("auditing/reports.html", 422 if wrong else 200, **known)
