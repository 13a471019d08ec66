"""Who sends, who is asked, and the professionals who are named. Pure."""

from collections.abc import Iterator
from typing import Any

from services.referral.bars import codes
from services.referral.bars.concepts import name_of, reference, said, ways_of
from services.referral.bars.message import Message
from services.referral.bars.nodes import Node
from services.referral.bars.patient import kind_of, organisation_of, person_of

Document = dict[str, Any]


def read_referrer(message: Message, requester: str) -> Document:
    """The person who refers: the requester of the ServiceRequest, with the organisation that sends."""
    found: Document = {}
    node = message.find(requester)
    role = node if node is not None and message.kind_of(node) == "PractitionerRole" else None
    if role is not None:
        node = message.find(_peek(role, "practitioner"), "Practitioner")
    elif node is not None:
        role = next((r for r in message.all("PractitionerRole") if _is_of(message, r, node)), None)
    if role is not None:
        place = message.find(reference(role.node("organization")), "Organization")
        works = organisation_of(place).get("organisation", "") if place else ""
        found["role"] = ", ".join(part for part in (_roles(role), works) if part)
        found["contact"] = _reach(role)
        reference(role.node("practitioner"))
        role.drop("active")
    if node is not None and message.kind_of(node) in ("Practitioner", "RelatedPerson", "Patient"):
        if message.kind_of(node) != "Patient":
            found["name"] = next((name_of(one) for one in node.nodes("name")), "")
            found["contact"] = ", ".join(t for t in (found.get("contact"), _reach(node)) if t)
            _numbers(node)
        else:
            found["relationship"] = "self"
    _sender(message, found)
    return {name: value for name, value in found.items() if value}


def _sender(message: Message, found: Document) -> None:
    sender = message.find(reference(message.header.node("sender")), "Organization")
    source = message.header.node("source")
    there = organisation_of(sender) if sender is not None else {}
    found["organisation_code"] = there.get("notes", "")
    told = [found.get("role", ""), there.get("organisation", ""), source.text("name")]
    found["role"] = ", ".join(dict.fromkeys(part for part in told if part))
    reach = [*there.get("phones", ()), *there.get("emails", ())]
    found["contact"] = found.get("contact") or ", ".join(reach)
    way = ways_of([source.node("contact")])
    found["contact"] = found.get("contact") or ", ".join(value for _, value in way)
    message.header.drop("reason", "eventCoding")


def read_routing(message: Message) -> str:
    """Take what only says how the message travels; gives the endpoint that sent it."""
    header = message.header
    source = header.node("source")
    endpoint = source.text("endpoint")
    source.drop("software", "version")
    for one in header.nodes("destination"):
        one.drop("endpoint", "name")
        if (there := message.find(reference(one.node("receiver")), "Organization")) is not None:
            organisation_of(there)
    header.drop("definition", "focus")
    for one in header.nodes("extension"):  # which software decided what: of no use here
        if str(one.members.get("url", "")).endswith("/CDSSExtension"):
            one.clear()
    for performer in message.request.nodes("performer"):
        _asked(message, reference(performer))
    return endpoint


def _asked(message: Message, name: str) -> None:
    """The service that is asked: who it is, it knows."""
    there = message.find(name, "HealthcareService", "Organization")
    if there is None:
        return
    provider = reference(there.node("providedBy"))
    if (one := message.find(provider, "Organization")) is not None:
        organisation_of(one)
    there.drop("identifier", "name", "active", "location", "telecom")


def professionals(message: Message) -> Iterator[Document]:
    """The practitioners who are left, with their role and where they work."""
    for role in message.all("PractitionerRole"):
        who = message.find(reference(role.node("practitioner")), "Practitioner")
        place = message.find(reference(role.node("organization")), "Organization")
        place_of = organisation_of(place) if place else {}
        person = {**place_of, **(_person(who) if who else {}), "role": _roles(role)}
        if any(person.get(name) for name in ("name", "organisation")):
            yield {"kind": "professional", **{n: v for n, v in person.items() if v}}
    for who in message.all("Practitioner"):
        if (person := _person(who)).get("name"):
            yield {"kind": "professional", **person}


def related(message: Message) -> Iterator[Document]:
    """The people related to the young person."""
    for node in message.all("RelatedPerson"):
        told = [said(one, codes.KINDS) for one in node.nodes("relationship")]
        person = _person(node)
        reference(node.node("patient"))
        node.drop("active")
        if born := node.text("birthDate"):
            person["date_of_birth"] = born
        if person:
            relations = [c for found, _ in told for c in found]
            words = ", ".join(text for _, text in told if text)
            kind = {"kind": kind_of(relations), **({"relationship": words} if words else {})}
            yield {**person, **kind}


def _person(node: Node) -> Document:
    names = [name_of(one) for one in node.nodes("name")]
    person = person_of(names, ways_of(node.nodes("telecom")), node.nodes("address"))
    numbers = _numbers(node)
    person["notes"] = ", ".join(p for p in (person["notes"], numbers) if p)
    return {name: value for name, value in person.items() if value}


def _numbers(node: Node) -> str:
    found = []
    for one in node.nodes("identifier"):
        found.append(one.text("value"))
        one.drop("system", "use")
    return ", ".join(value for value in found if value)


def _roles(role: Node) -> str:
    told = [said(one)[1] for name in ("code", "specialty") for one in role.nodes(name)]
    return ", ".join(text for text in told if text)


def _reach(node: Node) -> str:
    return ", ".join(value for _, value in ways_of(node.nodes("telecom")))


def _peek(node: Node, name: str) -> str:
    found = node.members.get(name)
    return str(found.get("reference", "")) if isinstance(found, dict) else ""


def _is_of(message: Message, role: Node, who: Node) -> bool:
    return message.find(_peek(role, "practitioner")) is who


def case_numbers(message: Message) -> list[Document]:
    """The numbers under which others have the case, and the journey it is part of."""
    found = []
    for encounter in message.all("Encounter"):
        for one in encounter.nodes("identifier"):
            told = {"value": one.text("value"), "issued_by": one.text("system")}
            one.drop("use")
            found.append({"kind": "case_number", **told})
        for one in encounter.nodes("episodeOfCare"):
            found.append({"kind": "case_number", "value": reference(one), "issued_by": "journey"})
    return [one for one in found if one["value"]]
