"""`/settings…`: how somebody wants to be told."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from services.web.api import Refused
from services.web.telling.entry import KINDS, NOTHING, entry
from services.web.visit import Visit, Visiting, to

router = APIRouter()
CODE = "This code is not right, or it is too old: enter the one of the newest mail"


@router.get("/settings")
async def get_settings(visit: Visiting) -> Response:
    """How they are told now."""
    return _shown(visit, await _current(visit), {})


@router.post("/settings")
async def post_settings(visit: Visiting) -> Response:
    """Told so from now on. A new address is asked first; a webhook's first secret is shown once."""
    form, before = await visit.form(), await _current(visit)
    try:
        answer = await visit.api.ask("notify", "PUT", _path(visit), json=entry(form, before))
    except Refused as error:
        if error.status != 422:
            raise
        return _shown(
            visit, before, error.by_field("url", "email", "kinds", "areas", "quiet_hours")
        )
    return _shown(visit, answer.body, {}) if answer.body["secret"] else to("/settings")


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
        return _shown(visit, await _current(visit), {"code": CODE})
    return to("/settings")


@router.post("/settings/secret")
async def post_secret(visit: Visiting) -> Response:
    """A new secret, shown once; the one before signs for a day more."""
    found = await visit.api.post("notify", f"{_path(visit)}/secret")
    return _shown(visit, found, {})


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


def _shown(visit: Visit, now: dict[str, Any], wrong: dict[str, str]) -> Response:
    status = 422 if wrong else 200
    return visit.page("telling/settings.html", status, now=now, kinds=KINDS, wrong=wrong)
