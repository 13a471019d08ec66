"""A lawful-basis decision with its sealed reasons; and what an agency would be shown now."""

from collections.abc import Collection
from functools import partial

from services.referral.access import Viewer
from services.referral.acting import Asker
from services.referral.documents import ConsentEntry
from services.referral.records import Referral, not_erased
from services.referral.sharing.marking import (
    Mark,
    lifted,
    mark_members,
    mark_person,
    mark_safety,
    named,
)
from services.referral.sharing.naming import all_known, all_registered
from services.referral.sharing.request import (
    BasisEntry,
    ConfirmationEntry,
    RecordedConsent,
    recorded,
)
from services.referral.sharing.rule import Host, record_basis, record_consent, review_consent
from services.referral.sharing.speakers import CONFIRMED, known_as, spoken
from services.referral.sharing.subject import Subject
from services.referral.store import Stores
from shared.clock import now
from shared.errors import NotFound, Refused
from shared.origin import Origin
from shared.rules.sharing import CATEGORIES, Decision, Request, decide
from shared.storage.records import Change, in_turn


async def decide_basis(
    stores: Stores, referral: Referral, entry: BasisEntry, asker: Asker, key: str
) -> Subject:
    """The young person with the decision. Raises `Refused` once the referral was erased, or where an
    agency would gain that hosts the caller, or as which their account has called; and `Malformed`
    where one is not registered."""
    not_erased(referral)
    await all_registered(stores, entry.agency_ids)
    caller, viewer = asker
    sides = {*await stores.known.sides_of(caller.account), viewer.host_agency_id}
    if not sides.isdisjoint(entry.agency_ids):
        raise Refused(
            "gains_by_it",
            "Somebody decides who is not hosted by an agency that gains, and has not called for one.",
        )
    basis_id, at = stores.vault.id_of("bas", referral.id, caller.actor, key), now()
    reasons = {
        f"{referral.id}/{basis_id}/reason": entry.reason,
        f"{referral.id}/{basis_id}/necessity": entry.necessity,
    }
    sealed = await stores.vault.seal(referral.id, reasons)
    rule = partial(record_basis, by=caller.actor, sealed=sealed, at=at)
    said = referral.id, caller.account
    return await stores.subjects.change(
        referral.subject_id,
        lambda s: spoken(rule(s, referral.id, basis_id, entry), *said, basis_id),
        by=caller.origin(referral.id),
    )


async def record(
    stores: Stores, referral: Referral, entry: ConsentEntry, asker: Asker, key: str
) -> RecordedConsent:
    """What was said about sharing, recorded; the same again records nothing. Raises `Malformed` where
    an agency or a kind is not known."""
    await all_known(stores, entry)
    caller, viewer = asker
    consent_id, at = stores.vault.id_of("con", referral.id, caller.actor, key), now()
    sides = await stores.known.agencies_of(caller.account)
    host, said = viewer.host_agency_id, (referral.id, caller.account)
    rule = partial(record_consent, by=caller.actor, host=host, sides=sides)
    subject = await stores.subjects.change(
        referral.subject_id,
        lambda s: spoken(rule(s, referral.id, consent_id, entry, at), *said, consent_id),
        by=caller.origin(referral.id),
    )
    return recorded(subject.sharing, consent_id)


async def confirm(
    stores: Stores, referral: Referral, consent_id: str, entry: ConfirmationEntry, asker: Asker
) -> Subject:
    """The young person, with what a practitioner made of a yes that an agency recorded."""
    caller, viewer = asker
    at, by, host = now(), caller.actor, await host_of(stores, viewer)
    sides, since = await stores.known.sides_of(caller.account), referral.transferred_at
    said = referral.id, caller.account
    rule = partial(review_consent, entry=entry, at=at, by=by, host=host, sides=sides, since=since)
    return await stores.subjects.change(
        referral.subject_id,
        lambda s: spoken(rule(s, referral.id, consent_id), *said, f"{consent_id}{CONFIRMED}"),
        by=caller.origin(referral.id),
    )


async def host_of(stores: Stores, viewer: Viewer) -> Host:
    """The agency that a worker sits in, with its kind."""
    return await with_kind(stores, viewer.host_agency_id) if viewer.host_agency_id else None


async def with_kind(stores: Stores, agency_id: str) -> tuple[str, str]:
    """An agency with its kind; without one where it is not registered."""
    try:
        return agency_id, (await stores.agencies.get(agency_id)).kind
    except NotFound:
        return agency_id, ""


async def preview(stores: Stores, referral: Referral, agency_id: str, purpose: str) -> Decision:
    """What the agency would be shown if it looked now, and why not the rest."""
    subject = await stores.subjects.get(referral.subject_id)
    agency = await stores.agencies.get(agency_id)
    request = Request(
        sharer=referral.hub_id,
        taken_over_at=referral.transferred_at,
        referrer_id=referral.agency_id,
        agency_id=agency_id,
        agency_kind=agency.kind,
        agency_alias=agency.alias,
        purpose=purpose,
        categories=CATEGORIES,
    )
    terms = await stores.terms_between(agency_id, referral.hub_id)
    return decide(request, subject.sharing, terms, now())


async def mark(stores: Stores, referral: Referral, marked: Mark, by: Origin) -> Subject:
    """The young person with the mark, and, where it is a worker's or an account's, with those of all
    other names of theirs: it is one person.

    Raises `Refused` where nobody knows who is meant: a mark that names somebody else than intended
    would protect nobody. To lift one, nothing need be known; but a manager of the Hub does that.
    """
    if marked.unsafe and not await _is_known(stores, referral, marked):
        raise Refused(f"{marked.kind}_unknown", UNKNOWN_HERE[marked.kind])
    return await mark_known(stores, referral.subject_id, referral.id, marked, by)


async def mark_known(
    stores: Stores, subject_id: str, referral_id: str, marked: Mark, by: Origin
) -> Subject:
    """The same of somebody who is known, through a referral that may not be stored yet."""
    marks = [marked, *await _same_person(stores, marked)]
    members = await _members_of(stores, marked.id) if marked.kind == "agency" else []
    at = now()
    rule = partial(mark_safety, referral_id=referral_id, at=at, lifts=by.role == "hub_manager")

    def rules(subject: Subject) -> Change[Subject]:
        falls = [] if marked.unsafe else [f for each in marks for f in lifted(subject, each)]
        more = [partial(rule, mark=each) for each in (*marks, *falls)]
        if marked.unsafe:
            of = (marked.name,)
            more += [partial(mark_members, agencies=of, names=names, at=at) for names in members]
        return in_turn(subject, *more)

    return await stores.subjects.change(subject_id, rules, by=by)


async def mark_as_seen(stores: Stores, account: str, by: Origin) -> None:
    """An account has called as somebody: whoever is one person is marked under all their names, for
    everyone for whom they are under one. Safe to repeat."""
    names, at = await _names_of(stores, f"account:{account}"), now()
    for subject_id in await stores.unsafe_for(names):
        await stores.subjects.change(subject_id, lambda s: mark_person(s, names, at), by=by)
    sides = {f"agency:{agency_id}" for agency_id in await _sides_of(stores, names)}
    for subject_id in await stores.unsafe_for(sides):
        await stores.subjects.change(subject_id, lambda s: mark_members(s, sides, names, at), by=by)


async def speaks_as(stores: Stores, account: str, by: Origin) -> None:
    """An account has called as somebody: what it said before to the gain of theirs is looked at
    again. Safe to repeat."""
    sides, at = await stores.known.sides_of(account), now()
    for subject_id in await stores.spoken_of_by(account) if sides else ():
        await stores.subjects.change(subject_id, lambda s: known_as(s, account, sides, at), by=by)


async def _same_person(stores: Stores, marked: Mark) -> list[Mark]:
    others = sorted(await _names_of(stores, marked.name) - {marked.name})
    return [named(marked, other) for other in others]


async def _names_of(stores: Stores, name: str) -> frozenset[str]:
    """Every name of one person: the accounts that have called as a worker of theirs, and the workers
    as whom one of these has. An agency has one."""
    known = stores.known
    found, unread = {name}, [name]
    while unread:
        kind, _, one = unread.pop().partition(":")
        more: set[str] = set()
        if kind == "worker":
            more = {f"account:{account}" for account in await known.accounts_of(one)}
        elif kind == "account":
            more = {f"worker:{worker_id}" for worker_id in await known.workers_of(one)}
        unread += more - found
        found |= more
    return frozenset(found)


async def _sides_of(stores: Stores, names: Collection[str]) -> set[str]:
    """The agencies that a person of these names belongs to: called for, or is hosted by."""
    accounts = [name.partition(":")[2] for name in names if name.startswith("account:")]
    return {side for account in accounts for side in await stores.known.sides_of(account)}


async def _members_of(stores: Stores, agency_id: str) -> list[frozenset[str]]:
    """All names of each person who belongs to the agency and has called as somebody else as well;
    who has not is met under the agency's own name."""
    accounts = await stores.known.members_of(agency_id)
    return list({await _names_of(stores, f"account:{account}") for account in accounts})


UNKNOWN_HERE = {
    "agency": "No agency of this id is registered, hosts a worker or has ever called.",
    "worker": "No worker of this id is registered.",
    "account": "No account with this subject has ever called a service of the network.",
}


async def _is_known(stores: Stores, referral: Referral, marked: Mark) -> bool:
    if marked.kind == "worker":
        return marked.id == referral.worker_id or await stores.known.has_worker(marked.id)
    if marked.kind == "account":
        return await stores.known.has_account(marked.id)
    return marked.id == referral.agency_id or await is_agency(stores, marked.id)


async def is_agency(stores: Stores, agency_id: str) -> bool:
    """Whether anybody can be of this agency."""
    try:
        return bool(await stores.agencies.get(agency_id))
    except NotFound:
        return await stores.known.has_agency(agency_id)
