"""`/cases/{id}/safety…`."""

from fastapi import APIRouter
from starlette.responses import Response

from services.web.forms import Errors, Said
from services.web.managing.marking import MARKED, mark_asks, marked, marks_of
from services.web.paths import Id
from services.web.visit import Visit, Visiting, to
from shared.errors import NotFound

router = APIRouter()


@router.get("/cases/{referral_id}/safety")
async def get_marks(visit: Visiting, referral_id: Id) -> Response:
    """Who is marked, and what that does."""
    return visit.page("managing/marks.html", **await marks_of(visit, referral_id))


@router.get("/cases/{referral_id}/safety/{kind}")
async def get_mark(visit: Visiting, referral_id: Id, kind: str, who: str = "") -> Response:
    """The form to mark somebody, or to lift a mark."""
    return await _mark(visit, referral_id, kind, {"who": who}, {})


@router.post("/cases/{referral_id}/safety/{kind}")
async def post_mark(visit: Visiting, referral_id: Id, kind: str) -> Response:
    """Marked, or lifted: it acts from the answer on."""
    if kind not in MARKED:
        raise NotFound
    said, wrong = await marked(visit, referral_id, kind, await visit.form())
    if wrong:
        return await _mark(visit, referral_id, kind, said, wrong)
    return to(f"/cases/{referral_id}/safety")


async def _mark(visit: Visit, referral_id: str, kind: str, said: Said, wrong: Errors) -> Response:
    if kind not in MARKED:
        raise NotFound
    asks = await mark_asks(visit, kind)
    page = {"id": referral_id, "kind": kind, "called": MARKED[kind][0], "asks": asks}
    status = 422 if wrong else 200
    return visit.page("managing/mark.html", status, **page, said=said, wrong=wrong)
