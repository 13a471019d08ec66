"""`/advice…`: questions of agencies, and the answers of a Hub."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from services.web.api import NOT_SO, Refused
from services.web.paths import Id
from services.web.visit import Visit, Visiting, to
from shared.ids import new_id

router = APIRouter()
MOST_AREAS = 500
ASKED = ("area", "theme", "text")
NEEDED = {
    "text": "Write your question",
    "theme": "Choose what it is about",
    "area": "Choose the area",
}


@router.get("/advice")
async def get_advice(visit: Visiting, cursor: str | None = None) -> Response:
    """The questions of this agency with the form for a new one; or those to this Hub."""
    return await _all(visit, {}, {}, cursor)


@router.post("/advice")
async def post_advice(visit: Visiting) -> Response:
    """Asked, once however often it is pressed."""
    form = await visit.form()
    typed = {name: form.text(name) for name in (*ASKED, "key")}
    wrong = {name: why for name, why in NEEDED.items() if not typed[name]}
    entry = {name: typed[name] for name in ASKED}
    wrong = wrong or await _tried(visit, "/v1/advice", entry, typed["key"], "area")
    return await _all(visit, wrong, typed, None) if wrong else to("/advice")


@router.get("/advice/{advice_id}")
async def get_one(visit: Visiting, advice_id: Id) -> Response:
    """A question with all that was written."""
    return await _one(visit, advice_id, {}, "")


@router.post("/advice/{advice_id}/messages")
async def post_message(visit: Visiting, advice_id: Id) -> Response:
    """Written further, by either side."""
    form = await visit.form()
    text, path = form.text("text"), f"/v1/advice/{advice_id}/messages"
    wrong = {} if text else {"text": "Write something first"}
    wrong = wrong or await _tried(visit, path, {"text": text}, form.text("key"), "text")
    return await _one(visit, advice_id, wrong, text) if wrong else to(f"/advice/{advice_id}")


@router.post("/advice/{advice_id}/closure")
async def post_closure(visit: Visiting, advice_id: Id) -> Response:
    """What came of it; where it became a referral, which."""
    form = await visit.form()
    entry = {"outcome": form.text("outcome"), "referral_id": form.text("referral_id") or None}
    path = f"/v1/advice/{advice_id}/closure"
    wrong = {} if entry["outcome"] else {"outcome": "Choose what came of it"}
    wrong = wrong or await _tried(visit, path, entry, "", "outcome")
    return await _one(visit, advice_id, wrong, "") if wrong else to(f"/advice/{advice_id}")


async def _tried(
    visit: Visit, path: str, entry: Mapping[str, Any], key: str, field: str
) -> dict[str, str]:
    """What is wrong with it; nothing where it was taken. Raises `Refused` for every other no."""
    try:
        await visit.api.post("referral", path, dict(entry), key=key)
    except Refused as error:
        if error.status not in (409, NOT_SO):
            raise
        return {field: error.said("It was not taken as it is")}
    return {}


async def _all(
    visit: Visit, wrong: dict[str, str], typed: dict[str, str], cursor: str | None
) -> Response:
    found = await visit.api.get("referral", "/v1/advice", cursor=cursor)
    asks = bool(visit.person.agency_id)
    areas = await _areas(visit) if asks else []
    given = {"found": found, "asks": asks, "areas": areas, "a": typed, "wrong": wrong}
    key = typed.get("key") or new_id("web")
    return visit.page("advising/all.html", 422 if wrong else 200, **given, key=key)


async def _areas(visit: Visit) -> list[tuple[str, str]]:
    """Those that a Hub serves: from others nobody would answer."""
    found: list[tuple[str, str]] = []
    cursor: str | None = ""
    while cursor is not None and len(found) < MOST_AREAS:
        page = await visit.api.get("referral", "/v1/areas", cursor=cursor, limit=100)
        served = [one for one in page["areas"] if one["hub_id"]]
        found += [(one["code"], one["name"] or one["code"]) for one in served]
        cursor = page["next"]
    return found


async def _one(visit: Visit, advice_id: str, wrong: dict[str, str], text: str) -> Response:
    advice = await visit.api.get("referral", f"/v1/advice/{advice_id}")
    given = {"advice": advice, "text": text, "wrong": wrong, "key": new_id("web")}
    return visit.page("advising/one.html", 422 if wrong else 200, **given)
