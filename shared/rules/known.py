"""What is known and asked when sharing is decided: consents, bases, agreements. Values only.

Each is as it was said, with its times; `shared.rules.sharing` says what follows from all of them.
"""

from datetime import datetime
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict

from shared.events.codes import AgeBand, InvalidationReason, ParentsReason, TellParents

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
# `recipient_left` is told by whoever asks: of one who is gone the rules are not asked.
Reason = Literal[
    "recipient_left",
    "recipient_unsafe",
    "parents_not_told",
    "no_agreement",
    "agreement_not_signed",
    "agreement_lapsed",
    "purpose_not_agreed",
    "category_not_agreed",
    "ground_not_agreed",
    "consent_refused",
    "consent_withdrawn",
    "consent_expired",
    "consent_unconfirmed",
    "match_unconfirmed",
    "capacity_not_established",
    "basis_lapsed",
    "special_category_condition_missing",
    "no_ground",
]


class Value(BaseModel):
    """Never changed; what a newer version adds is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Confirmation(Value):
    """What a practitioner of the Hub made of a yes that an agency recorded: it was said, or not."""

    confirmed: bool
    by: str
    at: datetime


# How the ids begin that stand for agencies which nobody had registered when they were named.
ALIAS = "agn"


class Invalidation(Value):
    """A consent was recorded by mistake: it never counted. Not a withdrawal, which ends one."""

    reason: InvalidationReason
    by: str
    at: datetime


class Consent(Value):
    """What was said about sharing, as it was said. Never changed: a change of mind is a new one.

    It is about the agencies in `agency_ids` and those whose kind is in `agency_kinds`; both empty
    means every agency. Of an agency that was not registered a no has the alias in place of the id.
    `gillick_competent` is the assessment where the young person is under 16.
    `said_at` is when it was said, `age_band` the young person's age then; None: not known.
    `recorded_by` is who wrote it down (`agency:ag_1`, `worker:wk_1`); records from before that was
    kept have none. `recorder_host` is the agency that the worker who did sits in, `recorder_sides` the
    other agencies as which the account that did had called before. `confirmation` and
    `invalidation` are added once. `age_band` follows from what is known now of the age then, and is
    not stored with what was said (`services/referral/sharing/facts.py`).
    """

    id: str
    status: Literal["given", "refused", "withdrawn", "not_asked"]
    agency_ids: tuple[str, ...] = ()
    agency_kinds: tuple[str, ...] = ()
    categories: tuple[Category, ...]
    given_by: Literal["young_person", "parent"]
    gillick_competent: bool | None = None
    said_at: datetime | None = None
    age_band: AgeBand | None = None
    recorded_at: datetime
    valid_from: datetime
    valid_to: datetime | None = None
    recorded_by: str | None = None
    recorder_host: str | None = None
    recorder_sides: tuple[str, ...] = ()
    confirmation: Confirmation | None = None
    invalidation: Invalidation | None = None

    @property
    def said_at_unknown(self) -> bool:
        """Whether nobody recorded when it was said."""
        return self.said_at is None

    @property
    def unconfirmed_of(self) -> str | None:
        """The agency that recorded this yes, as long as no practitioner has confirmed it."""
        kind, _, agency_id = (self.recorded_by or "").partition(":")
        return agency_id if kind == "agency" and self.confirmation is None else None

    @property
    def gains(self) -> str | None:
        """The agency that may not be opened to by this yes while nobody has confirmed it: it
        recorded it, or hosts the worker who did."""
        return self.unconfirmed_of or (self.recorder_host if self.confirmation is None else None)

    @property
    def rejected(self) -> bool:
        """Whether a practitioner found that it was not said."""
        return self.confirmation is not None and not self.confirmation.confirmed

    @property
    def void(self) -> bool:
        """Whether it never counted: rejected, or recorded by mistake."""
        return self.rejected or self.invalidation is not None


class Basis(Value):
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


class Terms(Value):
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


class ParentsWord(Value):
    """What the young person said about telling their parents; or, with a `reason`, what a
    practitioner of the Hub decided about it. Recorded as consents are. `by_family`: an account of
    parents recorded it."""

    id: str
    tell: TellParents
    said_at: datetime | None = None
    recorded_at: datetime
    recorded_by: str
    by_family: bool = False
    reason: ParentsReason | None = None


class SharingState(Value):
    """All that is known about sharing one young person's information; append-only parts.

    `age_band` is how old they are now. Where birth dates are known that differ, it is the youngest,
    and `age_bands` are all of them: a yes must count at each, a no counts at any. `doubted` are the
    agencies for which somebody calls who decided that two were one young person, or one two: nothing
    opens to them until somebody else has decided.
    """

    consents: tuple[Consent, ...] = ()
    bases: tuple[Basis, ...] = ()
    unsafe_agencies: tuple[str, ...] = ()
    age_band: AgeBand = "not_known"
    age_bands: tuple[AgeBand, ...] = ()
    about_parents: tuple[ParentsWord, ...] = ()
    doubted: tuple[str, ...] = ()

    @property
    def ages(self) -> tuple[AgeBand, ...]:
        """How old they may be now: one band, or several where birth dates differ."""
        return self.age_bands or (self.age_band,)


class Request(Value):
    """Who (`sharer`, a Hub) would share what with whom, and what for. `referrer_id` is the agency
    whose referral it is about; None: not about one. `agency_alias` is what stands for the agency in
    what was said before it was registered. `taken_over_at` is when the sharer took the referral over
    from another Hub."""

    sharer: str | None
    taken_over_at: datetime | None = None
    referrer_id: str | None = None
    agency_id: str
    agency_kind: str
    agency_alias: str | None = None
    purpose: str
    categories: tuple[Category, ...]
