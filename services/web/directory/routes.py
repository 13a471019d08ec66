"""`/directory…`, and `/help-near-you` for everybody."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from services.web.api import Away, Refused
from services.web.directory.entry import hub_card, worker_card, wrong
from services.web.directory.looking import FEW, entry_of, found_in, put
from services.web.directory.saying import plain, when
from services.web.paths import ID, Id
from services.web.visit import Visit, Visiting, show, to

router = APIRouter()
Code = Annotated[str | None, Query(pattern=r"^([a-z0-9][a-z0-9_-]{0,39})?$")]
Cursor = Annotated[str | None, Query(pattern=ID)]


@router.get("/help-near-you")
async def get_help_near_you(request: Request, cursor: Cursor = None) -> Response:
    """Where help is, for a young person: without signing in, and nothing of them is asked or kept."""
    host = request.client.host if request.client else "unknown"
    api = request.app.state.apis.asked_by("", host)
    try:
        path = "/v1/directory/public"
        found = await api.get("allocation", path, limit=FEW, cursor=cursor)
    except (Away, Refused):
        found = None
    return show(request, "young/near_you.html", found=found, when=when, plain=plain)


@router.get("/directory")
async def get_directory(
    visit: Visiting,
    area: Code = None,
    need: Code = None,
    people: Cursor = None,
    hubs: Cursor = None,
) -> Response:
    """Who can be asked, by area and kind of help, and who is on duty."""
    found = await found_in(visit, area, need, people, hubs)
    return visit.page("directory/all.html", **found, when=when)


@router.get("/directory/workers/{worker_id}")
async def get_entry(visit: Visiting, worker_id: Id) -> Response:
    """What is shown of a worker."""
    return await _entry(visit, worker_id, {})


@router.post("/directory/workers/{worker_id}")
async def post_entry(visit: Visiting, worker_id: Id) -> Response:
    """What is shown of them from now on."""
    form = await visit.form()
    card = worker_card(form)
    path = f"/v1/workers/{worker_id}/directory-entry"
    errors = wrong(card) or await put(visit, path, form, card)
    return await _entry(visit, worker_id, errors, card) if errors else to("/directory")


@router.post("/directory/workers/{worker_id}/hold")
async def post_hold(visit: Visiting, worker_id: Id) -> Response:
    """Kept out of the directory, or let in again, by a manager."""
    form = await visit.form()
    held = {"held_back": form.text("held_back") == "yes"}
    errors = await put(visit, f"/v1/workers/{worker_id}/directory-hold", form, held)
    where = f"/directory/workers/{worker_id}"
    return await _entry(visit, worker_id, errors) if errors else to(where)


@router.get("/directory/desk")
async def get_desk(visit: Visiting) -> Response:
    """What is shown of the Hub's desk."""
    return await _desk(visit, {})


@router.post("/directory/desk")
async def post_desk(visit: Visiting) -> Response:
    """What is shown of it from now on."""
    form = await visit.form()
    card = hub_card(form)
    path = f"/v1/hubs/{visit.person.hub_id}/directory-entry"
    errors = wrong(card) or await put(visit, path, form, card)
    return await _desk(visit, errors, card) if errors else to("/directory")


async def _entry(
    visit: Visit, worker_id: str, errors: dict[str, str], said: dict[str, Any] | None = None
) -> Response:
    shown = await entry_of(visit, f"/v1/workers/{worker_id}/directory-entry")
    # What somebody else has changed is to be seen before anything is entered again.
    card = shown["known"]["entry"] if "send" in errors else said or shown["known"]["entry"]
    known = {"id": worker_id, "card": card, **shown, "errors": errors}
    return visit.page("directory/entry.html", 422 if errors else 200, **known)


async def _desk(
    visit: Visit, errors: dict[str, str], said: dict[str, Any] | None = None
) -> Response:
    shown = await entry_of(visit, f"/v1/hubs/{visit.person.hub_id}/directory-entry")
    card = shown["known"] if "send" in errors else said or shown["known"]
    return visit.page(
        "directory/desk.html", 422 if errors else 200, card=card, **shown, errors=errors
    )
