"""The young person as far as sharing goes: consents, lawful-basis decisions, safety marks. Pure.

No name, no birth date: those are sealed in the referrals. Records are only ever added; the state
that counts is derived from all of them (`shared.sharing.decide`).
"""

from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar

from pydantic import Field

from services.referral.domain.incoming import BasisEntry, ConsentEntry
from shared.errors import Malformed, NotFound, Refused
from shared.events import EventData
from shared.events.codes import AgeBand
from shared.events.referral import (
    BasisEnded,
    BasisRecorded,
    ConsentRecorded,
    SafetyMarked,
    ServiceAgreementRecorded,
    SubjectLinked,
    SubjectMatchDecided,
    SubjectRelinked,
    SubjectTurning18,
)
from shared.records import Change, Record, changed, unchanged
from shared.sharing import Basis, Consent, SharingState

BIRTHDAY_DUE = "birthday_due"
MAX_RECORDS = 500

Said = TypeVar("Said", bound=Consent | Basis)


class Subject(Record):
    """One young person, by a random id. `sealed_reasons` are the reasons of bases, encrypted."""

    referral_ids: tuple[str, ...]
    sharing: SharingState = SharingState()
    service_agreement: Literal["agreed", "declined", "not_asked"] = "not_asked"
    told_ahead: bool = False
    not_same_as: tuple[str, ...] = ()
    sealed_reasons: dict[str, bytes] = Field(default_factory=dict)


def new_subject(subject_id: str, referral_id: str, age_band: AgeBand) -> tuple[Subject, EventData]:
    """A young person not known here before, and the event of the first referral."""
    subject = Subject(
        id=subject_id, referral_ids=(referral_id,), sharing=SharingState(age_band=age_band)
    )
    return subject, SubjectLinked(**_about(subject, referral_id), known_before=False)


def link(subject: Subject, referral_id: str, age_band: AgeBand) -> Change[Subject]:
    """One more referral about the same young person; the better known age counts."""
    if referral_id in subject.referral_ids:
        return unchanged(subject)
    band = subject.sharing.age_band if age_band == "not_known" else age_band
    after = subject.but(
        referral_ids=(*subject.referral_ids, referral_id),
        sharing=_with(subject.sharing, age_band=band),
    )
    return Change(after, (SubjectLinked(**_about(after, referral_id), known_before=True),))


def join(subject: Subject, referral_id: str, other: Subject) -> Change[Subject]:
    """A referral of `other` is about this young person, on a practitioner's word.

    Everything said about sharing under `other` comes along: a refusal must not get lost.
    """
    if referral_id in subject.referral_ids:
        return unchanged(subject)
    mine, theirs = subject.sharing, other.sharing
    sharing = _with(
        mine,
        consents=_union(mine.consents, theirs.consents),
        bases=_union(mine.bases, theirs.bases),
        unsafe_agencies=tuple(sorted({*mine.unsafe_agencies, *theirs.unsafe_agencies})),
    )
    after = subject.but(referral_ids=(*subject.referral_ids, referral_id), sharing=sharing)
    return Change(after, (_relinked(after, referral_id, other.id, subject.id),))


def leave(subject: Subject, referral_id: str, joining: str) -> Change[Subject]:
    """A referral turned out to be about somebody else."""
    if referral_id not in subject.referral_ids:
        return unchanged(subject)
    after = subject.but(referral_ids=tuple(i for i in subject.referral_ids if i != referral_id))
    return Change(after, (_relinked(after, referral_id, subject.id, joining),))


def _relinked(after: Subject, referral_id: str, leaving: str, joining: str) -> SubjectRelinked:
    about = _about(after, referral_id)
    return SubjectRelinked(**about, from_subject_id=leaving, to_subject_id=joining)


def _union(mine: tuple[Said, ...], theirs: tuple[Said, ...]) -> tuple[Said, ...]:
    return tuple({item.id: item for item in (*theirs, *mine)}.values())


def decide_match(
    subject: Subject,
    referral_id: str,
    other_subject_id: str,
    decision: Literal["same_person", "different_people"],
) -> Change[Subject]:
    """What a practitioner made of a possible match; saying it again changes nothing."""
    if decision == "different_people" and other_subject_id in subject.not_same_as:
        return unchanged(subject)
    others = subject.not_same_as
    if decision == "different_people":
        others = (*others, other_subject_id)
    event = SubjectMatchDecided(
        **_about(subject, referral_id), other_subject_id=other_subject_id, decision=decision
    )
    return changed(subject, event, not_same_as=others)


def record_consent(
    subject: Subject, referral_id: str, consent_id: str, entry: ConsentEntry, at: datetime
) -> Change[Subject]:
    """Add what was said about sharing. The same record again (a repeated request) adds nothing."""
    if any(c.id == consent_id for c in subject.sharing.consents):
        return unchanged(subject)
    _room(len(subject.sharing.consents))
    if entry.valid_to is not None and entry.valid_to <= at:
        raise Malformed("/valid_to", "in_the_past", "A consent must be valid for some time.")
    consent = Consent(id=consent_id, recorded_at=at, valid_from=at, **entry.model_dump())
    sharing = _with(subject.sharing, consents=(*subject.sharing.consents, consent))
    after = subject.but(sharing=sharing)
    return Change(after, (ConsentRecorded(**_about(after, referral_id), consent=consent),))


def record_basis(
    subject: Subject,
    referral_id: str,
    basis_id: str,
    entry: BasisEntry,
    *,
    by: str,
    sealed: dict[str, bytes],
    at: datetime,
) -> Change[Subject]:
    """Add a lawful-basis decision of a named practitioner. It lapses at its review date, at the
    latest in a year: a review that upholds it is a new decision."""
    if any(b.id == basis_id for b in subject.sharing.bases):
        return unchanged(subject)
    _room(len(subject.sharing.bases))
    if not at < entry.review_at <= at + timedelta(days=366):
        raise Malformed("/review_at", "not_within_a_year", "Review it within a year.")
    coded = entry.model_dump(exclude={"reason", "necessity", "subject_told"})
    basis = Basis(id=basis_id, decided_by=by, decided_at=at, **coded)
    sharing = _with(subject.sharing, bases=(*subject.sharing.bases, basis))
    after = subject.but(sharing=sharing, sealed_reasons={**subject.sealed_reasons, **sealed})
    about = _about(after, referral_id)
    event = BasisRecorded(**about, basis=basis, subject_told=entry.subject_told)
    return Change(after, (event,))


def end_basis(subject: Subject, referral_id: str, basis_id: str, at: datetime) -> Change[Subject]:
    """End a lawful-basis decision now. Raises `NotFound` where this subject has none of that id."""
    found = next((b for b in subject.sharing.bases if b.id == basis_id), None)
    if found is None:
        raise NotFound("basis")
    if found.ended_at is not None:
        return unchanged(subject)
    ended = found.model_copy(update={"ended_at": at})
    bases = tuple(ended if b.id == basis_id else b for b in subject.sharing.bases)
    after = subject.but(sharing=_with(subject.sharing, bases=bases))
    return Change(after, (BasisEnded(**_about(after, referral_id), basis=ended),))


def mark_safety(
    subject: Subject, referral_id: str, agency_id: str, *, unsafe: bool
) -> Change[Subject]:
    """Whether an agency is unsafe for this young person (an alleged perpetrator, household member
    or close associate works there). Takes effect at once, everywhere."""
    marked = set(subject.sharing.unsafe_agencies)
    if (agency_id in marked) == unsafe:
        return unchanged(subject)
    agencies = marked | {agency_id} if unsafe else marked - {agency_id}
    after = subject.but(sharing=_with(subject.sharing, unsafe_agencies=tuple(sorted(agencies))))
    event = SafetyMarked(**_about(after, referral_id), agency_id=agency_id, unsafe=unsafe)
    return Change(after, (event,))


def record_service_agreement(
    subject: Subject, referral_id: str, agreed: Literal["agreed", "declined", "not_asked"]
) -> Change[Subject]:
    """Agreement to the service. It is not consent to sharing, and declining blocks no basis."""
    if subject.service_agreement == agreed:
        return unchanged(subject)
    event = ServiceAgreementRecorded(**_about(subject, referral_id), agreed=agreed)
    return changed(subject, event, service_agreement=agreed)


def turn(subject: Subject, band: AgeBand, *, ahead: bool) -> Change[Subject]:
    """Another regime of consent from today (16, 18), or six months' notice of the one at 18."""
    about_to_turn = ahead and not subject.told_ahead
    if band == subject.sharing.age_band and not about_to_turn:
        return unchanged(subject)
    after = subject.but(sharing=_with(subject.sharing, age_band=band), told_ahead=ahead)
    about = _about(after, subject.referral_ids[0])
    if band == subject.sharing.age_band:
        return Change(after, (SubjectTurning18(**about, stage="ahead"),))
    stage: Literal["turned_16", "turned_18"] = "turned_18" if band == "18_and_over" else "turned_16"
    return Change(after, (SubjectTurning18(**about, stage=stage),))


def _with(sharing: SharingState, **fields: object) -> SharingState:
    return SharingState.model_validate({**dict(sharing), **fields})


def _room(count: int) -> None:
    if count >= MAX_RECORDS:
        raise Refused("too_many_records", "A person must look at this record first.")


def _about(subject: Subject, referral_id: str) -> dict[str, Any]:
    return {
        "subject_id": subject.id,
        "referral_id": referral_id,
        "referral_ids": subject.referral_ids,
        "sharing": subject.sharing,
    }
