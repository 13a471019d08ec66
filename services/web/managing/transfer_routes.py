"""`/transfers…`, `/cases/{id}/transfer`."""

from fastapi import APIRouter
from starlette.responses import Response

from services.web.forms import Errors, Said
from services.web.managing.transferring import ANSWERS, REFUSAL, answered, proposal, proposed
from services.web.paths import Id
from services.web.registering.entries import Shown
from services.web.visit import Visit, Visiting, to
from shared.errors import NotFound

router = APIRouter()


@router.get("/transfers")
async def get_transfers(visit: Visiting, cursor: str | None = None) -> Response:
    """Proposals that wait for an answer; an operator sees all."""
    found = await visit.api.get("referral", "/v1/transfers", cursor=cursor)
    return visit.page("managing/transfers.html", found=found, hub=visit.person.hub_id)


@router.get("/transfers/{referral_id}")
async def get_transfer(visit: Visiting, referral_id: Id) -> Response:
    """One proposal, in codes."""
    return await _one(visit, referral_id, {}, {})


@router.post("/transfers/{referral_id}/{answer}")
async def post_answer(visit: Visiting, referral_id: Id, answer: str) -> Response:
    """Accepted, declined or taken back."""
    if answer not in ANSWERS:
        raise NotFound
    said, wrong = await answered(visit, referral_id, answer, await visit.form())
    return await _one(visit, referral_id, said, wrong) if wrong else to("/transfers")


@router.get("/cases/{referral_id}/transfer")
async def get_proposal(visit: Visiting, referral_id: Id) -> Response:
    """The form to propose it."""
    shown, tag = await proposal(visit, referral_id)
    return _proposal(visit, referral_id, shown, tag)


@router.post("/cases/{referral_id}/transfer")
async def post_proposal(visit: Visiting, referral_id: Id) -> Response:
    """Proposed."""
    form = await visit.form()
    shown = await proposed(visit, referral_id, form)
    if shown.wrong:
        return _proposal(visit, referral_id, shown, form.text("tag"))
    return to(f"/transfers/{referral_id}")


async def _one(visit: Visit, referral_id: str, said: Said, wrong: Errors) -> Response:
    known = await visit.api.ask("referral", "GET", f"/v1/transfers/{referral_id}")
    page = {"one": known.body, "tag": known.tag, "hub": visit.person.hub_id, "said": said}
    status = 422 if wrong else 200
    return visit.page("managing/transfer.html", status, **page, ask=REFUSAL, wrong=wrong)


def _proposal(visit: Visit, referral_id: str, shown: Shown, tag: str) -> Response:
    page = {"id": referral_id, "shown": shown, "tag": tag}
    return visit.page("managing/propose.html", 422 if shown.wrong else 200, **page)
