"""`/cases/{id}/sharing…`: who may be told what; `/cases/closed`: what is still open after a case."""

from fastapi import APIRouter
from starlette.responses import Response

from services.web.paths import Id
from services.web.visit import Visiting, to
from services.web.working.acts import DEBRIEF
from services.web.working.looking import tried
from services.web.working.sharing import sharing_of, shown_to

router = APIRouter()


@router.get("/cases/{referral_id}/sharing")
async def get_sharing(visit: Visiting, referral_id: Id) -> Response:
    """What was said and decided, and what can be."""
    found = await sharing_of(visit, referral_id)
    return visit.page("working/sharing.html", **found, done=visit.noted())


@router.get("/cases/{referral_id}/sharing/shown")
async def get_shown(
    visit: Visiting, referral_id: Id, agency_id: str = "", purpose: str = "safeguarding"
) -> Response:
    """What one agency would be shown if it looked now, and why not the rest."""
    known = {"id": referral_id, "agency_id": agency_id, "purpose": purpose}
    decision, wrong = await shown_to(visit, referral_id, agency_id, purpose)
    page, status = "working/shown.html", 422 if wrong else 200
    return visit.page(page, status, **known, decision=decision, errors=wrong)


@router.get("/cases/closed")
async def get_closed(visit: Visiting, cursor: str | None = None) -> Response:
    """Cases that ended with this worker, and the debriefs that are open."""
    found = await visit.api.get("allocation", "/v1/closed-cases", cursor=cursor)
    return visit.page("working/closed.html", found=found, wrong={})


@router.post("/cases/closed/{referral_id}")
async def post_debrief(visit: Visiting, referral_id: Id) -> Response:
    """Whether a debrief was held, or is not wanted."""
    form, path = await visit.form(), f"/v1/allocations/{referral_id}/{DEBRIEF.name}"
    said = DEBRIEF.body(form.text(DEBRIEF.field)) or {}
    wrong = {referral_id: "Choose one"}
    if said[DEBRIEF.field]:
        wrong = await tried(visit, path, said, referral_id)
    if not wrong:
        return to("/cases/closed")
    found = await visit.api.get("allocation", "/v1/closed-cases")
    return visit.page("working/closed.html", 422, found=found, wrong=wrong)
