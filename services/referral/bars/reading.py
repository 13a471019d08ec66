"""A message as the same document that the JSON intake takes, and what of it was not understood. Pure.

Nothing is guessed: what has a place in the document is put there as it was sent, and is read by the
same rules (docs/intake.md); what has none is set aside whole, with its place in the message."""

import copy
import json
from datetime import date, datetime
from typing import Any, NamedTuple

from services.referral.bars import codes
from services.referral.bars.clinical import Clinical, read_clinical
from services.referral.bars.concepts import reference, said
from services.referral.bars.message import Message, Wants, concern_of, unsupported
from services.referral.bars.nodes import Node
from services.referral.bars.parties import (
    case_numbers,
    professionals,
    read_referrer,
    read_routing,
    related,
)
from services.referral.bars.patient import read_patient
from services.referral.people.age import OLDEST, age_on
from services.referral.reading.marks import Aside, aside, pointer
from shared.errors import Malformed
from shared.rules.sharing import CATEGORIES

Document = dict[str, Any]
NOT_HERE = (
    "Nothing was stored. This network is for children and young people at risk of exploitation. "
)
NO = "refused"
# What the standard lets a consent be about.
ROUTINE = {"DRC", "patient-privacy"}


class Letter(NamedTuple):
    """What a message says: what it wants, of which referral (by the sender's names, the best first),
    the document, what was not understood, and the whole of it in one form."""

    message_id: str
    wants: Wants
    names: tuple[str, ...]
    document: Document
    asides: tuple[Aside, ...]
    body: str


def read_letter(bundle: Document, at: datetime) -> Letter:
    """The message, read at that time. Raises `Malformed` where it is no referral, is of another type
    than FHIR says, or is not for here; `not_supported` is the code of that."""
    try:
        body = json.dumps(bundle, sort_keys=True)
        return _read(json.loads(body), at, body)
    except RecursionError:
        raise Malformed("", "too_deep", "Objects within objects, without end.") from None


def _read(bundle: Document, at: datetime, body: str) -> Letter:
    message_id = str(bundle.get("id") or "")
    message = Message(bundle)
    names = tuple(message.sender_names())
    endpoint = read_routing(message)
    subject = reference(message.request.node("subject"))
    patient = message.find(subject, "Patient") or next(message.all("Patient"), None)
    born = str(patient.members.get("birthDate") or "") if patient else ""
    document: Document = read_patient(message, patient) if patient else {}
    found = read_clinical(message)
    if message.wants == "new":
        _for_here(message, found, born, at)
    consents, implied, asides = _consents(message)
    document["consents"] = consents
    document["history"] = {"implied_consent": "yes"} if implied else {}
    for when in implied:
        found.tell("Implied consent to direct care, as of", when)
    _add_clinical(document, found)
    _add_request(document, message, names)
    known = document.setdefault("identifiers", {}).setdefault("known", [])
    known += case_numbers(message)
    document["referrer"] = read_referrer(message, message.requester)
    if message_id:
        origin = {"issued_by": endpoint} if endpoint else {}
        known.append({"kind": "message", "value": message_id, **origin})
    people = document.setdefault("people", [])
    people += [*professionals(message), *related(message)]
    left = (*asides, *message.left())
    return Letter(message_id, message.wants, names, _said(document), left, body)


def _add_request(document: Document, message: Message, names: tuple[str, ...]) -> None:
    request = message.request
    if names:
        document["agency_reference"] = names[0]
    for one in request.nodes("identifier"):
        one.drop("use", "system", "value")
    if priority := request.text("priority"):
        document["urgency"] = codes.PRIORITIES.get(priority, priority)
    if made := request.text("authoredOn"):
        document["history"]["made_at"] = made


def _add_clinical(document: Document, found: Clinical) -> None:
    document["narrative"] = "\n\n".join(dict.fromkeys(found.pieces))
    document["indicators"] = list(found.indicators.values())
    document["visit_risk"] = found.visit
    document["subject"] = {**document.get("subject", {}), **found.subject}


def _for_here(message: Message, found: Clinical, born: str, at: datetime) -> None:
    """Raises `Malformed` where the message is for somebody else: for an adult, or urgent care for
    whom nobody names a concern."""
    if (age := _age(born, at)) is not None and age > OLDEST:
        why = (
            f"{NOT_HERE}By the birth date this is an adult: send it to adult safeguarding. If the "
        )
        raise unsupported(
            _place(message, "Patient", "birthDate"), f"{why}date is wrong, correct it, send again."
        )
    urgent = any(one.code == codes.VALIDATION for one in message.categories)
    concerned = found.indicators or found.subject or concern_of(message.categories)
    if urgent and not concerned:
        why = (
            f"{NOT_HERE}This asks to check a triage, and names no safeguarding concern: send it to "
        )
        raise unsupported(
            _place(message, "ServiceRequest", "category"), f"{why}the service for urgent care."
        )


def _place(message: Message, kind: str, member: str) -> str:
    node = next(entry.node for entry in message.entries if entry.kind == kind)
    return pointer((*node.place, member))


def _age(born: str, at: datetime) -> int | None:
    try:
        return age_on(date.fromisoformat(born), at)
    except ValueError:
        return None


def _consents(message: Message) -> tuple[list[Document], list[str], list[Aside]]:
    """What is recorded of consent. Implied consent opens nothing; a yes is for a practitioner to ask;
    a no counts as widely as it may be meant (docs/intake.md)."""
    consents, implied, asides = [], list[str](), list[Aside]()
    for node in message.all("Consent"):
        sent = copy.deepcopy(node.members)
        rules, _ = said(node.node("policyRule"))
        denied = _denies(node.members.get("provision"))
        if denied or node.members.get("status") == "rejected":
            refused = {"status": NO, "categories": list(CATEGORIES), "given_by": "young_person"}
            consents.append(refused)
            asides.append(aside(node.place, "taken_as_a_no", sent, NO))
        elif any(one.code == "IMPLIED" for one in rules):
            implied.append(_of_direct_care(node))
            continue  # what else it says is set aside
        else:
            asides.append(aside(node.place, "yes_not_taken", sent))
        node.clear()
    return consents, implied, asides


def _of_direct_care(node: Node) -> str:
    """Take what every implied consent says, that it is about the care of this patient; gives when."""
    for concept in (node.node("scope"), *node.nodes("category")):
        found, _ = said(Node(copy.deepcopy(concept.members), concept.place))
        if {one.code for one in found} <= ROUTINE:
            concept.clear()
    reference(node.node("patient"))
    node.drop("status")
    return node.text("dateTime")


def _denies(value: Any) -> bool:
    """Whether anything in a provision is a no."""
    if isinstance(value, dict):
        return value.get("type") == "deny" or any(map(_denies, value.values()))
    return isinstance(value, list) and any(map(_denies, value))


def _said(document: Document) -> Document:
    """Without members that say nothing."""
    if isinstance(known := document.get("identifiers"), dict) and not known.get("known"):
        document.pop("identifiers")
    return {n: v for n, v in document.items() if v not in ("", [], {}, None)}
