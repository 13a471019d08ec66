"""HTTP in: referrals that no Hub serves, for operators."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from services.referral.acting import Asker
from services.referral.areas.request import PlaceEntry
from services.referral.callers import ByParty, OnStores, ReferralId
from services.referral.stranded.command import list_stranded, place_stranded, read_stranded
from services.referral.stranded.rule import StrandedView
from shared.web.access import may
from shared.web.etags import IfMatch, tagged
from shared.web.problems import CONDITIONAL
from shared.web.tokens import AnyCaller

router = APIRouter(tags=["stranded"])


class StrandedPage(BaseModel):
    """Newest first; pass `next` as `cursor` for the page behind it."""

    referrals: list[StrandedView]
    next: str | None


@router.get("/v1/stranded", dependencies=[may("list_stranded")])
async def get_stranded_referrals(
    caller: AnyCaller,
    viewer: ByParty,
    stores: OnStores,
    response: Response,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> StrandedPage:
    """Open referrals that no Hub holds and whose area no Hub serves. Of one whose area nobody knows
    the agency's own word is shown, which may hold anything: that you looked is recorded then."""
    response.headers["Cache-Control"] = "no-store"
    found, following = await list_stranded(stores, Asker(caller, viewer), cursor, limit)
    return StrandedPage(referrals=found, next=following)


@router.get("/v1/stranded/{referral_id}", dependencies=[may("view_stranded")])
async def get_stranded(
    referral_id: ReferralId,
    caller: AnyCaller,
    viewer: ByParty,
    stores: OnStores,
    response: Response,
) -> StrandedView:
    """One of them. That you looked is recorded; for any other referral it isn't there."""
    referral, view = await read_stranded(stores, Asker(caller, viewer), referral_id)
    tagged(response, referral.version)
    response.headers["Cache-Control"] = "no-store"
    return view


class PlacedView(BaseModel):
    """Where the referral is now."""

    id: str
    area: str


@router.put(
    "/v1/stranded/{referral_id}/area",
    responses=CONDITIONAL,
    dependencies=[may("place_stranded")],
)
async def put_stranded_area(
    referral_id: ReferralId,
    entry: PlaceEntry,
    caller: AnyCaller,
    viewer: ByParty,
    stores: OnStores,
    match: IfMatch,
    response: Response,
) -> PlacedView:
    """Put a stranded referral in an area of the register: its Hub has it then. `409 area_unknown`
    where no area is called so. The same again changes nothing."""
    placed = await place_stranded(stores, Asker(caller, viewer), referral_id, entry, match)
    tagged(response, placed.version)
    return PlacedView(id=placed.id, area=placed.area)
