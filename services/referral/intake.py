"""Taking a referral in: several writes that end in one referral, whatever crashes between them.

In order: the young person's id by keyed hash, the sealed fields (and their key), the sharing
record, the referral. Each is found again by a repeated request, because all ids derive from the
agency and its key; only the last write makes the referral, and only then the answer is 201.
"""

import json
from dataclasses import dataclass
from datetime import date, datetime

from services.referral.birthdays import next_check
from services.referral.domain.incoming import ConsentEntry, ReceiveReferral, SubjectDetails
from services.referral.domain.matching import Identity, PossibleMatch, blocking_keys, possible_match
from services.referral.domain.receiving import age_band, fields_to_seal, is_nhs_number, receive
from services.referral.domain.referrals import RESPONSE_DUE, Referral
from services.referral.domain.subjects import (
    BIRTHDAY_DUE,
    Subject,
    link,
    new_subject,
    record_consent,
    record_service_agreement,
)
from services.referral.store import Desk
from services.referral.vault import Erased
from shared.clock import now
from shared.errors import AlreadyThere, Malformed, Mismatch, NotFound, Refused
from shared.ids import derived_id, new_id
from shared.origin import Origin
from shared.tokens import Caller


async def take_in(desk: Desk, document: ReceiveReferral, caller: Caller, key: str) -> Referral:
    """The stored referral for this request, made now or by an earlier copy of it.

    Raises `Mismatch` when the key was used for another body, `Refused` when the agency used its
    reference before, `Malformed` when an organisation does not say who refers.
    """
    agency_id = caller.agency_id or ""
    referral_id = derived_id("ref", agency_id, key)
    request_hash = desk.vault.fingerprint("request", document.model_dump_json())
    if (found := await _stored(desk, referral_id, request_hash)) is not None:
        return found
    reply = await has_reply_channel(desk, agency_id)
    if reply and document.referrer is None:
        raise Malformed("/referrer", "missing", "An organisation says who refers.")
    at, by = now(), caller.origin(referral_id)
    subject = await _subject(desk, document, referral_id, by, at)
    reference = desk.vault.fingerprint("reference", agency_id, document.agency_reference)
    referral, event = receive(
        document,
        referral_id=referral_id,
        agency_id=agency_id,
        subject=(subject.id, subject.version),
        hashes=(reference, request_hash),
        sealed=await desk.vault.seal(referral_id, fields_to_seal(document)),
        reply=reply,
        at=at,
    )
    await desk.people.block(referral_id, block_hashes(desk, document.subject))
    try:
        return await desk.referrals.add(referral, event, by=by, due={RESPONSE_DUE: referral.due_at})
    except AlreadyThere:
        return await _taken(desk, referral, request_hash)


async def has_reply_channel(desk: Desk, agency_id: str) -> bool:
    """False for the accounts of people who refer themselves or anonymously."""
    try:
        return (await desk.agencies.get(agency_id)).has_reply_channel
    except NotFound:
        return True  # not registered yet, but with a valid token: never lose its referral


async def _stored(desk: Desk, referral_id: str, request_hash: str) -> Referral | None:
    try:
        referral = await desk.referrals.get(referral_id)
    except NotFound:
        return None
    if referral.request_hash != request_hash:
        detail = "This Idempotency-Key was used for another body before."
        raise Mismatch("idempotency_key_reused", detail)
    return referral


async def _taken(desk: Desk, referral: Referral, request_hash: str) -> Referral:
    # Either this very request ran twice at once, or the agency used its reference before.
    if (twin := await _stored(desk, referral.id, request_hash)) is not None:
        return twin
    where = {"agency_id": referral.agency_id, "reference_hash": referral.reference_hash}
    first = await desk.referrals.find(where, limit=1)
    location = f"/v1/referrals/{first[0].id}" if first else ""
    detail = "You have sent a referral with this agency_reference before."
    raise Refused("agency_reference_used", detail, referral=location)


async def _subject(
    desk: Desk, document: ReceiveReferral, referral_id: str, by: Origin, at: datetime
) -> Subject:
    subject_id = await desk.people.find_or_add(subject_hashes(desk, document.subject))
    band = age_band(document.subject, at)
    subject, event = new_subject(subject_id, referral_id, band)
    check_at = next_check(document.subject.date_of_birth, at)
    due = {BIRTHDAY_DUE: check_at} if check_at else None
    try:
        subject = await desk.subjects.add(subject, event, by=by, due=due)
    except AlreadyThere:
        subject = await desk.subjects.change(
            subject_id, lambda s: link(s, referral_id, band), by=by
        )
    for number, entry in enumerate(document.consents):
        subject = await _consent(desk, subject, referral_id, number, entry, by, at)
    if document.service_agreement != "not_asked":
        agreed = document.service_agreement
        subject = await desk.subjects.change(
            subject.id, lambda s: record_service_agreement(s, referral_id, agreed), by=by
        )
    return subject


async def _consent(
    desk: Desk,
    subject: Subject,
    referral_id: str,
    number: int,
    entry: ConsentEntry,
    by: Origin,
    at: datetime,
) -> Subject:
    consent_id = derived_id("con", referral_id, "intake", str(number))
    return await desk.subjects.change(
        subject.id, lambda s: record_consent(s, referral_id, consent_id, entry, at), by=by
    )


def identity(subject: SubjectDetails) -> Identity:
    """What matching compares."""
    return Identity(
        name=subject.name, date_of_birth=subject.date_of_birth, nhs_number=subject.nhs_number
    )


def subject_hashes(desk: Desk, subject: SubjectDetails) -> list[str]:
    """The keyed hashes this person is found by: NHS number if valid, name with date of birth."""
    hashes = []
    if subject.nhs_number and is_nhs_number(subject.nhs_number):
        digits = subject.nhs_number.replace(" ", "").replace("-", "")
        hashes.append(desk.vault.fingerprint("nhs_number", digits))
    if subject.date_of_birth:
        born = subject.date_of_birth.isoformat()
        hashes.append(desk.vault.fingerprint("name_and_birth", subject.name, born))
    return hashes or [desk.vault.fingerprint("nobody", new_id("one"))]


def block_hashes(desk: Desk, subject: SubjectDetails) -> list[str]:
    """The keyed hashes under which people like this one are looked for."""
    return desk.vault.fingerprints("block", blocking_keys(identity(subject)))


@dataclass(frozen=True)
class Found:
    """A referral that may be about the same young person, and why it seems so."""

    referral: Referral
    match: PossibleMatch


async def possible_matches(desk: Desk, referral: Referral) -> list[Found]:
    """Referrals of other subjects that may be about the same young person, explained.

    Compares names in memory only; what a practitioner is shown are the fields that agree.
    """
    mine = await details_of(desk, referral)
    if mine is None:
        return []
    subject = await desk.subjects.get(referral.subject_id)
    found = []
    for other_id in await desk.people.near(referral.id, block_hashes(desk, mine)):
        try:
            other = await desk.referrals.get(other_id)
        except NotFound:
            continue  # its request never came to its end
        if other.subject_id in (subject.id, *subject.not_same_as):
            continue
        theirs = await details_of(desk, other)
        match = possible_match(identity(mine), identity(theirs)) if theirs else None
        if match is not None:
            found.append(Found(other, match))
    return found


async def details_of(desk: Desk, referral: Referral) -> SubjectDetails | None:
    """Who a referral is about, opened; None when it was erased."""
    sealed = {n: v for n, v in referral.sealed.items() if n in ("identity", "health")}
    try:
        opened = await desk.vault.open(referral.id, sealed)
    except Erased:
        return None
    if "identity" not in opened:
        return None
    known = json.loads(opened["identity"])
    number = json.loads(opened.get("health") or "{}").get("nhs_number")
    born = known.get("date_of_birth")
    return SubjectDetails(
        name=known["name"],
        date_of_birth=date.fromisoformat(born) if born else None,
        nhs_number=number,
    )
