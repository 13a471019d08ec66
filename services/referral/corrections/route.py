"""HTTP in: amendments, and what was discussed."""

from fastapi import APIRouter, Response

from services.referral.acting import Asker, tag_for
from services.referral.callers import ByViewer, OnStores, ReferralId
from services.referral.corrections.command import amend_referral, discuss
from services.referral.corrections.request import AmendReferral
from services.referral.documents import DiscussionEntry
from services.referral.intake.receipt import Receipt, receipt
from shared.web.access import may
from shared.web.etags import IfMatch, tagged
from shared.web.problems import CONDITIONAL
from shared.web.tokens import AnyCaller

router = APIRouter(tags=["steps"], responses=CONDITIONAL)


@router.post("/v1/referrals/{referral_id}/amendments", dependencies=[may("amend")])
async def post_amendment(
    referral_id: ReferralId,
    amendment: AmendReferral,
    caller: AnyCaller,
    viewer: ByViewer,
    stores: OnStores,
    match: IfMatch,
    response: Response,
) -> Receipt:
    """Add or correct something after sending: a merge patch (RFC 7396). What it does not name
    stays, null removes; texts and indicators are added to. Who wrote what, and what was there
    before, is kept."""
    asker = Asker(caller, viewer)
    referral = await amend_referral(stores, asker, referral_id, amendment, match)
    tagged(response, tag_for(viewer)(referral))
    return receipt(referral, amendment.asides)


@router.post("/v1/referrals/{referral_id}/discussion", dependencies=[may("record_discussion")])
async def post_discussion(
    referral_id: ReferralId,
    entry: DiscussionEntry,
    caller: AnyCaller,
    viewer: ByViewer,
    stores: OnStores,
    match: IfMatch,
    response: Response,
) -> Receipt:
    """Record what was discussed with the young person and what they wish, or why it was not."""
    referral = await discuss(stores, Asker(caller, viewer), referral_id, entry, match)
    tagged(response, tag_for(viewer)(referral))
    return receipt(referral)
