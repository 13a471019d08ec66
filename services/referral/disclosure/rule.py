"""Who is shown what of a referral, now. Pure; `shared.rules.sharing.decide` decides for partners."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.referral.access import (
    VIEWED_AS,
    Refusal,
    Viewer,
    ViewerKind,
    facts_of,
    person_of,
    refusal_of,
)
from services.referral.authorship import part, writings
from services.referral.records import SEALED, Referral
from services.referral.sharing.speakers import sharing_for
from services.referral.sharing.subject import Subject
from shared.events.codes import Instruction
from shared.events.records import RecordRefused, RecordViewed
from shared.rules import access
from shared.rules.access_table import Action
from shared.rules.parents import instructions
from shared.rules.sharing import (
    CATEGORIES,
    POLICY_VERSION,
    Category,
    Decision,
    Request,
    Terms,
    decide,
)

Part = Literal[
    "record", "search_hit", "match", "goals", "name", "transfer", "sharing", "participation"
]
INSIDE: frozenset[ViewerKind] = frozenset({"worker", "hub_manager"})


@dataclass(frozen=True)
class Shown:
    """What a viewer may see: what anybody wrote, in `categories`; and, in all of them, what `own`
    wrote, the actor of the agency whose referral it is. For agencies `decision` says why; for the
    others it is None."""

    kind: ViewerKind
    categories: tuple[Category, ...]
    decision: Decision | None = None
    own: str | None = None
    instructions: tuple[Instruction, ...] = ()

    def sees(self, category: Category | None, by: str) -> bool:
        """May they see what this author wrote of this category? None: of what is for nobody but
        its author and the Hub."""
        if by == self.own:
            return True
        return self.kind in INSIDE if category is None else category in self.categories


def look(
    referral: Referral,
    viewer: Viewer,
    subject: Subject,
    agreements: Iterable[Terms],
    purpose: str,
    at: datetime,
    action: Action = "view",
) -> Shown | Refusal:
    """What this viewer is shown, or why nothing. For an agency sharing is decided first: it is a
    partner while it may know that the referral exists, and a referrer is shown of others' writing
    what any agency would be."""
    decision = None
    if viewer.role == "agency":
        request = Request(
            sharer=referral.hub_id,
            taken_over_at=referral.transferred_at,
            referrer_id=referral.agency_id,
            agency_id=viewer.id,
            agency_kind=viewer.agency_kind,
            agency_alias=viewer.agency_alias,
            purpose=purpose,
            categories=CATEGORIES,
        )
        sharing = sharing_for(subject, viewer.account or "", viewer.id, at)
        decision = decide(request, sharing, agreements, at)
    # Without its existence, anything else shown would tell that the referral exists.
    another = viewer.id != referral.agency_id
    known = decision is not None and "existence" in decision.permitted
    partners = (viewer.id,) if another and known else ()
    facts = facts_of(referral, viewer, subject, partners)
    verdict = access.decide(action, person_of(viewer), facts)
    if not verdict.allowed:
        nothing = decision is not None and another and verdict.relation == "other_agency"
        return "nothing_permitted" if nothing else refusal_of(verdict)
    kind = VIEWED_AS[verdict.relation]
    own = f"agency:{viewer.id}" if kind == "referrer" else None
    categories = decision.permitted if decision else CATEGORIES
    return Shown(kind, categories, decision, own, instructions(subject.unsafe))


def sealed_for(referral: Referral, shown: Shown) -> dict[str, bytes]:
    """The sealed parts to open for this viewer, and no others."""
    return {
        part(name, writing.number): value
        for writing in writings(referral)
        for name, value in writing.sealed.items()
        if shown.sees(SEALED.get(name), writing.by)
    }


def viewed(
    referral: Referral,
    viewer: Viewer,
    shown: Shown,
    purpose: str,
    *,
    earlier: bool = False,
    part: Part = "record",
) -> RecordViewed:
    """The event of a look that was allowed. For a referrer: what it may see of others' writing."""
    decision = shown.decision
    verdicts = decision.verdicts if decision else ()
    if shown.kind == "referrer":
        verdicts = tuple(v for v in verdicts if v.permitted and v.category in shown.categories)
    return RecordViewed(
        referral_id=referral.id,
        subject_id=referral.subject_id,
        viewer_kind=shown.kind,
        viewer_id=viewer.id,
        purpose=purpose,
        verdicts=verdicts,
        safety_hold=decision.safety_hold if decision else False,
        policy_version=POLICY_VERSION,
        earlier=earlier,
        part=part,
    )


def match_seen(referral: Referral, viewer: Viewer) -> RecordViewed:
    """The event of a manager's look at what is known of a referral's possible matches."""
    return viewed(referral, viewer, Shown("hub_manager", CATEGORIES), "oversight", part="match")


def refused(
    referral_id: str, viewer: Viewer, action: str, reason: Refusal, unknown_id: str | None
) -> RecordRefused:
    """The event of a look, or of a command, that was refused."""
    return RecordRefused(
        unknown_id=unknown_id,
        referral_id=referral_id,
        viewer_kind=viewer.role,
        viewer_id=viewer.id,
        action=action,
        reason=reason,
    )
