"""Who a referral may be about: looking in the stores for what the rules of matching compare."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any

from services.referral.authorship import merged, read, sealed_parts
from services.referral.documents import SubjectDetails
from services.referral.people.deciding import kept_apart
from services.referral.people.index import Known, to_compare
from services.referral.people.matching import Identity, blocking_keys
from services.referral.people.places import postcode_in
from services.referral.people.sounds import name_keys
from services.referral.people.telling import Description, choose, describe
from services.referral.records import Referral
from services.referral.sharing.subject import Subject
from services.referral.store import Stores
from services.referral.vault import Erased

# Before the hash of a key by which only a search finds a referral.
OF_A_NAME = "name:"
# The sealed fields that tell who somebody is.
OF_A_PERSON = ("identity", "health", "address", "education")

# Ways of a referral to say it, from its last correction back, that are looked at.
WAYS = 5


def identity(subject: SubjectDetails) -> Identity:
    """What matching compares."""
    return Identity(
        name=subject.name,
        date_of_birth=subject.date_of_birth,
        nhs_number=subject.nhs_number,
        postcode=postcode_in(subject.address),
        known_as=subject.known_as,
    )


def subject_hashes(stores: Stores, described: Description, referral_id: str) -> list[str]:
    """The keyed hashes this person is looked for by; if there are none, one that is only theirs,
    by which a repeated request finds what it has done."""
    found = [h for h in (described.nhs_number, described.name_and_birth) if h]
    return found or [stores.vault.fingerprint("nobody", referral_id)]


# As many as one young person has in one record; an event of theirs must still be written.
MAX_REFERRALS = 500


@dataclass(frozen=True)
class Whom:
    """Whom a referral seems to be about. `subject_id` without `subject`: an id that somebody took
    and has not used, or not yet. Neither: nobody who was known. `full`: somebody of whom there are
    as many referrals as a record holds."""

    described: Description
    hashes: list[str]
    known: Known
    subject_id: str | None = None
    subject: Subject | None = None
    full: bool = False

    def nobody(self) -> "Whom":
        """The same for a young person of its own, since the record of this one is full."""
        return self if self.subject is None else replace(self, subject_id=None, subject=None)


async def find_whom(stores: Stores, details: SubjectDetails, referral_id: str) -> Whom:
    """Whom a new referral is about, as far as that is sure. Costs one call for a child not known
    before, and one more for all who have to be compared."""
    described = describe(details, stores.vault.fingerprint)
    hashes = subject_hashes(stores, described, referral_id)
    known = await stores.people.known(hashes)
    whom = Whom(described, hashes, known)
    if not (ids := to_compare(hashes, known)):
        return whom
    found = await stores.subjects.find({"_id": {"$in": ids}}, limit=len(ids))
    subjects = {s.id: await _with_descriptions(stores, s) for s in found}
    mine = [i for i, s in subjects.items() if referral_id in s.facts]
    unused = [i for i in ids if i not in subjects]
    # Of who is not read in whole nobody can say that nothing contradicts.
    told = {i: () if s.undescribed else s.described for i, s in subjects.items()}
    full = {i for i, s in subjects.items() if len(s.facts) >= MAX_REFERRALS and i not in mine}
    joined = {i for i, s in subjects.items() if s.joined}
    apart = partial(_apart, subjects)
    chosen = choose(described, told, apart, joined)
    if of_full := chosen in full:
        others = {i: known for i, known in told.items() if i not in full}
        chosen = choose(described, others, apart, joined)
    subject_id = next(iter([*mine, *([chosen] if chosen else []), *unused]), None)
    subject = subjects.get(subject_id or "")
    return replace(whom, subject_id=subject_id, subject=subject, full=of_full and not mine)


def _apart(subjects: Mapping[str, Subject], one: str, other: str) -> bool:
    return kept_apart(subjects[one], subjects[other])


async def _with_descriptions(stores: Stores, subject: Subject) -> Subject:
    """The young person with the descriptions of all their referrals, read anew where they are not
    noted. Without, where one of them can't be read yet: nobody is linked then."""
    if not (ids := list(subject.undescribed)):
        return subject
    read: dict[str, Description] = {}
    for referral in await stores.referrals.find({"_id": {"$in": ids}}, limit=len(ids)):
        details = await details_of(stores, referral)
        hashed = stores.vault.fingerprint
        read[referral.id] = describe(details, hashed) if details else Description()
    return subject.described_by(read)


def block_hashes(stores: Stores, subject: SubjectDetails) -> list[str]:
    """The keyed hashes under which people like this one are looked for."""
    keys = blocking_keys(identity(subject))
    return hashed_keys(stores, (*keys, *name_keys(subject.name, subject.known_as)))


def hashed_keys(stores: Stores, keys: Iterable[str]) -> list[str]:
    """The keys as they are kept; those of a name alone are marked, for only a search uses them."""
    return [
        (OF_A_NAME if key.startswith("name:") else "") + stores.vault.fingerprint("block", key)
        for key in keys
    ]


async def details_of(stores: Stores, referral: Referral) -> SubjectDetails | None:
    """Who a referral is about, opened; None when it was erased."""
    return next(iter(await ways_of(stores, referral)), None)


async def ways_of(stores: Stores, referral: Referral) -> list[SubjectDetails]:
    """Who a referral is about, opened: as it says now, then as it said before it was corrected, the
    newest first, so many of them. Empty when it was erased."""
    try:
        opened = read(await stores.vault.open(referral.id, sealed_parts(referral, OF_A_PERSON)))
    except Erased:
        return []
    parts = [(int(key.partition("~")[2]), value) for key, value in opened.items()]
    written = sorted({number for number, _ in parts}, reverse=True)[:WAYS]
    said = (merged(value for number, value in parts if number <= last) for last in written)
    return [_details(known) for known in said if "name" in known]


def _details(known: Mapping[str, Any]) -> SubjectDetails:
    born = known.get("date_of_birth")
    return SubjectDetails(
        name=known["name"],
        known_as=known.get("known_as"),
        nhs_number=known.get("nhs_number"),
        address=known.get("address"),
        school=known.get("school"),
        date_of_birth=date.fromisoformat(born) if born else None,
        born_about=known.get("born_about"),
        estimated_age=known.get("estimated_age"),
        gender=known.get("gender", "not_asked"),
    )
