"""The wall for who may read the reports that it is made of.

What stands on it is found by keyed hashes alone. Only of what is shown is anything opened: one mention
of each thing, and each report that is opened so is recorded as a look before the answer goes out.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from services.referral.acting import Asker
from services.referral.disclosure.access_record import record_accesses
from services.referral.hubs.rule import serving
from services.referral.intelligence.access import About, Seen, look, own_reports, viewed
from services.referral.intelligence.normal import MentionKind, Strength
from services.referral.intelligence.picture import Wall, drawn
from services.referral.intelligence.report import Report
from services.referral.intelligence.wall import Said, chosen
from services.referral.store import Stores
from services.referral.vault import Erased
from shared.clock import now
from shared.events.links import LinkDecision
from shared.storage.store import Document

# So many reports are looked at, the newest: what was reported before is counted nowhere.
MOST_REPORTS = 500
PURPOSE = "safeguarding"


class WallView(Wall):
    """The wall, and of how many reports it is made. `complete`: there are none beside those."""

    report_count: int
    complete: bool


async def wall_of(
    stores: Stores,
    asker: Asker,
    area: str | None,
    since: datetime | None,
    strength: Strength | None,
) -> WallView:
    """The wall of the caller's areas. Of reports that they may not read nothing is in it."""
    where = {**own_reports(asker.viewer), "status": "standing"}
    asked: list[Document] = [{"area": area}] if area else []
    asked += [{"reported_at": {"$gte": since}}] if since else []
    found = await stores.reports.store.find(
        {"$and": [where, *asked]}, sort=[("reported_at", -1), ("_id", -1)], limit=MOST_REPORTS + 1
    )
    readable = await _readable(stores, asker, found[:MOST_REPORTS])
    said = [one for about, _ in readable.values() for one in _said(about)]
    decided = await _decided(stores, said)
    confirmed = {link for link, decision in decided.items() if decision == "confirmed"}
    shown = chosen(said, confirmed, decided.keys() - confirmed, strength)
    newest = [thing.newest for thing in shown.things]
    looked = {one.report_id: readable[one.report_id] for one in newest}
    opened = await _opened(stores, newest, looked)
    children = {one.child: f"Child {one.child[-4:]}" for one in said if one.child}
    picture = drawn(shown, {**children, **opened})
    looks = ((i, viewed(about, asker.viewer, seen, PURPOSE)) for i, (about, seen) in looked.items())
    await record_accesses(stores, *asker, looks)
    return WallView(
        **dict(picture), report_count=len(readable), complete=len(found) <= MOST_REPORTS
    )


async def _readable(
    stores: Stores, asker: Asker, reports: Sequence[Report]
) -> dict[str, tuple[About, Seen]]:
    """Those that the caller may read, with what that depends on."""
    served, named = serving(await stores.hubs.all()), [r.referral_id for r in reports]
    ids = sorted({one for one in named if one})
    found = await stores.referrals.find({"_id": {"$in": ids}}, limit=len(ids)) if ids else []
    referrals = {referral.id: referral for referral in found}
    about = sorted({referral.subject_id for referral in found})
    known = await stores.subjects.find({"_id": {"$in": about}}, limit=len(about)) if about else []
    subjects = {subject.id: subject for subject in known}
    readable: dict[str, tuple[About, Seen]] = {}
    for report in reports:
        referral = referrals.get(report.referral_id or "")
        subject = subjects.get(referral.subject_id) if referral else None
        each = About(report, referral, subject, served.get(report.area))
        seen = look(each, asker.viewer, (), PURPOSE, now())
        if isinstance(seen, Seen):
            readable[report.id] = each, seen
    return readable


async def _decided(stores: Stores, said: Sequence[Said]) -> dict[str, LinkDecision]:
    """Possible links that somebody decided, and how."""
    ids = sorted({link for one in said for link in one.possible})
    where = {"_id": {"$in": ids}, "decision": {"$ne": None}}
    found = await stores.reports.links.find(where, limit=len(ids)) if ids else []
    return {link.id: link.decision for link in found if link.decision}


def _said(about: About) -> list[Said]:
    report, referral = about.report, about.referral
    return [
        Said(
            report_id=report.id,
            number=each.number,
            child=referral.subject_id if referral else None,
            at=report.reported_at,
            kind=each.kind,
            role=each.role,
            certain=tuple(f.node for f in each.found_by if f.strength == "certain"),
            possible=tuple(f.node for f in each.found_by if f.strength == "possible"),
            conditional=report.handling == "C",
        )
        for each in report.mentions
    ]


async def _opened(
    stores: Stores, newest: Sequence[Said], looked: Mapping[str, tuple[About, Seen]]
) -> dict[str, str]:
    """What each of these mentions is called; those of a report that was destroyed meanwhile are not
    there."""
    labels = {}
    for one in newest:
        report = looked[one.report_id][0].report
        name = next(each.sealed_as for each in report.mentions if each.number == one.number)
        try:
            opened = await stores.vault.open(report.id, {name: report.sealed[name]})
        except Erased:
            continue
        labels[one.id] = _called(one.kind, json.loads(opened[name]))
    return labels


def _called(kind: MentionKind, values: Mapping[str, str]) -> str:
    """What a mention is called: by its name, or by where it is."""
    if kind in ("place", "business"):
        where = " ".join(values[name] for name in ("number", "postcode", "town") if name in values)
        return values.get("name") or where
    names = ("nickname", "name", "number", "registration", "handle", "description")
    return next((values[name] for name in names if name in values), "")
