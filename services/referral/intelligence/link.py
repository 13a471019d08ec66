"""A link: what several reports have in common. Its id is the keyed hash of that, so a hotel that is
mentioned ten thousand times is one link, and not one for each pair. Pure.
"""

from datetime import datetime
from typing import Any

from services.referral.intelligence.normal import KeyKind, Strength
from shared.errors import Refused
from shared.events.links import (
    LinkDecided,
    LinkDecision,
    LinkEnded,
    LinkFound,
    LinkReason,
    LinkStanding,
)
from shared.storage.records import Change, Record, changed, unchanged

# So many reports are named in a link, and told of. What is mentioned more often tells nobody apart:
# further reports are found by the index, and no event says so.
MOST_JOINED = 50
MOST_AREAS = 20


class Link(Record):
    """What it is that meets, how surely, and where: the first reports, the young people they are about
    and their areas. `decision` is of these reports: another one opens it again."""

    kind: KeyKind
    strength: Strength
    report_ids: tuple[str, ...]
    children: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    hub_ids: tuple[str, ...] = ()
    found_at: datetime
    decision: LinkDecision | None = None
    decided_by: str | None = None

    @property
    def is_full(self) -> bool:
        """Whether no further report is named in it."""
        return len(self.report_ids) >= MOST_JOINED


class Member:
    """A report as a link knows it."""

    def __init__(
        self, report_id: str, referral_id: str | None, child: str | None, area: str, hubs: set[str]
    ) -> None:
        self.report_id, self.referral_id = report_id, referral_id
        self.child, self.area, self.hubs = child, area, hubs


def join(link: Link, member: Member) -> Change[Link]:
    """One more report. Twice is once; a full link stays as it is."""
    if member.report_id in link.report_ids or link.is_full:
        return unchanged(link)
    after = joined(link, member)
    return changed(link, found(after, member, before=link), **_state(after))


def joined(link: Link, member: Member) -> Link:
    """The link with the report, open again."""
    return link.but(
        report_ids=(*link.report_ids, member.report_id),
        children=_with(link.children, member.child),
        areas=_with(link.areas, member.area)[:MOST_AREAS],
        hub_ids=tuple(sorted({*link.hub_ids, *member.hubs}))[:MOST_AREAS],
        decision=None,
        decided_by=None,
    )


def found(link: Link, member: Member, before: Link) -> LinkFound:
    """The event of a link that this report has with others. `joins_children`: with it, two young people
    have something in common who had nothing of this before."""
    return LinkFound(
        link_id=link.id,
        kind=link.kind,
        strength=link.strength,
        report_id=member.report_id,
        referral_id=member.referral_id,
        subject_id=member.child,
        reports=len(link.report_ids),
        children=len(link.children),
        joins_children=len(link.children) > max(1, len(before.children)),
        area_ids=link.areas,
        hub_ids=link.hub_ids,
    )


def leave(link: Link, report_id: str) -> Change[Link]:
    """The report was taken back or destroyed. Safe to repeat."""
    if report_id not in link.report_ids:
        return unchanged(link)
    left = tuple(one for one in link.report_ids if one != report_id)
    event = LinkEnded(link_id=link.id, report_id=report_id, reports=len(left))
    return changed(link, event, report_ids=left)


def decide_link(
    link: Link, decision: LinkDecision | None, reason: LinkReason, by: str
) -> Change[Link]:
    """A possible link is the same, or is not; None takes the decision back. The same again changes
    nothing. Raises `Refused` for a link that is certain, and for one without two reports."""
    if link.strength == "certain":
        raise Refused("link_certain", "This link is certain: there is nothing to decide.")
    if link.decision == decision:
        return unchanged(link)
    if len(link.report_ids) < 2:
        raise Refused("link_ended", "Of the reports that met here only one is left.")
    event = LinkDecided(
        link_id=link.id, kind=link.kind, decision=decision or "undecided", reason=reason
    )
    return changed(link, event, decision=decision, decided_by=by if decision else None)


def stands(link: Link) -> LinkStanding:
    """How sure it is that the reports mean the same."""
    return link.decision or link.strength


def _state(link: Link) -> dict[str, Any]:
    return {n: getattr(link, n) for n in type(link).model_fields if n not in ("id", "version")}


def _with(known: tuple[str, ...], one: str | None) -> tuple[str, ...]:
    return known if one is None or one in known else (*known, one)
