"""Whose yes counts, and whose no: by what was said, when, by whom, about whom, at which age. Pure."""

from collections.abc import Sequence
from datetime import UTC, datetime

from shared.events.codes import AgeBand
from shared.rules.known import ALIAS, Category, Consent, Reason, Request, SharingState

NEVER = datetime.min.replace(tzinfo=UTC)
GROWN: tuple[AgeBand | None, ...] = ("16_to_17", "18_and_over")
NO = ("refused", "withdrawn")
Ages = tuple[AgeBand, ...]


def counts_from(consent: Consent) -> datetime:
    """When it counts as said: nothing is said after it was recorded, whatever a clock said. A yes
    whose time is not known is older than everything; such a no was said when it was recorded, for
    that is the careful side."""
    unknown = NEVER if consent.status == "given" else consent.recorded_at
    return min(consent.said_at or unknown, consent.recorded_at)


def standing_consent(
    category: Category, request: Request, state: SharingState, at: datetime
) -> tuple[str | None, Reason | None]:
    """The consent that holds now, or why none does. The newest word that was *said* counts, in
    whatever order they were recorded.

    A no counts as soon as it is stored, even if the clock that dated it is ahead of `at`.
    """
    ages = state.ages
    about = [
        c
        for c in state.consents
        if not c.void and _is_about(c, category, request) and _has_say(c, ages)
    ]
    against = [c for c in about if c.status in NO]
    latest_no = max(against, key=lambda c: (counts_from(c), c.status, c.id), default=None)
    given = sorted(
        (c for c in about if c.status == "given" and c.recorded_at <= at),
        key=lambda c: (counts_from(c), c.id),
    )
    standing = [c for c in given if not any(_outweighs(no, c, ages) for no in against)]
    timely = [c for c in standing if c.valid_from <= at and (c.valid_to is None or at < c.valid_to)]
    valid = [c for c in timely if _able(c, ages)]
    # Of a yes that stands every no about the same is older: it contradicts each of them.
    sure = [c for c in valid if not _waits(c, request, contradicts=bool(against))]
    if sure:
        return sure[-1].id, None
    if valid:
        return None, "consent_unconfirmed"
    if timely:
        return None, "capacity_not_established"
    if standing:
        return None, "consent_expired"
    if latest_no is not None:
        return None, "consent_refused" if latest_no.status == "refused" else "consent_withdrawn"
    return None, None


def opens_to(consent: Consent, agency_id: str, agency_kind: str) -> bool:
    """Whether it is about this agency: named, by its kind, or as one of everyone."""
    everyone = not consent.agency_ids and not consent.agency_kinds
    return everyone or agency_id in consent.agency_ids or agency_kind in consent.agency_kinds


def waits_for_hub(claim: Consent, said: Sequence[Consent], kind: str) -> bool:
    """Whether a yes opens less than it says until the Hub has confirmed it: it is about the agency
    that gains by it, which is of this kind, or against a no that may be about the same."""
    if claim.status != "given" or claim.void or claim.gains is None:
        return False
    if opens_to(claim, claim.gains, kind):
        return True
    if any(opens_to(claim, side, "") for side in claim.recorder_sides):
        return True
    noes = (no for no in said if no.status in NO and not no.void)
    return claim.unconfirmed_of is not None and any(_may_meet(no, claim) for no in noes)


def waits_anew(yes: Consent, taken_over_at: datetime | None) -> bool:
    """Whether a yes was said of another Hub: to everyone with whom that one shared, before this one
    took the referral over, and nobody has confirmed it since. Who names somebody means them."""
    if taken_over_at is None or yes.status != "given" or yes.void:
        return False
    names_nobody = not yes.agency_ids and not yes.agency_kinds
    confirmed = yes.confirmation is not None and yes.confirmation.at > taken_over_at
    return names_nobody and yes.recorded_at <= taken_over_at and not confirmed


def _may_meet(no: Consent, yes: Consent) -> bool:
    """Whether some agency and category may be meant by both; of which kind one is, or whom an alias
    stands for, is not known."""
    if set(no.categories).isdisjoint(yes.categories):
        return False
    named = [{*c.agency_ids, *c.agency_kinds} for c in (no, yes)]
    kinds = bool(no.agency_kinds) != bool(yes.agency_kinds)
    alias = any(name.startswith(ALIAS) for name in no.agency_ids)
    return not all(named) or kinds or alias or not named[0].isdisjoint(named[1])


def _waits(yes: Consent, request: Request, *, contradicts: bool) -> bool:
    """An agency's word that the record is open to itself, that a no is over, or that another agency's
    referral is open to anybody, waits for the Hub: nobody speaks for a young person to their own gain,
    nor does a worker for their host's, nor do two agencies each for the other. Nor does what was said
    of the Hub before open what the next one has."""
    opposed = contradicts and yes.unconfirmed_of is not None
    own = yes.confirmation is None and request.agency_id in (yes.gains, *yes.recorder_sides)
    others = yes.unconfirmed_of is not None and request.referrer_id not in (
        None,
        yes.unconfirmed_of,
    )
    return opposed or own or others or waits_anew(yes, request.taken_over_at)


def _outweighs(no: Consent, yes: Consent, ages: Ages) -> bool:
    """A no outweighs every yes that is not newer; that of a young person who is able to decide
    outweighs every yes of a parent, older or newer: only their own yes lifts it."""
    own = no.given_by == "young_person" and _may_refuse(no, ages)
    return counts_from(yes) <= counts_from(no) or (own and yes.given_by == "parent")


def _is_about(consent: Consent, category: Category, request: Request) -> bool:
    named = opens_to(consent, request.agency_id, request.agency_kind)
    before = request.agency_alias in consent.agency_ids
    return category in consent.categories and (named or before)


def _has_say(consent: Consent, ages: Ages) -> bool:
    """From 16 the young person decides (presumed able); a parent's word counts before that. A
    parent's yes must have been before that when it was said, too."""
    if consent.given_by == "young_person":
        return True
    if consent.status == "given":
        return not any(age in GROWN for age in (*ages, consent.age_band))
    return not all(age in GROWN for age in ages)


def _able(consent: Consent, ages: Ages) -> bool:
    """From 16 one is presumed able; under 16, or of unknown age, competence must have been found
    (Gillick). What was said before stays so: turning 16 mends no such yes, nor does an assessment
    that did not find it."""
    if consent.given_by == "parent":
        return True
    if consent.gillick_competent is None:
        return all(age in GROWN for age in (*ages, consent.age_band or ages[0]))
    return consent.gillick_competent


def _may_refuse(no: Consent, ages: Ages) -> bool:
    """Whether a young person's no binds a parent's yes: able then, or now at any age, is enough."""
    if no.gillick_competent is None:
        return any(age in GROWN for age in (*ages, no.age_band))
    return no.gillick_competent
