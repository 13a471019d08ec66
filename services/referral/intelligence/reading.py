"""Reading reports: each look, and each refusal, is recorded before the answer goes out."""

import json

from services.referral.access import Refusal, person_of
from services.referral.acting import Asker, find
from services.referral.disclosure.access_record import record_access
from services.referral.hubs.rule import serving
from services.referral.intelligence.access import About, Seen, look, own_reports, viewed
from services.referral.intelligence.report import CONDITIONS, TEXT, Report
from services.referral.intelligence.request import (
    MentionValues,
    MentionView,
    ReportPage,
    ReportView,
    line,
)
from services.referral.store import Stores
from services.referral.vault import Erased
from shared.clock import now
from shared.errors import NotFound
from shared.events.intelligence import IntelligenceRefused
from shared.events.records import UNKNOWN
from shared.rules.access_table import Action


async def read_report(
    stores: Stores, asker: Asker, report_id: str, purpose: str
) -> tuple[Report, ReportView]:
    """The report, its handling code and conditions with it. Raises `NotFound` for who may not see it;
    both are recorded first."""
    about, seen = await theirs(stores, asker, report_id, purpose, "view_report")
    opened = await opened_of(stores, about.report)
    event = viewed(about, asker.viewer, seen, purpose)
    await record_access(stores, *asker, about.report.referral_id or report_id, event)
    return about.report, shown(about.report, opened)


async def list_reports(stores: Stores, asker: Asker, cursor: str | None, limit: int) -> ReportPage:
    """A page of the viewer's own reports, or of those of their areas, without words. Those of young
    people for whom the viewer is marked as unsafe are not there."""
    where = own_reports(asker.viewer)
    if unsafe := await stores.unsafe_referrals_for(person_of(asker.viewer).names):
        where["referral_id"] = {"$nin": unsafe}
    found, following = await stores.reports.page(where, cursor, limit)
    return ReportPage(reports=[line(report) for report in found], next=following)


async def theirs(
    stores: Stores, asker: Asker, report_id: str, purpose: str, action: Action
) -> tuple[About, Seen]:
    """A report that this viewer may do this to. Raises `NotFound`, once that is recorded."""
    about = await about_of(stores, report_id)
    referral = about.referral if about else None
    viewer = asker.viewer
    sharer = referral.hub_id if referral else None
    terms = await stores.terms_between(viewer.id, sharer) if viewer.role == "agency" else []
    if about is None:
        raise await refuse_report(stores, asker, report_id, action, "not_there")
    seen = look(about, viewer, terms, purpose, now(), action)
    if not isinstance(seen, Seen):
        raise await refuse_report(stores, asker, report_id, action, seen)
    return about, seen


async def about_of(stores: Stores, report_id: str) -> About | None:
    """The report and what access to it depends on; None if there is none. As much is read then."""
    report = await stores.reports.find(report_id)
    found = await find(stores, (report.referral_id if report else None) or UNKNOWN)
    served = serving(await stores.hubs.all())
    if report is None:
        return None
    referral, subject = found or (None, None)
    return About(report, referral, subject, served.get(report.area))


async def refuse_report(
    stores: Stores, asker: Asker, report_id: str, action: Action, reason: Refusal
) -> NotFound:
    """Write down that somebody asked for a report that is not theirs, or not there; returns what to
    raise. The two are answered alike."""
    unknown_id = None
    if reason == "not_there":
        unknown_id, report_id = stores.vault.fingerprint("unknown_id", report_id), UNKNOWN
    event = IntelligenceRefused(
        report_id=report_id,
        viewer_kind=asker.viewer.role,
        viewer_id=asker.viewer.id,
        action=action,
        reason=reason,
        unknown_id=unknown_id,
    )
    await record_access(stores, *asker, report_id, event)
    return NotFound("report")


async def opened_of(stores: Stores, report: Report) -> dict[str, str]:
    """What it says; nothing once it was destroyed."""
    try:
        return await stores.vault.open(report.id, report.sealed)
    except Erased:
        return {}


def shown(report: Report, opened: dict[str, str]) -> ReportView:
    """The report with what it says."""
    mentions = [
        MentionView(
            number=each.number,
            kind=each.kind,
            role=each.role,
            values=_values(opened.get(each.sealed_as)),
            findable=bool(each.found_by),
        )
        for each in report.mentions
    ]
    return ReportView(
        **line(report).model_dump(),
        agency_id=report.agency_id,
        worker_id=report.worker_id,
        text=opened.get(TEXT),
        conditions=opened.get(CONDITIONS),
        mentions=mentions,
    )


def _values(sealed: str | None) -> MentionValues | None:
    return None if sealed is None else MentionValues.model_validate(json.loads(sealed))
