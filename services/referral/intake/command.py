"""Intake of a referral: several writes that end in one referral, whatever crashes between them.

First everything that could refuse the request is asked, without a write. Then, in order: the
agency's reference is reserved; the young person's id is found by keyed hash; what the referral says
about sharing becomes one change of the subject; the fields are sealed; the referral is stored. A
repeated request finds each of them again, because all ids derive, by a secret of ours, from the
agency and its key. Only the last write makes the referral, and only then the answer is 201."""

from functools import partial
from typing import Any, get_args

from services.referral.areas.command import hash_of
from services.referral.areas.rule import WARNING as AREA_UNKNOWN
from services.referral.documents import SubjectDetails
from services.referral.form.sections import FORM
from services.referral.intake.asked import Asked, Full
from services.referral.intake.request import ReceiveReferral
from services.referral.intake.reservation import Reference
from services.referral.intake.reserving import add, reserve, stored
from services.referral.intake.rule import Much, fields_to_seal, noted, receive, say
from services.referral.intake.suspects import mark_suspects
from services.referral.intake.timely import timely
from services.referral.people.age import age_of
from services.referral.people.finding import Whom, block_hashes, find_whom
from services.referral.people.links import SomebodyElse, link, new_subject
from services.referral.people.telling import Description
from services.referral.reading.marks import as_text
from services.referral.records import Referral
from services.referral.sharing.facts import Facts
from services.referral.sharing.naming import unknown_names
from services.referral.sharing.speakers import all_spoken
from services.referral.sharing.subject import Subject
from services.referral.store import Stores
from shared.clock import now
from shared.errors import AlreadyThere, Malformed, NotFound, Outage, Refused
from shared.events.bounds import ENVELOPE, fit
from shared.events.codes import WITHOUT_REPLY
from shared.ids import new_id
from shared.operating.failpoints import failpoint
from shared.storage.records import Change, in_turn
from shared.web.tokens import Caller

MAX_RACES = 20
# The members of a young person's details before decision 1401.
FIRST_MEMBERS = frozenset(
    """name known_as date_of_birth estimated_age gender ethnicity disability looked_after
    child_protection_plan nhs_number address school living_situation communication_needs""".split()
)


async def intake(stores: Stores, document: ReceiveReferral, caller: Caller, key: str) -> Referral:
    """The stored referral for this request, made now or by an earlier copy of it.

    Raises `Mismatch` when the key was used for another body, `Refused` when the agency used its
    reference before. A request that is refused has changed nothing.
    """
    agency_id = caller.agency_id or ""
    referral_id = stores.vault.id_of("ref", agency_id, key)
    request_hash = stores.vault.fingerprint("request", *body_of(document))
    if (found := await stored(stores, referral_id, request_hash)) is not None:
        return found
    document = timely(document, now())
    kind = await kind_of(stores, agency_id)
    asked = Asked(
        document,
        referral_id,
        caller.origin(referral_id),
        now(),
        kind,
        await unknown_names(stores, document.consents),
        await stores.known.agencies_of(caller.account) if document.consents else (),
        caller.account,
    )
    whom = await find_whom(stores, document.subject, referral_id)
    _check(asked, whom)
    reference = stores.vault.fingerprint("reference", agency_id, document.agency_reference)
    mine = await reserve(
        stores, Reference(reference, referral_id, request_hash, asked.at), agency_id
    )
    failpoint("intake.after_reservation")
    subject, apart = await _about(stores, asked, whom)
    subject = (
        await mark_suspects(stores, asked.document.people, subject.id, referral_id, asked.by)
        or subject
    )
    failpoint("intake.after_subject")
    await stores.vault.make_key(referral_id)
    failpoint("intake.after_key")
    return await _store(stores, asked, mine, subject, agency_id, apart=apart)


async def _store(
    stores: Stores,
    asked: Asked,
    mine: Reference,
    subject: Subject,
    agency_id: str,
    *,
    apart: bool,
) -> Referral:
    document = asked.document
    told = noted(document, subject, asked.referral_id, asked.unknown, agency_id, asked.kind)
    told |= {"too_many_records"} if apart else frozenset()
    here = await stores.register.place(document.area)
    told |= frozenset() if here.known else {AREA_UNKNOWN}
    referral, event = receive(
        document,
        referral_id=mine.referral_id,
        agency_id=agency_id,
        subject=(subject.id, subject.version),
        hashes=(mine.hash, mine.request_hash, hash_of(stores, document.area)),
        sealed=await stores.vault.seal(mine.referral_id, fields_to_seal(document, here)),
        blocks=block_hashes(stores, document.subject),
        told=told,
        reply=asked.kind not in WITHOUT_REPLY,
        at=mine.at,
        here=here,
    )
    referral = referral.but(
        noted=tuple(sorted(told)),
        noted_near=here.near,
        unknown_recipients=tuple(sorted(asked.unknown)),
    )
    return await add(stores, referral, event, mine, asked.by)


def body_of(document: ReceiveReferral) -> tuple[str, ...]:
    """What two requests with one key are compared by. Members that came later are not in it where
    they are not said: what was sent before an upgrade is the same request after it."""
    later = SubjectDetails.model_fields.keys() - FIRST_MEMBERS
    unsaid = {name for name in later if not getattr(document.subject, name)}
    alone = {name for name in (*FORM, "people") if not getattr(document, name)}
    sender = document.referrer
    names = ("relationship", "line_manager", "organisation_code")
    beside = {name for name in names if sender and not getattr(sender, name)}
    unsaid_all: dict[str, Any] = {**dict.fromkeys(alone, True), "subject": unsaid}
    body = document.model_dump_json(exclude={**unsaid_all, "referrer": beside})
    return (body, as_text(document.asides)) if document.asides else (body,)


async def kind_of(stores: Stores, agency_id: str) -> str:
    """The kind of an agency; none while it is not registered: with a valid token its referral is
    never lost."""
    try:
        return (await stores.agencies.get(agency_id)).kind
    except NotFound:
        return ""


def _check(asked: Asked, whom: Whom) -> None:
    """Raises what the rules would refuse later, while nothing is written."""
    if whom.subject is not None:
        try:
            _said(whom.subject, asked, whom.described)
            return
        except Full:
            pass  # it will be of a young person of its own
    as_of_nobody(asked, whom.described)


def as_of_nobody(asked: Asked, described: Description) -> Subject:
    """A young person whom nobody knew, with what the referral says. Raises `Malformed`, and `Refused`
    for more than any record takes."""
    fresh, _ = new_subject("sub_unknown", asked.referral_id, _facts(asked, described))
    try:
        return _said(fresh, asked, described).after
    except Full as full:
        raise full.why from None


def _said(subject: Subject, asked: Asked, described: Description) -> Change[Subject]:
    """The young person, linked, with what the referral says; without each yes where there is no room
    for those, and with each no for everyone where they are too many. Raises `Full` where there is not
    even room for the rest."""
    say_it = partial(
        say,
        document=asked.document,
        referral_id=asked.referral_id,
        at=asked.at,
        by=asked.by.actor,
        by_family=asked.by_family,
        sides=asked.sides,
        unknown=asked.unknown,
    )
    facts = _facts(asked, described)
    why = Refused("too_many_records", "The record is full.")
    for much in get_args(Much):
        try:
            change = in_turn(
                subject,
                lambda s: link(s, asked.referral_id, facts),
                partial(say_it, much=much),
            )
            change = all_spoken(change, asked.referral_id, asked.account)
            for event in change.events:
                fit(event.model_dump_json(), event.room() - ENVELOPE)
            return change
        except Refused as refused:
            why = refused
    raise Full(why)


def _facts(asked: Asked, described: Description) -> Facts:
    return Facts(age=age_of(asked.document.subject, asked.at, asked.at), described=described)


async def _about(stores: Stores, asked: Asked, whom: Whom) -> tuple[Subject, bool]:
    """The young person, linked to the referral, with all it says about sharing: in one write; and
    whether it is one of its own because a record is full.

    Whoever comes at the same moment is compared as well: what is decided on is what is replaced.
    """
    apart = whom.full
    for attempt in range(MAX_RACES):
        if attempt:
            whom = await find_whom(stores, asked.document.subject, asked.referral_id)
            mine = whom.subject is not None and asked.referral_id in whom.subject.facts
            apart = apart or whom.full
            whom = whom.nobody() if apart and not mine else whom
        subject_id = whom.subject_id or new_id("sub")
        if not await stores.people.add(whom.hashes, whom.known, subject_id):
            continue
        failpoint("intake.after_person")
        try:
            if whom.subject is None:
                return await _new(stores, asked, whom, subject_id), apart
            rule = partial(_said, asked=asked, described=whom.described)
            by, seen = asked.by, whom.subject
            return await stores.subjects.change(subject_id, rule, by=by, seen=seen), apart
        except (AlreadyThere, SomebodyElse):
            continue
        except Full:
            apart = True
        except (Refused, Malformed):
            # Filled up since it was checked: this request has changed nothing either.
            await stores.references.release(asked.referral_id)
            raise
    raise Outage("contention")


async def _new(stores: Stores, asked: Asked, whom: Whom, subject_id: str) -> Subject:
    facts = _facts(asked, whom.described)
    subject, linked = new_subject(subject_id, asked.referral_id, facts)
    said = _said(subject, asked, whom.described)
    return await stores.subjects.add(said.after, linked, *said.events, by=asked.by)
