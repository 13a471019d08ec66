"""Consents, lawful-basis decisions, agreement to the service. Pure."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from services.referral.documents import ConsentEntry
from services.referral.sharing.facts import Answer, ServiceAnswer, newest
from services.referral.sharing.request import BasisEntry, ConfirmationEntry
from services.referral.sharing.room import room, share
from services.referral.sharing.said import not_ahead, not_before, said_by
from services.referral.sharing.subject import Subject, about
from shared.errors import Malformed, Mismatch, NotFound, Outage, Refused
from shared.events.codes import AGENCY_KINDS, UNKNOWN_NAME
from shared.events.sharing import (
    BasisEnded,
    BasisRecorded,
    ConsentRecorded,
    ConsentReviewed,
    ServiceAgreementRecorded,
)
from shared.rules.consents import NO, opens_to, waits_anew
from shared.rules.parents import parents_not_told
from shared.rules.sharing import Basis, Confirmation, Consent
from shared.storage.records import Change, unchanged

# The agency that somebody sits in, and its kind.
Host = tuple[str, str] | None


def record_consent(
    subject: Subject,
    referral_id: str,
    consent_id: str,
    entry: ConsentEntry,
    at: datetime,
    *,
    by: str,
    host: str | None = None,
    sides: Collection[str] = (),
    where: str = "",
) -> Change[Subject]:
    """Add what was said about sharing, when, and who wrote it down. The same record again (a repeated
    request) adds nothing; raises `Mismatch` when this id has another: what was said under it
    would be lost. `where` is the place of the entry in its document, for `Malformed`."""
    still_about(subject, referral_id)
    heard = subject.sharing.consents
    known = next((c for c in heard if c.id == consent_id), None)
    if known is not None:
        _repeats_consent(known, entry)
        return unchanged(subject)
    says_no = entry.status in NO
    room(by, [each.recorded_by for each in heard], says_no=says_no)
    if entry.valid_to is not None and entry.valid_to <= at:
        detail = "A consent must be valid for some time."
        raise Malformed(f"{where}/valid_to", "in_the_past", detail)
    not_ahead(entry.said_at, at, f"{where}/said_at")
    if says_no:
        at = not_before(at, heard)
    said = {"agency_kinds": kinds_of(entry), "said_at": said_by(entry.said_at, at)}
    recorded: dict[str, Any] = {"recorded_at": at, "recorded_by": by, "recorder_host": host}
    recorded["recorder_sides"] = tuple(s for s in sorted(sides) if f"agency:{s}" != by)
    consent = Consent(id=consent_id, valid_from=at, **recorded, **entry.model_dump() | said)
    share(by, heard, consent, says_no=says_no)
    consents = (*subject.facts[referral_id].consents, consent)
    after = subject.told(referral_id, consents=consents)
    stated = about(after, referral_id)
    return Change(after, (ConsentRecorded(**stated, consent=consent_of(after, consent_id)),))


def kinds_of(entry: ConsentEntry) -> tuple[str, ...]:
    """The kinds that it names, each other word as the one code that no agency ever has: what is of
    no kind stays a word about nobody, and no caller's word is in an event."""
    kinds = (k if k in AGENCY_KINDS else UNKNOWN_NAME for k in entry.agency_kinds)
    return tuple(dict.fromkeys(kinds))


def review_consent(
    subject: Subject,
    referral_id: str,
    consent_id: str,
    entry: ConfirmationEntry,
    at: datetime,
    *,
    by: str,
    host: Host = None,
    sides: Collection[str] = (),
    since: datetime | None = None,
) -> Change[Subject]:
    """Confirm or reject, once, a yes that an agency recorded, or a worker whom one hosts; and anew what
    was said of another Hub, from which this one took the referral over then (`since`).

    Confirmed, it counts as said when it was recorded: a no that came since still ends it. `host` is
    the agency that the reviewer sits in, with its kind, `sides` are those as which their account has
    called. Raises `NotFound` where this subject has no such consent, `Refused` where there is nothing
    to confirm, where it was reviewed otherwise, or where one of these agencies would gain."""
    still_about(subject, referral_id)
    found = kept_consent(subject, consent_id)
    anew = waits_anew(found, since)
    if found.confirmation is not None and not anew:
        if found.confirmation.confirmed == entry.confirmed:
            return unchanged(subject)
        raise Refused("reviewed_otherwise", "It was reviewed; record what was said since anew.")
    if found.status != "given" or (found.gains is None and not anew):
        raise Refused("nothing_to_confirm", "Only a yes that an agency recorded is confirmed.")
    if entry.reason == "asked_parent" and parents_not_told(subject.sharing.about_parents):
        raise Refused("parents_not_told", "The young person asked that their parents are not told.")
    _nobody_gains(found, host, sides)
    confirmation = Confirmation(confirmed=entry.confirmed, by=by, at=at)
    reviewed = found.model_copy(update={"confirmation": confirmation})
    after = replaced(subject, reviewed)
    said = entry.model_dump() | {"consent": consent_of(after, consent_id)}
    return Change(after, (ConsentReviewed(**about(after, referral_id), **said),))


def _nobody_gains(found: Consent, host: Host, sides: Collection[str]) -> None:
    if host is not None and (host[0] == found.gains or opens_to(found, *host)):
        raise Refused("gains_by_it", "Somebody who is not hosted by an agency that gains confirms.")
    if any(side == found.gains or opens_to(found, side, "") for side in sides):
        raise Refused(
            "gains_by_it", "Somebody who has not called for an agency that gains confirms."
        )


def kept_consent(subject: Subject, consent_id: str) -> Consent:
    """A consent as it was recorded. Raises `NotFound`."""
    for facts in subject.facts.values():
        for consent in facts.consents:
            if consent.id == consent_id:
                return consent
    raise NotFound("consent")


def replaced(subject: Subject, consent: Consent) -> Subject:
    """With something added to a consent, among the facts of the referral it was recorded through."""
    for referral_id, facts in subject.facts.items():
        if any(c.id == consent.id for c in facts.consents):
            kept = tuple(consent if c.id == consent.id else c for c in facts.consents)
            return subject.told(referral_id, consents=kept)
    return subject


def consent_of(subject: Subject, consent_id: str) -> Consent:
    """A consent as the rules of sharing see it."""
    return next(c for c in subject.sharing.consents if c.id == consent_id)


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
    latest in a year: a review that upholds it is a new decision. Raises `Mismatch` when this id
    has another; reason and necessity are sealed and not compared."""
    still_about(subject, referral_id)
    coded = entry.model_dump(exclude={"reason", "necessity", "subject_told"})
    known = next((b for b in subject.sharing.bases if b.id == basis_id), None)
    if known is not None:
        _repeats(known, coded)
        return unchanged(subject)
    room(by, [each.decided_by for each in subject.sharing.bases])
    if not at < entry.review_at <= at + timedelta(days=366):
        raise Malformed("/review_at", "not_within_a_year", "Review it within a year.")
    basis = Basis(id=basis_id, decided_by=by, decided_at=at, **coded)
    before = subject.facts[referral_id]
    reasons = {**before.sealed_reasons, **sealed}
    after = subject.told(referral_id, bases=(*before.bases, basis), sealed_reasons=reasons)
    stated = about(after, referral_id)
    event = BasisRecorded(**stated, basis=basis, subject_told=entry.subject_told)
    return Change(after, (event,))


def end_basis(subject: Subject, referral_id: str, basis_id: str, at: datetime) -> Change[Subject]:
    """End a lawful-basis decision now. Raises `NotFound` where this subject has none of that id."""
    still_about(subject, referral_id)
    owner = next((i for i, f in subject.facts.items() if basis_id in {b.id for b in f.bases}), None)
    if owner is None:
        raise NotFound("basis")
    kept = subject.facts[owner].bases
    found = next(b for b in kept if b.id == basis_id)
    if found.ended_at is not None:
        return unchanged(subject)
    ended = found.model_copy(update={"ended_at": at})
    after = subject.told(owner, bases=tuple(ended if b.id == basis_id else b for b in kept))
    return Change(after, (BasisEnded(**about(after, referral_id), basis=ended),))


def record_service_agreement(
    subject: Subject, referral_id: str, agreed: Answer, at: datetime
) -> Change[Subject]:
    """Agreement to the service. It is not consent to sharing, and declining blocks no basis. What
    was declined stays so until somebody says otherwise; "not asked" takes back the word of this
    referral, and no other's."""
    still_about(subject, referral_id)
    before = subject.facts[referral_id].service
    if (before.agreed if before else "not_asked") == agreed and (
        agreed in ("not_asked", subject.service_agreement)
    ):
        return unchanged(subject)
    said = (f.service.at for f in subject.facts.values() if f.service)
    answer = ServiceAnswer(agreed=agreed, at=newest(said, at))
    after = subject.told(referral_id, service=answer)
    event = ServiceAgreementRecorded(**about(after, referral_id), agreed=agreed)
    return Change(after, (event,))


def still_about(subject: Subject, referral_id: str) -> None:
    """Raises `Outage` when the referral was moved to another young person since it was read: asked
    again, the request finds that one. Said to the one before, a refusal would be lost."""
    if referral_id not in subject.facts:
        raise Outage("referral_moved")


def _repeats_consent(known: Consent, entry: ConsentEntry) -> None:
    # Kinds were kept as sent once, and the time as it was said.
    said = entry.model_dump()
    if known.agency_kinds != entry.agency_kinds:
        said["agency_kinds"] = kinds_of(entry)
    if _kept(known.said_at) != _kept(entry.said_at):
        said["said_at"] = said_by(entry.said_at, known.recorded_at)
    _repeats(known, said)


def _repeats(known: Consent | Basis, coded: Mapping[str, object]) -> None:
    if any(_kept(getattr(known, name)) != _kept(value) for name, value in coded.items()):
        raise Mismatch


def _kept(value: object) -> object:
    # The store keeps milliseconds.
    if isinstance(value, datetime):
        return value.replace(microsecond=value.microsecond // 1000 * 1000)
    return value
