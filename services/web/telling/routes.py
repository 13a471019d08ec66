"""`/settings…`: how somebody wants to be told."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from services.web.api import Refused
from services.web.telling.entry import KINDS, NOTHING, entry
from services.web.telling.lately import came_to, why
from services.web.visit import Visit, Visiting, to

router = APIRouter()
CODE = "This code is not right, or it is too old: enter the one of the newest mail"
NO_TEST = {
    404: "Save your settings first",
    409: "There is nothing to test: enter a mailbox or a webhook first, and save",
    429: "You have tested often enough for now: wait ten minutes. Thirty a day are the most",
}
LATELY = 10


@router.get("/settings")
async def get_settings(visit: Visiting) -> Response:
    """How they are told now."""
    return await _shown(visit, await _current(visit))


@router.post("/settings")
async def post_settings(visit: Visiting) -> Response:
    """Told so from now on. A new address is asked first; a webhook's first secret is shown once."""
    form, before = await visit.form(), await _current(visit)
    try:
        answer = await visit.api.ask("notify", "PUT", _path(visit), json=entry(form, before))
    except Refused as error:
        if error.status != 422:
            raise
        fields = ("url", "email", "kinds", "areas", "quiet_hours")
        return await _shown(visit, before, error.by_field(*fields))
    return await _shown(visit, answer.body) if answer.body["secret"] else to("/settings")


@router.post("/settings/confirmation")
async def post_confirmation(visit: Visiting) -> Response:
    """The code that came by mail."""
    form = await visit.form()
    try:
        sent = {"code": form.text("code")}
        await visit.api.post("notify", f"{_path(visit)}/confirmation", sent)
    except Refused as error:
        if error.status not in (409, 422):
            raise
        return await _shown(visit, await _current(visit), {"code": CODE})
    return to("/settings")


@router.post("/settings/secret")
async def post_secret(visit: Visiting) -> Response:
    """A new secret, shown once; the one before signs for a day more."""
    return await _shown(visit, await visit.api.post("notify", f"{_path(visit)}/secret"))


@router.post("/settings/test")
async def post_test(visit: Visiting) -> Response:
    """A test goes to their own addresses now; the page says what came of it."""
    try:
        trial = await visit.api.post("notify", f"{_path(visit)}/test")
    except Refused as error:
        if error.status not in NO_TEST:
            raise
        return await _shown(visit, await _current(visit), {"test": NO_TEST[error.status]})
    return await _shown(visit, await _current(visit), tried=came_to(trial))


@router.get("/settings/attempts")
async def get_attempts(visit: Visiting, cursor: str | None = None) -> Response:
    """What was sent to them by webhook and mail, or tried."""
    found = await visit.api.get("notify", f"{_path(visit)}/attempts", cursor=cursor)
    return visit.page("telling/attempts.html", found=found, why=why)


def _path(visit: Visit) -> str:
    return f"/v1/subscriptions/{visit.person.own_id}"


async def _current(visit: Visit) -> dict[str, Any]:
    try:
        found = await visit.api.get("notify", _path(visit))
    except Refused as error:
        if error.status != 404:
            raise
        return dict(NOTHING)
    return dict(found)


async def _shown(
    visit: Visit,
    now: dict[str, Any],
    wrong: dict[str, str] | None = None,
    tried: list[dict[str, Any]] | None = None,
) -> Response:
    lately = await visit.api.get("notify", f"{_path(visit)}/attempts", limit=LATELY)
    known = {"now": now, "kinds": KINDS, "wrong": wrong or {}, "tried": tried or []}
    status = 422 if wrong else 200
    return visit.page("telling/settings.html", status, lately=lately, why=why, **known)
