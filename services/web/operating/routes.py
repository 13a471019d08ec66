"""`/stranded…`: referrals of an area that no Hub serves."""

from fastapi import APIRouter
from starlette.responses import Response

from services.web.api import Refused
from services.web.forms import Ask, Errors, Said, faults, refused, typed
from services.web.paths import Id
from services.web.registering.choosing import one_of
from services.web.visit import Visit, Visiting, to

router = APIRouter()


@router.get("/stranded")
async def get_stranded(visit: Visiting, cursor: str | None = None) -> Response:
    """All of them, which nobody works on."""
    found = await visit.api.get("referral", "/v1/stranded", cursor=cursor)
    return visit.page("operating/stranded.html", found=found)


@router.get("/stranded/{referral_id}")
async def get_one(visit: Visiting, referral_id: Id) -> Response:
    """One of them, in codes, and where it could go."""
    return await _one(visit, referral_id, {}, {})


@router.post("/stranded/{referral_id}")
async def post_area(visit: Visiting, referral_id: Id) -> Response:
    """Put in an area, whose Hub has it then."""
    form, ask = await visit.form(), await _area(visit)
    said = typed([ask], form)
    wrong = faults([ask], said)
    if not wrong:
        wrong = await _placed(visit, referral_id, {"area": said["area"]}, form.text("tag"), ask)
    return await _one(visit, referral_id, said, wrong) if wrong else to("/stranded")


async def _area(visit: Visit) -> Ask:
    return await one_of(visit, "area", "Which area is it?", "areas", needed="Choose an area")


async def _placed(
    visit: Visit, referral_id: str, sent: dict[str, str], tag: str, ask: Ask
) -> Errors:
    path, fields = f"/v1/stranded/{referral_id}/area", {"If-Match": tag}
    try:
        await visit.api.ask("referral", "PUT", path, json=sent, headers=fields)
    except Refused as error:
        return refused(error, [ask])
    return {}


async def _one(visit: Visit, referral_id: str, said: Said, wrong: Errors) -> Response:
    known = await visit.api.ask("referral", "GET", f"/v1/stranded/{referral_id}")
    page = {"one": known.body, "tag": known.tag, "ask": await _area(visit), "said": said}
    return visit.page("operating/one.html", 422 if wrong else 200, **page, wrong=wrong)
