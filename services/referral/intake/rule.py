"""The referral that a well-formed document makes. Pure."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Any, Literal

from services.referral.areas.rule import Place, fields_of
from services.referral.form.people import sealed_people
from services.referral.form.sections import FORM
from services.referral.intake.facts import about_subject, coded_concerns, noticed
from services.referral.intake.heard import folded, heard, noes
from services.referral.intake.request import ReceiveReferral
from services.referral.parents.request import ParentsEntry
from services.referral.parents.rule import record_parents_word
from services.referral.people.age import age_band
from services.referral.reading.marks import as_text
from services.referral.records import Referral, snapshot
from services.referral.sharing.rule import record_consent, record_service_agreement
from services.referral.sharing.subject import Subject
from shared.events.codes import WITHOUT_REPLY
from shared.events.referral import ReferralReceived
from shared.ids import derived_id
from shared.rules.calendars import due_at
from shared.rules.consents import opens_to
from shared.rules.sharing import Consent
from shared.storage.records import Change, in_turn

# How much of what a referral says about sharing is recorded: as much as there is room for.
Much = Literal["all", "noes", "folded"]
# Coded fields that are stored in the clear, just as they were sent.
AS_SENT = {
    "urgency",
    "nation",
    "linked_issues",
    "settings_avoided",
    "preferred_times",
    "languages",
    "requested_action",
}
# What a referral says about sharing: sealed, for its sender and the Hub.
ABOUT_SHARING = {"consents", "tell_parents", "tell_parents_said_at", "service_agreement"}


def fields_to_seal(document: ReceiveReferral, here: Place) -> dict[str, str]:
    """Every field that may identify someone or is free text, to be encrypted one by one."""
    return {
        **({} if here.known else {"area_word": document.area}),
        "agency_reference": document.agency_reference,
        "referrer": document.referrer.model_dump_json() if document.referrer else "",
        **about_subject(document.subject),
        "safe_contact": document.safe_contact.model_dump_json(),
        "raw_indicators": "\n".join(i.code for i in document.indicators),
        "narrative": document.narrative,
        "own_words": document.own_words,
        "discussion": document.discussion.model_dump_json() if document.discussion else "",
        "intelligence": document.intelligence,
        **_sharing_said(document),
        **sealed_people(document.people),
        **{
            n: said.model_dump_json(exclude_unset=True)
            for n in FORM
            if (said := getattr(document, n))
        },
        **({"set_aside": as_text(document.asides)} if document.asides else {}),
    }


def _sharing_said(document: ReceiveReferral) -> dict[str, str]:
    said = document.model_dump_json(include=ABOUT_SHARING, exclude_unset=True)
    return {"sharing_said": said} if said != "{}" else {}


def receive(
    document: ReceiveReferral,
    *,
    referral_id: str,
    agency_id: str,
    subject: tuple[str, int],
    hashes: tuple[str, str, str],
    sealed: dict[str, bytes],
    blocks: Sequence[str],
    reply: bool,
    at: datetime,
    here: Place,
    told: Collection[str] = (),
) -> tuple[Referral, ReferralReceived]:
    """The stored referral and its event, for a document that is well formed; the last of the `hashes`
    is of its word for the area. Nothing dubious loses a referral: `warnings` say what to look at,
    `told` are those that do not follow from it alone. `reply`: the account has a reply channel."""
    referral = Referral(
        id=referral_id,
        agency_id=agency_id,
        subject_id=subject[0],
        subject_version=subject[1],
        reference_hash=hashes[0],
        request_hash=hashes[1],
        status="received",
        **document.model_dump(include=AS_SENT),
        **document.subject.model_dump(include={"gender", "ethnicity"}),
        received_at=at,
        changed_at=at,
        due_at=due_at(document.urgency, at, document.nation),
        age_band=age_band(document.subject, at),
        concerns=coded_concerns(document.indicators, agency_id, at),
        needs=document.subject.communication_needs,
        **_flags(document),
        **fields_of(here, hashes[2], {*noticed(document, at), *told}),
        sealed=sealed,
        blocks=tuple(blocks),
        reply=reply,
    )
    return referral, ReferralReceived(**snapshot(referral))


def _flags(document: ReceiveReferral) -> dict[str, Any]:
    risk, discussion = document.visit_risk, document.discussion
    return {
        "visit_risk": risk is not None and risk.risk == "yes",
        "discussed": discussion is not None and discussion.discussed,
    }


def say(
    subject: Subject,
    document: ReceiveReferral,
    referral_id: str,
    at: datetime,
    *,
    by: str,
    by_family: bool = False,
    sides: Collection[str] = (),
    unknown: Mapping[str, str] = MappingProxyType({}),
    much: Much = "all",
) -> Change[Subject]:
    """What the referral says about consent, parents and the service, in one change or none.

    Raises what the rules for each do. Said again, it changes nothing. A yes is recorded without the
    agencies and kinds that are `unknown`, and not at all without any other; of `noes` only none is,
    nor that parents may be told; `folded` says each no for everyone (`folded`)."""
    there = {consent.id for facts in subject.facts.values() for consent in facts.consents}
    said = heard(document, referral_id, unknown)
    if there & said.keys():  # it was said, in one change, by an earlier copy of the request
        said = {}
    elif much != "all":
        said = noes(said)
    said = folded(said) if much == "folded" else said
    record = partial(record_consent, referral_id=referral_id, at=at, by=by, sides=sides)
    consents = [
        partial(record, consent_id=consent_id, entry=entry, where=f"/consents/{number}")
        for consent_id, (number, entry) in said.items()
    ]
    rules: list[Callable[[Subject], Change[Subject]]] = list(consents)
    if document.tell_parents == "no" or (document.tell_parents == "yes" and much == "all"):
        about = partial(_of_parents, document, referral_id, at)
        rules.append(partial(about, by=by, by_family=by_family))
    if document.service_agreement != "not_asked":
        agreed = partial(record_service_agreement, agreed=document.service_agreement, at=at)
        rules.append(partial(agreed, referral_id=referral_id))
    return in_turn(subject, *rules)


def _of_parents(
    document: ReceiveReferral,
    referral_id: str,
    at: datetime,
    subject: Subject,
    *,
    by: str,
    by_family: bool,
) -> Change[Subject]:
    entry = ParentsEntry(tell_parents=document.tell_parents, said_at=document.tell_parents_said_at)
    word_id, where = derived_id("par", referral_id, "intake"), "/tell_parents_said_at"
    return record_parents_word(
        subject, referral_id, word_id, entry, at, by=by, by_family=by_family, where=where
    )


def kept_of(
    document: ReceiveReferral, subject: Subject, referral_id: str, unknown: Mapping[str, str]
) -> list[Consent] | None:
    """The records made of what the referral says about sharing; None if there was no room for all."""
    ids = heard(document, referral_id, unknown)
    there = {c.id: c for c in subject.facts[referral_id].consents}
    return [there[i] for i in ids] if set(ids) <= set(there) else None


def noted(
    document: ReceiveReferral,
    subject: Subject,
    referral_id: str,
    unknown: Mapping[str, str],
    agency_id: str,
    kind: str,
) -> frozenset[str]:
    """Warnings that follow from what was known when the referral came.

    `consent_waits`: a yes is to the agency that sent it. That one waits because somebody else
    recorded a no is not told: it would say that the young person is known, and refused.
    """
    kept = kept_of(document, subject, referral_id, unknown)
    waits = any(c.status == "given" and opens_to(c, agency_id, kind) for c in kept or ())
    found = {
        "too_many_records": kept is None,
        "consent_waits": waits,
        "referrer_unknown": document.referrer is None and kind not in WITHOUT_REPLY,
    }
    return frozenset(code for code, holds in found.items() if holds)
