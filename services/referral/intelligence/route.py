"""HTTP in: intelligence reports."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from services.referral.acting import Asker
from services.referral.callers import ByViewer, Key, OnStores
from services.referral.documents import Purpose
from services.referral.intelligence.command import (
    report_intelligence,
    review_report,
    withdraw_report,
)
from services.referral.intelligence.reading import list_reports, read_report
from services.referral.intelligence.request import (
    ReportEntry,
    ReportLine,
    ReportPage,
    ReportView,
    ReviewEntry,
    WithdrawalEntry,
    line,
)
from shared.web.access import may
from shared.web.etags import IfMatch, tagged
from shared.web.problems import CONDITIONAL
from shared.web.tokens import AnyCaller

router = APIRouter(tags=["intelligence"])

ReportId = Annotated[str, Path(pattern=r"^rep_[0-9a-f]{32}$")]


@router.post("/v1/intelligence", status_code=201, dependencies=[may("report_intelligence")])
async def post_intelligence(
    entry: ReportEntry,
    caller: AnyCaller,
    viewer: ByViewer,
    stores: OnStores,
    key: Key,
    response: Response,
) -> ReportLine:
    """Report what you know or noticed, also where no child is known: people, phones, vehicles, places,
    each as what. Send the same request again, with the same `Idempotency-Key`, as often as you like.
    Words and names are encrypted; the coordinator of the area and its Hub read them."""
    report = await report_intelligence(stores, Asker(caller, viewer), entry, key)
    response.headers["Location"] = f"/v1/intelligence/{report.id}"
    tagged(response, report.version)
    return line(report)


@router.get("/v1/intelligence", dependencies=[may("list_reports")])
async def get_intelligence(
    caller: AnyCaller,
    viewer: ByViewer,
    stores: OnStores,
    response: Response,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> ReportPage:
    """Your own reports, the newest first; to a Hub's manager and an area's coordinator those of their
    areas. Without words: read one to see them."""
    response.headers["Cache-Control"] = "no-store"
    return await list_reports(stores, Asker(caller, viewer), cursor, limit)


@router.get("/v1/intelligence/{report_id}", dependencies=[may("view_report")])
async def get_intelligence_report(
    report_id: ReportId,
    caller: AnyCaller,
    viewer: ByViewer,
    stores: OnStores,
    response: Response,
    purpose: Annotated[Purpose, Query(description="What you need it for.")] = "safeguarding",
) -> ReportView:
    """A report, for who sent it, the Hub and the coordinator of its area, and the worker on the case it
    names; a partner agency, where an agreement and a ground permit `intelligence` of that young
    person. Its handling code and conditions bind you. That you looked is recorded."""
    report, shown = await read_report(stores, Asker(caller, viewer), report_id, purpose)
    response.headers["Cache-Control"] = "no-store"
    tagged(response, report.version)
    return shown


@router.post(
    "/v1/intelligence/{report_id}/withdrawal",
    responses=CONDITIONAL,
    dependencies=[may("withdraw_report")],
)
async def post_intelligence_withdrawal(
    report_id: ReportId,
    entry: WithdrawalEntry,
    caller: AnyCaller,
    viewer: ByViewer,
    stores: OnStores,
    match: IfMatch,
    response: Response,
) -> ReportLine:
    """Take a report back: yours, or, as the coordinator, one of your area. Nothing is found by it any
    more, partners read it no longer, and it is destroyed after a year."""
    report = await withdraw_report(stores, Asker(caller, viewer), report_id, entry, match)
    tagged(response, report.version)
    return line(report)


@router.post(
    "/v1/intelligence/{report_id}/reviews",
    responses=CONDITIONAL,
    dependencies=[may("review_report")],
)
async def post_intelligence_review(
    report_id: ReportId,
    entry: ReviewEntry,
    caller: AnyCaller,
    viewer: ByViewer,
    stores: OnStores,
    match: IfMatch,
    response: Response,
) -> ReportLine:
    """Say whether a report is needed still: kept, its times begin anew; if not, it is destroyed."""
    report = await review_report(stores, Asker(caller, viewer), report_id, entry, match)
    tagged(response, report.version)
    return line(report)
