"""Which links a report or a referral has: for who may not read the other reports, that there are some,
and whom to speak with."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, Field

from services.referral.access import Viewer, person_of
from services.referral.acting import Asker, held
from services.referral.disclosure.access_record import record_access
from services.referral.documents import Incoming
from services.referral.intelligence.access import About, Seen, look
from services.referral.intelligence.link import Link, decide_link, stands
from services.referral.intelligence.reading import about_of, refuse_report, theirs
from services.referral.intelligence.report import Report
from services.referral.store import Stores
from shared.clock import now
from shared.errors import NotFound
from shared.events.intelligence import LinksViewed, ReportViewerKind
from shared.events.links import KeyKind, LinkDecision, LinkReason, LinkStanding, LinkStrength
from shared.rules.access import Thing, decide
from shared.rules.sharing import in_force
from shared.web.etags import Match

MOST_LINKS, MOST_REPORTS = 50, 100


class LinkView(BaseModel):
    """Something that reports have in common. What it is, the report says to who may read it."""

    id: str
    kind: KeyKind
    strength: LinkStrength
    standing: LinkStanding
    linked_reports: int = Field(
        description="How many other reports it links; of those beyond fifty nothing is said."
    )
    report_ids: list[str] = Field(description="Those of them that you may read.")
    speak_with: list[str] = Field(
        description="Whom to ask about the others: Hubs, by id. Say which link it is."
    )
    found_at: datetime


class Links(BaseModel):
    """The newest first, at most fifty."""

    links: list[LinkView]


class LinkDecisionEntry(Incoming):
    """Whether the reports mean the same; null takes a decision back."""

    decision: LinkDecision | None
    reason: LinkReason


async def links_of_report(stores: Stores, asker: Asker, report_id: str) -> Links:
    """The links of a report that the viewer may read. Raises `NotFound` as `read_report`; that they
    looked is recorded."""
    about, _ = await theirs(stores, asker, report_id, "safeguarding", "view_report_links")
    found = Links(links=[])
    if await _is_told(stores, asker.viewer, about.area_hub_id):
        found = await _shown(stores, asker.viewer, [about.report])
    subject_id = about.referral.subject_id if about.referral else None
    event = _viewed(asker.viewer, found, report_id, about.report.referral_id, subject_id)
    await record_access(stores, *asker, about.report.referral_id or report_id, event)
    return found


async def links_of_referral(stores: Stores, asker: Asker, referral_id: str) -> Links:
    """The links of all reports that name a referral, for who reads that. Raises `NotFound` for others;
    both are recorded."""
    referral = await held(stores, *asker, referral_id, "view_referral_links")
    found = Links(links=[])
    if await _is_told(stores, asker.viewer, referral.hub_id):
        reports = await stores.reports.left_of(referral_id, limit=MOST_REPORTS)
        found = await _shown(stores, asker.viewer, reports)
    event = _viewed(asker.viewer, found, None, referral_id, referral.subject_id)
    await record_access(stores, *asker, referral_id, event)
    return found


async def decide_on(
    stores: Stores, asker: Asker, link_id: str, entry: LinkDecisionEntry, match: Match
) -> Link:
    """The link as it is decided now. For who leads a Hub, or coordinates an area, of one of its reports.
    Raises `NotFound` for others, recorded."""
    there = await stores.reports.links.find({"_id": link_id}, limit=1)
    if not there:
        raise await refuse_report(stores, asker, link_id, "decide_link", "not_there")
    person = person_of(asker.viewer)
    of_link = Thing(
        parties=there[0].hub_ids, areas=there[0].areas, unsafe=await _unsafe(stores, there[0])
    )
    if not decide("decide_link", person, of_link).allowed:
        raise await refuse_report(stores, asker, link_id, "decide_link", "not_theirs")
    by = asker.caller.actor
    return await stores.reports.links.change(
        link_id,
        match.guard(lambda link: decide_link(link, entry.decision, entry.reason, by)),
        by=asker.caller.origin(link_id),
        seen=there[0],
    )


def line(link: Link, others: Sequence[str], readable: Sequence[str]) -> LinkView:
    """A link as this viewer is told of it."""
    return LinkView(
        id=link.id,
        kind=link.kind,
        strength=link.strength,
        standing=stands(link),
        linked_reports=len(others),
        report_ids=list(readable),
        speak_with=[f"hub:{hub}" for hub in link.hub_ids] if len(readable) < len(others) else [],
        found_at=link.found_at,
    )


async def _is_told(stores: Stores, viewer: Viewer, hub_id: str | None) -> bool:
    """An agency is told that links exist only under an agreement with the Hub that is in force."""
    if viewer.role != "agency":
        return True
    agreed = await stores.terms_between(viewer.id, hub_id)
    both = {viewer.id, hub_id}
    return any(in_force(terms, now()) and both <= set(terms.signed_by) for terms in agreed)


async def _shown(stores: Stores, viewer: Viewer, reports: Sequence[Report]) -> Links:
    own = {report.id for report in reports}
    nodes = sorted({node for report in reports for node in report.nodes})
    links = await stores.reports.links.find(
        {"_id": {"$in": nodes}}, sort=[("found_at", -1), ("_id", 1)], limit=MOST_LINKS
    )
    asked = dict.fromkeys(one for link in links for one in link.report_ids if one not in own)
    seen = {one: await _may(stores, viewer, one) for one in list(asked)[:MOST_REPORTS]}
    shown = []
    for link in links:
        others = [one for one in link.report_ids if one not in own and seen.get(one) != "hidden"]
        if others:
            shown.append(line(link, others, [one for one in others if seen.get(one) == "yes"]))
    return Links(links=shown)


async def _may(stores: Stores, viewer: Viewer, report_id: str) -> str:
    """`yes`, `no`, or `hidden`: of whom they are unsafe for, not even that there is something."""
    about: About | None = await about_of(stores, report_id)
    if about is None:
        return "hidden"
    sharer = about.referral.hub_id if about.referral else None
    terms = await stores.terms_between(viewer.id, sharer) if viewer.role == "agency" else []
    found = look(about, viewer, terms, "safeguarding", now())
    if isinstance(found, Seen):
        return "yes"
    return "hidden" if found in ("recipient_unsafe", "parents_not_told") else "no"


async def _unsafe(stores: Stores, link: Link) -> tuple[str, ...]:
    found = await stores.subjects.find({"_id": {"$in": list(link.children)}}, limit=50)
    return tuple(name for subject in found for name in subject.unsafe)


def _viewed(
    viewer: Viewer,
    found: Links,
    report_id: str | None,
    referral_id: str | None,
    subject_id: str | None,
) -> LinksViewed:
    kinds: dict[str, ReportViewerKind] = {
        **{"agency": "agency", "worker": "worker"},
        **{"hub_manager": "hub_manager", "coordinator": "coordinator"},
    }
    if viewer.role not in kinds:
        raise NotFound("report")
    return LinksViewed(
        report_id=report_id,
        referral_id=referral_id,
        subject_id=subject_id,
        viewer_kind=kinds[viewer.role],
        viewer_id=viewer.id,
        links=len(found.links),
        reports=len({one for link in found.links for one in link.report_ids}),
    )
