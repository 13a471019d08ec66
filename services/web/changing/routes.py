"""`/referrals/{id}/change/…`, `/cases/{id}/change/…`: one section, for who sent it or has it."""

from fastapi import APIRouter
from starlette.responses import Response

from services.web.changing.doing import ask, place_of, send
from services.web.paths import Id
from services.web.visit import Visiting

router = APIRouter()


@router.get("/referrals/{referral_id}/change/{name}")
@router.get("/cases/{referral_id}/change/{name}")
async def get_change(visit: Visiting, referral_id: Id, name: str) -> Response:
    """One section, as it stands."""
    return await ask(place_of(visit, referral_id, name))


@router.post("/referrals/{referral_id}/change/{name}")
@router.post("/cases/{referral_id}/change/{name}")
async def post_change(visit: Visiting, referral_id: Id, name: str) -> Response:
    """It is changed; what can't be is said on the page, with what was typed."""
    return await send(place_of(visit, referral_id, name))


@router.get("/referrals/{referral_id}/change/{name}/{entry_id}")
@router.get("/cases/{referral_id}/change/{name}/{entry_id}")
async def get_change_of(visit: Visiting, referral_id: Id, name: str, entry_id: Id) -> Response:
    """The same of one consent, or one decision."""
    return await ask(place_of(visit, referral_id, name, entry_id))


@router.post("/referrals/{referral_id}/change/{name}/{entry_id}")
@router.post("/cases/{referral_id}/change/{name}/{entry_id}")
async def post_change_of(visit: Visiting, referral_id: Id, name: str, entry_id: Id) -> Response:
    """It is changed."""
    return await send(place_of(visit, referral_id, name, entry_id))
