"""`/cases/{id}/why`, `/cases/{id}/place`, `/cases/{id}/hard-cap`."""

from fastapi import APIRouter
from starlette.responses import Response

from services.web.managing.paging import Number
from services.web.managing.placing import agreed, asked_of, placed, placing_of, why_of
from services.web.paths import Id
from services.web.visit import Visit, Visiting, to

router = APIRouter()


@router.get("/cases/{referral_id}/why")
async def get_why(visit: Visiting, referral_id: Id, page: Number = 1) -> Response:
    """Why this worker and why not each other: in sentences, as tables and as a picture."""
    return visit.page("managing/why.html", **await why_of(visit, referral_id, page))


@router.get("/cases/{referral_id}/place")
async def get_place(visit: Visiting, referral_id: Id, page: Number = 1) -> Response:
    """Who could have it, and what it would do to their caseload."""
    return await _placing(visit, referral_id, {}, {}, page)


@router.post("/cases/{referral_id}/place")
async def post_place(visit: Visiting, referral_id: Id) -> Response:
    """Named by hand, of the case as it was shown; or asked of a second manager."""
    form = await visit.form()
    if wrong := await placed(visit, referral_id, form):
        said = {name: form.text(name) for name in ("worker_id", "reason")}
        return await _placing(visit, referral_id, said, wrong)
    asked = form.text("exceed_hard_cap") == "yes"
    return to(f"/cases/{referral_id}/hard-cap" if asked else f"/cases/{referral_id}")


@router.get("/cases/{referral_id}/hard-cap")
async def get_hard_cap(visit: Visiting, referral_id: Id) -> Response:
    """That a second manager has to agree, and how they do."""
    shown = await asked_of(visit, referral_id)
    return visit.page("managing/hard_cap.html", **shown, wrong={})


@router.post("/cases/{referral_id}/hard-cap")
async def post_hard_cap(visit: Visiting, referral_id: Id) -> Response:
    """Agreed by a second person."""
    if wrong := await agreed(visit, referral_id):
        shown = await asked_of(visit, referral_id)
        return visit.page("managing/hard_cap.html", 422, **shown, wrong=wrong)
    return to(f"/cases/{referral_id}")


async def _placing(
    visit: Visit, referral_id: str, said: dict[str, str], wrong: dict[str, str], page: int = 1
) -> Response:
    shown = await placing_of(visit, referral_id, page)
    status = 422 if wrong else 200
    return visit.page("managing/place.html", status, p=shown, said=said, wrong=wrong)
