"""Finding the links of a report, once it is stored: however often its event comes, they are the same.

For each thing that it mentions: one look at the link, and, where there is none yet, one at the first
reports of the index. Neither grows with the number of reports.
"""

from services.referral.acting import find
from services.referral.hubs.rule import serving
from services.referral.intelligence.ending import destroyed
from services.referral.intelligence.link import Link, Member, found, join, joined, leave
from services.referral.intelligence.report import Found, Report
from services.referral.store import Stores
from shared.errors import AlreadyThere
from shared.origin import Origin


async def link_report(stores: Stores, report_id: str, by: Origin) -> None:
    """The report is in every link that it has, on return. One of a referral that was erased while it
    came is destroyed. Safe to repeat."""
    report = await stores.reports.store.get(report_id)
    if report.status != "standing":
        return
    about = await find(stores, report.referral_id) if report.referral_id else None
    if about is not None and about.referral.erased_at is not None:
        await destroyed(stores, report_id, "referral_erased", by)
        return
    ties = {each.node: each for mention in report.mentions for each in mention.found_by}
    for node in sorted(ties):
        await _tie(stores, ties[node], report, by)


async def unlink_report(stores: Stores, report_id: str, by: Origin) -> None:
    """The report is in no link, on return. Safe to repeat."""
    named = {"report_ids": report_id}
    while links := await stores.reports.links.find(named, limit=100):
        for link in links:
            await stores.reports.links.change(link.id, lambda one: leave(one, report_id), by=by)


async def _tie(stores: Stores, tie: Found, report: Report, by: Origin) -> None:
    links = stores.reports.links
    there = await links.find({"_id": tie.node}, limit=1)
    if not there:
        others = [o for o in await stores.reports.found_by(tie.node, 3) if o.id != report.id]
        if not others:
            return
        new = Link(
            id=tie.node,
            kind=tie.kind,
            strength=tie.strength,
            report_ids=(),
            found_at=max(others[0].reported_at, report.reported_at),
        )
        first = joined(new, await _member(stores, others[0]))
        mine = await _member(stores, report)
        both = joined(first, mine)
        try:
            await links.add(both, found(both, mine, before=first), by=by)
            return
        except AlreadyThere:
            pass  # the other one was handled at the same moment
    elif report.id in there[0].report_ids or there[0].is_full:
        return
    mine = await _member(stores, report)
    await links.change(tie.node, lambda link: join(link, mine), by=by)


async def _member(stores: Stores, report: Report) -> Member:
    about = await find(stores, report.referral_id) if report.referral_id else None
    served = serving(await stores.hubs.all()).get(report.area)
    hubs = {hub for hub in (served, about.referral.hub_id if about else None) if hub}
    child = about.referral.subject_id if about else None
    return Member(report.id, report.referral_id, child, report.area, hubs)
