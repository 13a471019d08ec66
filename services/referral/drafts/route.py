"""HTTP in: drafts of referrals."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from services.referral.callers import OnStores
from services.referral.drafts.command import begin, change, discard, list_own, read
from services.referral.drafts.request import DraftEntry, DraftLine, DraftPage, DraftView
from shared.web.access import may
from shared.web.etags import IfMatch, tagged
from shared.web.problems import CONDITIONAL
from shared.web.tokens import AnyCaller

router = APIRouter(tags=["drafts"])

DraftId = Annotated[str, Path(pattern=r"^drf_[0-9a-f]{32}$")]


@router.post("/v1/drafts", status_code=201, dependencies=[may("send")])
async def post_draft(
    entry: DraftEntry, caller: AnyCaller, stores: OnStores, response: Response
) -> DraftLine:
    """Keep what you have filled in so far, to go on later. Only your own account reads it, called as
    this agency: not your colleagues, nor anybody of the network. It is destroyed 30 days after its
    last change. A draft is no referral: nobody sees it, and nothing happens until you send one."""
    draft, shown = await begin(stores.drafts, caller, entry)
    response.headers["Location"] = f"/v1/drafts/{draft.id}"
    tagged(response, draft.version)
    return shown


@router.get("/v1/drafts", dependencies=[may("list_drafts")])
async def get_drafts(
    caller: AnyCaller,
    stores: OnStores,
    response: Response,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 25,
) -> DraftPage:
    """Your own drafts, without what is in them: the one made last first."""
    response.headers["Cache-Control"] = "no-store"
    return await list_own(stores.drafts, caller, cursor, limit)


@router.get("/v1/drafts/{draft_id}", dependencies=[may("keep_draft")])
async def get_draft(
    draft_id: DraftId, caller: AnyCaller, stores: OnStores, response: Response
) -> DraftView:
    """Your draft, as you left it."""
    draft, shown = await read(stores.drafts, caller, draft_id)
    response.headers["Cache-Control"] = "no-store"
    tagged(response, draft.version)
    return shown


@router.put("/v1/drafts/{draft_id}", responses=CONDITIONAL, dependencies=[may("keep_draft")])
async def put_draft(
    draft_id: DraftId,
    entry: DraftEntry,
    caller: AnyCaller,
    stores: OnStores,
    match: IfMatch,
    response: Response,
) -> DraftLine:
    """Put all of these answers in the place of the ones before. The same again changes nothing, nor
    when it is destroyed."""
    draft, shown = await change(stores.drafts, caller, draft_id, entry, match)
    tagged(response, draft.version)
    return shown


@router.delete(
    "/v1/drafts/{draft_id}",
    status_code=204,
    response_class=Response,
    dependencies=[may("keep_draft")],
)
async def delete_draft(draft_id: DraftId, caller: AnyCaller, stores: OnStores) -> None:
    """Destroy your draft now, as after you have sent it. Nothing brings it back."""
    await discard(stores.drafts, caller, draft_id)
