"""May this be shared, with them, for that purpose, now? The one decision, used by every service.

Pure, total, deny by default. A category reaches a partner agency only if an agreement in force
*and* a ground (consent, or a lawful-basis decision) permit it; each category withheld has its
reason. Recipient safety comes first. Sources: DfE "Information sharing" (May 2024), UK GDPR Art 6
and 9, Data Protection Act 2018 Sch 1 para 18; `docs/sharing.md` says what was made of them.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict

from shared.events.codes import AgeBand

POLICY_VERSION = "sharing-1"

Category = Literal[
    "existence",
    "identity",
    "contact",
    "concerns",
    "risk",
    "narrative",
    "health",
    "education",
    "family",
    "worker",
    "outcome",
    "intelligence",
]
CATEGORIES: tuple[Category, ...] = get_args(Category)
# Health, sexual life and alleged offences: Art 9 and 10 ask for a condition of their own.
SPECIAL: frozenset[Category] = frozenset(
    {"concerns", "risk", "narrative", "health", "intelligence"}
)

LawfulBasis = Literal["public_task", "legal_obligation", "vital_interests"]
GroundKind = Literal["consent", "public_task", "legal_obligation", "vital_interests"]
Condition = Literal["safeguarding", "vital_interests", "substantial_public_interest"]
Reason = Literal[
    "recipient_unsafe",
    "no_agreement",
    "agreement_not_signed",
    "agreement_lapsed",
    "purpose_not_agreed",
    "category_not_agreed",
    "ground_not_agreed",
    "consent_refused",
    "consent_withdrawn",
    "consent_expired",
    "capacity_not_established",
    "basis_lapsed",
    "special_category_condition_missing",
    "no_ground",
]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Consent(_Value):
    """What was said about sharing, as it was said. Never changed: a change of mind is a new one.

    It is about the agencies in `agency_ids` and those whose kind is in `agency_kinds`; both empty
    means every agency. `gillick_competent` is the assessment where the young person is under 16.
    """

    id: str
    status: Literal["given", "refused", "withdrawn", "not_asked"]
    agency_ids: tuple[str, ...] = ()
    agency_kinds: tuple[str, ...] = ()
    categories: tuple[Category, ...]
    given_by: Literal["young_person", "parent"]
    gillick_competent: bool | None = None
    recorded_at: datetime
    valid_from: datetime
    valid_to: datetime | None = None


class Basis(_Value):
    """A decision by a named practitioner to share without consent. It lapses at its review date:
    a review that upholds it is a new decision. `ended_at` ends it before."""

    id: str
    basis: LawfulBasis
    condition: Condition | None = None
    agency_ids: tuple[str, ...]
    categories: tuple[Category, ...]
    decided_by: str
    decided_at: datetime
    review_at: datetime
    ended_at: datetime | None = None


class Terms(_Value):
    """An information-sharing agreement as far as it decides anything."""

    id: str
    version: int
    parties: tuple[str, ...]
    signed_by: tuple[str, ...] = ()
    purposes: tuple[str, ...]
    categories: tuple[Category, ...]
    grounds: tuple[GroundKind, ...]
    effective_from: datetime
    effective_to: datetime
    ended_at: datetime | None = None


class SharingState(_Value):
    """All that is known about sharing one young person's information; append-only parts."""

    consents: tuple[Consent, ...] = ()
    bases: tuple[Basis, ...] = ()
    unsafe_agencies: tuple[str, ...] = ()
    age_band: AgeBand = "not_known"


class Request(_Value):
    """Who (`sharer`, a Hub) would share what with whom, and what for."""

    sharer: str | None
    agency_id: str
    agency_kind: str
    purpose: str
    categories: tuple[Category, ...]


class Verdict(_Value):
    """One category: permitted on a ground under an agreement, or withheld for a reason."""

    category: Category
    permitted: bool
    ground: GroundKind | None = None
    ground_id: str | None = None
    agreement_id: str | None = None
    agreement_version: int | None = None
    reason: Reason | None = None


class Decision(_Value):
    """A verdict for every category asked for, in the order of `CATEGORIES`.

    `safety_hold`: the recipient is unsafe for this young person, and a Hub manager must know.
    """

    verdicts: tuple[Verdict, ...]
    safety_hold: bool
    policy_version: str

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
    known = sorted(agreements, key=lambda a: (a.id, a.version))
    verdicts = tuple(
        _withheld(category, "recipient_unsafe")
        if unsafe
        else _verdict(category, request, state, known, at)
        for category in CATEGORIES
        if category in request.categories
    )
    return Decision(verdicts=verdicts, safety_hold=unsafe, policy_version=POLICY_VERSION)


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


def _grounds(
    category: Category, request: Request, state: SharingState, at: datetime
) -> tuple[list[tuple[GroundKind, str]], Reason]:
    """Every ground for a category, consent first; and, should there be none, the reason to give."""
    consent_id, why_not = _consent(category, request, state, at)
    grounds: list[tuple[GroundKind, str]] = [("consent", consent_id)] if consent_id else []
    lacking: set[Reason] = set()
    for basis in sorted(state.bases, key=lambda b: (b.id, b.basis)):
        if request.agency_id not in basis.agency_ids or category not in basis.categories:
            continue
        if not basis.decided_at <= at < min(basis.review_at, basis.ended_at or basis.review_at):
            lacking.add("basis_lapsed")
        elif category in SPECIAL and basis.condition is None:
            lacking.add("special_category_condition_missing")
        else:
            grounds.append((basis.basis, basis.id))
    if why_not is None and lacking:
        # The one nearer to a permission, so that the order of the decisions does not matter.
        missing: Reason = "special_category_condition_missing"
        why_not = missing if missing in lacking else "basis_lapsed"
    return grounds, why_not or "no_ground"


def _consent(
    category: Category, request: Request, state: SharingState, at: datetime
) -> tuple[str | None, Reason | None]:
    """The consent that holds now, or why none does.

    A no counts as soon as it is stored, even if the clock that dated it is ahead of `at`.
    """
    about = [
        c for c in state.consents if _is_about(c, category, request) and _has_say(c, state.age_band)
    ]
    against = [c for c in about if c.status in ("refused", "withdrawn")]
    latest_no = max(against, key=lambda c: (c.recorded_at, c.status, c.id), default=None)
    given = sorted(
        (c for c in about if c.status == "given" and c.recorded_at <= at),
        key=lambda c: (c.recorded_at, c.id),
    )
    standing = [c for c in given if not any(_outweighs(no, c, state.age_band) for no in against)]
    timely = [c for c in standing if c.valid_from <= at and (c.valid_to is None or at < c.valid_to)]
    valid = [c for c in timely if _able(c, state.age_band)]
    if valid:
        return valid[-1].id, None
    if timely:
        return None, "capacity_not_established"
    if standing:
        return None, "consent_expired"
    if latest_no is not None:
        return None, "consent_refused" if latest_no.status == "refused" else "consent_withdrawn"
    return None, None


def _outweighs(no: Consent, yes: Consent, age_band: AgeBand) -> bool:
    """A no outweighs every yes that is not newer; that of a young person who is able to decide
    outweighs every yes of a parent, older or newer: only their own yes lifts it."""
    own = no.given_by == "young_person" and _able(no, age_band)
    return yes.recorded_at <= no.recorded_at or (own and yes.given_by == "parent")


def _is_about(consent: Consent, category: Category, request: Request) -> bool:
    everyone = not consent.agency_ids and not consent.agency_kinds
    named = request.agency_id in consent.agency_ids or request.agency_kind in consent.agency_kinds
    return category in consent.categories and (everyone or named)


def _has_say(consent: Consent, age_band: AgeBand) -> bool:
    """From 16 the young person decides (presumed able); a parent's word counts before that."""
    return consent.given_by == "young_person" or age_band not in ("16_to_17", "18_and_over")


def _able(consent: Consent, age_band: AgeBand) -> bool:
    """From 16 one is presumed able; under 16, or of unknown age, competence must have been found
    (Gillick). An assessment that did not find it counts at any age: turning 16 mends no such yes."""
    if consent.given_by == "parent":
        return True
    if consent.gillick_competent is None:
        return age_band in ("16_to_17", "18_and_over")
    return consent.gillick_competent
