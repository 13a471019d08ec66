"""HTTP in: what reports have in common."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from services.referral.acting import Asker
from services.referral.callers import ByViewer, OnStores, ReferralId
from services.referral.intelligence.looking import (
    LinkDecisionEntry,
    Links,
    LinkView,
    decide_on,
    line,
    links_of_referral,
    links_of_report,
)
from services.referral.intelligence.route import ReportId
from shared.web.access import may
from shared.web.etags import IfMatch, tagged
from shared.web.problems import CONDITIONAL
from shared.web.tokens import AnyCaller

router = APIRouter(tags=["intelligence"])

LinkId = Annotated[str, Path(pattern=r"^lnk_[0-9a-f]{32}$")]


@router.get("/v1/intelligence/{report_id}/links", dependencies=[may("view_report_links")])
async def get_report_links(
    report_id: ReportId, caller: AnyCaller, viewer: ByViewer, stores: OnStores, response: Response
) -> Links:
    """What this report has in common with others. Where you may not read those, that a link exists and
    whom to speak with; to an agency only under an agreement with the Hub. That you looked is recorded."""
    response.headers["Cache-Control"] = "no-store"
    return await links_of_report(stores, Asker(caller, viewer), report_id)


@router.get("/v1/referrals/{referral_id}/links", dependencies=[may("view_referral_links")])
async def get_referral_links(
    referral_id: ReferralId,
    caller: AnyCaller,
    viewer: ByViewer,
    stores: OnStores,
    response: Response,
) -> Links:
    """What was reported about this referral and has something in common with other reports."""
    response.headers["Cache-Control"] = "no-store"
    return await links_of_referral(stores, Asker(caller, viewer), referral_id)


@router.post(
    "/v1/links/{link_id}/decisions", responses=CONDITIONAL, dependencies=[may("decide_link")]
)
async def post_link_decision(
    link_id: LinkId,
    entry: LinkDecisionEntry,
    caller: AnyCaller,
    viewer: ByViewer,
    stores: OnStores,
    match: IfMatch,
    response: Response,
) -> LinkView:
    """Say whether a possible link is one; null takes that back. Another report opens it again. What is
    certain is not decided: `409 link_certain`."""
    link = await decide_on(stores, Asker(caller, viewer), link_id, entry, match)
    tagged(response, link.version)
    return line(link, link.report_ids, [])
