"""Who may do what with a report. Pure; `shared.rules.access` decides."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from services.referral.access import Refusal, Viewer, person_of, refusal_of
from services.referral.intelligence.report import Report
from services.referral.records import Referral
from services.referral.sharing.speakers import sharing_for
from services.referral.sharing.subject import Subject
from shared.errors import Forbidden, NotFound
from shared.events.codes import WITHOUT_REPLY
from shared.events.intelligence import IntelligenceViewed, ReportViewerKind
from shared.rules.access import Thing, Verdict, decide
from shared.rules.access_table import Action
from shared.rules.relations import Relation
from shared.rules.sharing import POLICY_VERSION, Decision, Request, Terms
from shared.rules.sharing import decide as decide_sharing

VIEWED_AS: Mapping[Relation, ReportViewerKind] = {
    "own_agency": "agency",
    "partner": "agency",
    "worker_in_person": "worker",
    "worker_on_case": "worker",
    "manager_of_hub": "hub_manager",
    "coordinator_of_area": "coordinator",
}
# What a coordinator does with a report of their own, of whichever area: they saw it there.
OWN_ELSEWHERE: frozenset[Action] = frozenset({"view_report", "withdraw_report"})
OWN: frozenset[Relation] = frozenset({"own_agency", "worker_in_person"})


@dataclass(frozen=True)
class About:
    """A report with the referral that it names, whom that is about, and the Hub of its area."""

    report: Report
    referral: Referral | None = None
    subject: Subject | None = None
    area_hub_id: str | None = None


@dataclass(frozen=True)
class Seen:
    """That somebody may see a report, as whom, and for a partner why."""

    relation: Relation
    decision: Decision | None = None

    @property
    def own(self) -> bool:
        """Whether it is the reader's own report."""
        return self.relation in OWN


def look(
    about: About,
    viewer: Viewer,
    agreements: Iterable[Terms],
    purpose: str,
    at: datetime,
    action: Action = "view_report",
) -> Seen | Refusal:
    """As whom this viewer sees the report, or why not. A partner does where an agreement and a ground
    let it see `intelligence` of the young person whose referral the report names, and while it
    stands: of a report that names none nobody can have consented, and no basis be recorded."""
    decision = _sharing(about, viewer, agreements, purpose, at)
    stands = about.report.status == "standing"
    known = decision is not None and "intelligence" in decision.permitted and stands
    verdict = verdict_of(action, about, viewer, (viewer.id,) if known else ())
    if verdict.allowed:
        partner = verdict.relation == "partner"
        return Seen(verdict.relation, decision if partner else None)
    asked = decision is not None and verdict.relation == "other_agency"
    return "nothing_permitted" if asked else refusal_of(verdict)


def verdict_of(
    action: Action, about: About, viewer: Viewer, shared_with: Collection[str] = ()
) -> Verdict:
    """May they do this to it?"""
    facts = facts_of(about, viewer, shared_with)
    report = about.report
    if action in OWN_ELSEWHERE and (viewer.role, viewer.account) == (
        report.reporter_kind,
        report.account,
    ):
        facts = replace(facts, areas=(*facts.areas, viewer.area_id or ""))
    return decide(action, person_of(viewer), facts)


def facts_of(about: About, viewer: Viewer, shared_with: Collection[str] = ()) -> Thing:
    """A report as the rules of access see it. It is the agency's whose account sent it, unless many
    share that; and its Hub is the one of the area, and the one that has the referral it names.

    Who is marked as unsafe for that young person, or seems to be mentioned, sees nothing of it.
    """
    report, referral = about.report, about.referral
    shared_account = viewer.role == "agency" and viewer.agency_kind in WITHOUT_REPLY
    hubs = [about.area_hub_id, referral.hub_id if referral else None]
    return Thing(
        agency_id=None if shared_account else report.agency_id,
        hub_id=viewer.hub_id if viewer.hub_id in hubs else about.area_hub_id,
        areas=(report.area,),
        worker_id=referral.worker_id if referral else None,
        person_id=report.worker_id,
        shared_with=shared_with,
        unsafe=(*report.unsafe, *(about.subject.unsafe if about.subject else ())),
    )


def own_reports(viewer: Viewer) -> dict[str, Any]:
    """Which reports a list shows: one's own; of the areas of one's Hub; of one's area. Raises
    `Forbidden` for who has none, `NotFound` for who manages no registered Hub."""
    own = Thing(
        agency_id=viewer.id,
        person_id=viewer.id,
        hub_id=viewer.hub_id,
        areas=(viewer.area_id or "",),
    )
    verdict = decide("list_reports", person_of(viewer), own)
    if not verdict.allowed:
        raise NotFound if verdict.hidden else Forbidden
    shared_account = viewer.agency_kind in WITHOUT_REPLY
    shown: dict[Relation, dict[str, Any]] = {
        "own_agency": {"agency_id": {"$in": [] if shared_account else [viewer.id]}},
        "worker_in_person": {"worker_id": viewer.id},
        "manager_of_hub": {"area": {"$in": sorted(viewer.areas)}},
        "coordinator_of_area": {"area": (viewer.area_id or "").casefold()},
    }
    return {**shown[verdict.relation], "unsafe": {"$nin": sorted(person_of(viewer).names)}}


def viewed(about: About, viewer: Viewer, seen: Seen, purpose: str) -> IntelligenceViewed:
    """The event of a look that was allowed."""
    report = about.report
    return IntelligenceViewed(
        report_id=report.id,
        referral_id=report.referral_id,
        subject_id=about.referral.subject_id if about.referral else None,
        viewer_kind=VIEWED_AS[seen.relation],
        viewer_id=viewer.id,
        purpose=purpose,
        handling=report.handling,
        own=seen.own,
        verdicts=seen.decision.verdicts if seen.decision else (),
        policy_version=POLICY_VERSION,
    )


def _sharing(
    about: About, viewer: Viewer, agreements: Iterable[Terms], purpose: str, at: datetime
) -> Decision | None:
    """What sharing decides of the young person's intelligence for an agency; None for others, and
    where no young person is named."""
    referral, subject = about.referral, about.subject
    if viewer.role != "agency" or referral is None or subject is None:
        return None
    request = Request(
        sharer=referral.hub_id,
        taken_over_at=referral.transferred_at,
        referrer_id=referral.agency_id,
        agency_id=viewer.id,
        agency_kind=viewer.agency_kind,
        agency_alias=viewer.agency_alias,
        purpose=purpose,
        categories=("intelligence",),
    )
    sharing = sharing_for(subject, viewer.account or "", viewer.id, at)
    return decide_sharing(request, sharing, agreements, at)
