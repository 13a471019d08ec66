"""HTTP in: search by who somebody is."""

from fastapi import APIRouter, Request, Response

from services.referral.acting import Asker
from services.referral.callers import ByViewer, OnStores
from services.referral.search.command import search
from services.referral.search.request import SearchQuery, SearchResult
from shared.web.access import may
from shared.web.tokens import AnyCaller

router = APIRouter(tags=["referrals"])


@router.post("/v1/referrals/search", dependencies=[may("search_referrals")])
async def post_search(
    query: SearchQuery,
    caller: AnyCaller,
    viewer: ByViewer,
    stores: OnStores,
    request: Request,
    response: Response,
) -> SearchResult:
    """Find referrals by a name, a birth date or an NHS number: a worker among their own cases, a
    manager among those of their Hub. Near spellings are found, too. That you searched is recorded, and
    each hit as a look; what you searched for is not kept.
    What is not yours is not found."""
    await request.app.state.limits.spend("searches", caller.account)
    response.headers["Cache-Control"] = "no-store"
    return await search(stores, Asker(caller, viewer), query)
