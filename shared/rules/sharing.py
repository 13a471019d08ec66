"""May this be shared, with them, for that purpose, now? The one decision, used by every service.

Pure, total, deny by default. A category reaches a partner agency only if an agreement in force
*and* a ground (consent, or a lawful-basis decision) permit it; each category withheld has its
reason. Recipient safety comes first. Sources: DfE "Information sharing" (May 2024), UK GDPR Art 6
and 9, Data Protection Act 2018 Sch 1 para 18; `docs/sharing.md` says what was made of them.
"""

from collections.abc import Iterable
from datetime import datetime

from shared.rules.consents import standing_consent
from shared.rules.known import (
    CATEGORIES,
    SPECIAL,
    Basis,
    Category,
    Condition,
    Confirmation,
    Consent,
    GroundKind,
    Invalidation,
    LawfulBasis,
    ParentsWord,
    Reason,
    Request,
    SharingState,
    Terms,
    Value,
)
from shared.rules.parents import counts_as_family, parents_not_told

# What is known is part of the decision's vocabulary: both are imported from here.
__all__ = [
    "CATEGORIES",
    "POLICY_VERSION",
    "SPECIAL",
    "Basis",
    "Category",
    "Condition",
    "Confirmation",
    "Consent",
    "Decision",
    "GroundKind",
    "Invalidation",
    "LawfulBasis",
    "ParentsWord",
    "Reason",
    "Request",
    "SharingState",
    "Terms",
    "Verdict",
    "decide",
    "in_force",
]

POLICY_VERSION = "sharing-8"


CLOSING: frozenset[Reason] = frozenset({"recipient_unsafe", "parents_not_told"})


class Verdict(Value):
    """One category: permitted on a ground under an agreement, or withheld for a reason."""

    category: Category
    permitted: bool
    ground: GroundKind | None = None
    ground_id: str | None = None
    agreement_id: str | None = None
    agreement_version: int | None = None
    reason: Reason | None = None


class Decision(Value):
    """A verdict for every category asked for, in the order of `CATEGORIES`.

    `safety_hold`: the recipient is unsafe for this young person, and a Hub manager must know.
    `closed`: nothing at all reaches the recipient, on no ground: not even about their own referral.
    """

    verdicts: tuple[Verdict, ...]
    safety_hold: bool
    policy_version: str

    @property
    def closed(self) -> bool:
        return self.safety_hold or any(v.reason in CLOSING for v in self.verdicts)

    @property
    def permitted(self) -> tuple[Category, ...]:
        """The categories that may be shared."""
        return tuple(v.category for v in self.verdicts if v.permitted)


def decide(
    request: Request, state: SharingState, agreements: Iterable[Terms], at: datetime
) -> Decision:
    """A verdict for every category asked for. Total: it raises nothing and leaves none out, given
    that all times have an offset (the entrances and the store see to it).

    What is permitted depends on the values alone, never on their order, and each category is
    decided as if it had been asked for alone.
    """
    unsafe = request.agency_id in state.unsafe_agencies
    closed = _closed(request, state)
    known = sorted(agreements, key=lambda a: (a.id, a.version))
    verdicts = tuple(
        _withheld(category, closed)
        if closed is not None
        else _verdict(category, request, state, known, at)
        for category in CATEGORIES
        if category in request.categories
    )
    return Decision(verdicts=verdicts, safety_hold=unsafe, policy_version=POLICY_VERSION)


def _closed(request: Request, state: SharingState) -> Reason | None:
    if request.agency_id in state.unsafe_agencies:
        return "recipient_unsafe"
    if counts_as_family(request.agency_kind) and parents_not_told(state.about_parents):
        return "parents_not_told"
    return "match_unconfirmed" if request.agency_id in state.doubted else None


def _verdict(
    category: Category, request: Request, state: SharingState, agreements: list[Terms], at: datetime
) -> Verdict:
    grounds, no_ground = _grounds(category, request, state, at)
    refusal: Reason = "no_agreement"
    for kind, ground_id in grounds:
        for terms in agreements:
            fault = _fault(terms, kind, category, request, at)
            if fault is None:
                return _permitted(category, kind, ground_id, terms)
            refusal = max(refusal, fault, key=_FAULTS.index)
        # Immediate danger: that someone is at risk may be told without any agreement, no more.
        if kind == "vital_interests" and category == "existence":
            return _permitted(category, kind, ground_id, None)
    return _withheld(category, refusal if grounds else no_ground)


def _permitted(
    category: Category, kind: GroundKind, ground_id: str, terms: Terms | None
) -> Verdict:
    return Verdict(
        category=category,
        permitted=True,
        ground=kind,
        ground_id=ground_id,
        agreement_id=terms.id if terms else None,
        agreement_version=terms.version if terms else None,
    )


def _withheld(category: Category, reason: Reason) -> Verdict:
    return Verdict(category=category, permitted=False, reason=reason)


# From "nothing there" to "almost": of several faults the one nearest to a permission is told.
_FAULTS: tuple[Reason, ...] = (
    "no_agreement",
    "agreement_lapsed",
    "agreement_not_signed",
    "purpose_not_agreed",
    "category_not_agreed",
    "ground_not_agreed",
)


def _fault(
    terms: Terms, kind: GroundKind, category: Category, request: Request, at: datetime
) -> Reason | None:
    """Why this agreement does not carry the sharing, or None if it does."""
    both = {request.agency_id, request.sharer}
    checks: tuple[tuple[bool, Reason], ...] = (
        (both <= set(terms.parties), "no_agreement"),
        (in_force(terms, at), "agreement_lapsed"),
        (both <= set(terms.signed_by), "agreement_not_signed"),
        (request.purpose in terms.purposes, "purpose_not_agreed"),
        (category in terms.categories, "category_not_agreed"),
        (kind in terms.grounds, "ground_not_agreed"),
    )
    return next((reason for holds, reason in checks if not holds), None)


def in_force(terms: Terms, at: datetime) -> bool:
    """Whether the agreement's time has come and is not over."""
    ended = terms.ended_at is not None and terms.ended_at <= at
    return terms.effective_from <= at < terms.effective_to and not ended


# From "nothing there" to "almost", as with agreements.
_LACKS: tuple[Reason, ...] = ("no_ground", "basis_lapsed", "special_category_condition_missing")


def _grounds(
    category: Category, request: Request, state: SharingState, at: datetime
) -> tuple[list[tuple[GroundKind, str]], Reason]:
    """Every ground for a category, consent first; and, should there be none, the reason to give."""
    consent_id, why_not = standing_consent(category, request, state, at)
    grounds: list[tuple[GroundKind, str]] = [("consent", consent_id)] if consent_id else []
    lacking: list[Reason] = ["no_ground"]
    for basis in sorted(state.bases, key=lambda b: (b.id, b.basis)):
        if request.agency_id not in basis.agency_ids or category not in basis.categories:
            continue
        if not basis.decided_at <= at < min(basis.review_at, basis.ended_at or basis.review_at):
            lacking.append("basis_lapsed")
        elif category in SPECIAL and basis.condition is None:
            lacking.append("special_category_condition_missing")
        else:
            grounds.append((basis.basis, basis.id))
    # The one nearest to a permission, so that the order of the decisions does not matter.
    nearest: Reason = max(lacking, key=_LACKS.index)
    return grounds, why_not or nearest
