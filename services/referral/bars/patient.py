"""The young person, and the people named with them. Pure."""

from collections.abc import Callable, Iterator
from typing import Any

from services.referral.bars import codes
from services.referral.bars.concepts import Coded, address_of, name_of, reference, said, ways_of
from services.referral.bars.message import Message
from services.referral.bars.nodes import Node
from services.referral.reading.meanings import ETHNICITIES

Document = dict[str, Any]
NATIONS = {"england": "england", "scotland": "scotland", "wales": "wales", "cymru": "wales"}
NATIONS |= {"northern ireland": "northern_ireland"}


def read_patient(message: Message, patient: Node) -> Document:
    """The members of a referral that a Patient says."""
    subject: Document = {**_names(patient), **_numbers(patient)}
    if born := patient.text("birthDate"):
        subject["date_of_birth"] = born
    gender = patient.text("gender")
    subject |= {"gender": codes.GENDERS.get(gender, gender)} if gender else {}
    patient.drop("active")
    found: Document = {**_places(patient, subject), "subject": subject}
    others = subject.pop("others", [])
    _extensions(patient, found)
    languages = [_language(one) for one in patient.nodes("communication")]
    if spoken := [one for one in languages if one]:
        found["languages"] = spoken
    ways = ways_of(patient.nodes("telecom"))
    people = list(_contacts(patient, ways))
    people += [one for one in map(_doctor(message), patient.nodes("generalPractitioner")) if one]
    if ways:
        told = [{"kind": kind, "value": value} for kind, value in dict.fromkeys(ways)]
        found["contacts"] = {"ways": told}
    found["people"] = people
    found["identifiers"] = {"known": others}
    return found


def _names(patient: Node) -> Document:
    """The official name, or the first that there is; and what they are called otherwise."""
    names = patient.nodes("name")
    order = sorted(names, key=lambda one: one.members.get("use") not in ("official", None))
    if not order:
        return {}
    called = [one for one in order[1:] if one.members.get("use") in ("nickname", "usual")]
    found = {"name": name_of(order[0])}
    if called:
        found["known_as"] = name_of(called[0])
    return {name: value for name, value in found.items() if value}


def _numbers(patient: Node) -> Document:
    """The NHS number, and `others`: the numbers of others."""
    found: Document = {"others": []}
    for one in patient.nodes("identifier"):
        system, value = one.text("system"), one.text("value")
        one.drop("use")
        for each in one.nodes("extension"):
            if each.members.get("url") == codes.VERIFIED and codes.TRACED in str(each.members):
                each.clear()
        if system == codes.NHS_NUMBER and "nhs_number" not in found:
            found["nhs_number"] = value
        elif value:
            found["others"].append({"kind": "other", "value": value, "issued_by": system})
    if not found.get("nhs_number"):
        found.pop("nhs_number", None)
    return found


def _places(patient: Node, subject: Document) -> Document:
    """The address, and the area and the nation that it says. Old and temporary ones stay aside."""
    current = [one for one in patient.nodes("address") if one.members.get("use") in ("home", None)]
    if not current:
        return {}
    home = current[0]
    district, city = home.members.get("district"), home.members.get("city")
    country = str(home.members.get("country") or "").strip().casefold()
    subject["address"] = address_of(home)
    home.drop("period")
    area = district or city
    found: Document = {"area": area} if area else {}
    return found | ({"nation": NATIONS[country]} if country in NATIONS else {})


def _extensions(patient: Node, found: Document) -> None:
    for one in patient.nodes("extension"):
        url = one.members.get("url")
        if url == codes.ETHNIC:
            concepts, _ = said(one.node("valueCodeableConcept"))
            _ethnicity(next((c.code for c in concepts if c.code), ""), found)
            one.drop("url")
        elif url == codes.RELIGION:
            _, text = said(one.node("valueCodeableConcept"))
            found["personal"] = {"religion": text} if text else {}
            one.drop("url")


def _ethnicity(code: str, found: Document) -> None:
    """In full, and the group; as it came where the register has no such code."""
    if (known := codes.ETHNICITIES.get(code)) is not None:
        found["background"] = {"ethnicity_code": known}
        found["subject"]["ethnicity"] = ETHNICITIES[known]
    elif code:
        found["subject"]["ethnicity"] = code


def _language(one: Node) -> str:
    found, text = said(one.node("language"))
    one.members.pop("preferred", None)
    return next((each.code for each in found if each.code), text)


def _contacts(patient: Node, ways: list[tuple[str, str]]) -> Iterator[Document]:
    """Who is named as a contact; the young person's own phones go to `ways`."""
    for one in patient.nodes("contact"):
        for each in one.nodes("extension"):
            if each.members.get("url") == codes.RANK:
                each.clear()
        told = [said(concept, codes.KINDS) for concept in one.nodes("relationship")]
        relations = [c for found, _ in told for c in found]
        points = ways_of(one.nodes("telecom"))
        if any(c.code == codes.ONESELF for c in relations):
            ways.extend(points)
            continue
        person = person_of([name_of(one.node("name"))], points, [one.node("address")])
        gender = one.text("gender")
        organisation = one.node("organization")
        organisation.drop("reference", "type")
        person = {
            **person,
            "notes": ", ".join(part for part in (gender, person["notes"]) if part),
            "kind": kind_of(relations),
            "relationship": ", ".join(text for _, text in told if text),
            "organisation": organisation.text("display"),
        }
        yield {name: value for name, value in person.items() if value}


def kind_of(relations: list[Coded]) -> str:
    """What somebody is to the young person; `other` where no code of theirs says it."""
    known = (codes.KINDS[c.code] for c in relations if c.code in codes.KINDS)
    return next(known, "other")


def person_of(names: list[str], points: list[tuple[str, str]], addresses: list[Node]) -> Document:
    """Somebody with the ways to reach them."""
    told = [name for name in names if name]
    places = [address for address in map(address_of, addresses) if address]
    return {
        "name": told[0] if told else "",
        "aliases": told[1:],
        "phones": [value for kind, value in points if kind == "phone"],
        "emails": [value for kind, value in points if kind == "email"],
        "addresses": places,
        "notes": ", ".join(value for kind, value in points if kind in ("online", "other")),
    }


def _doctor(message: Message) -> Callable[[Node], Document | None]:
    """Who a reference to the general practice means, as a professional."""

    def named(one: Node) -> Document | None:
        name, called = reference(one), one.text("display")
        there = message.find(name, "Organization", "Practitioner", "PractitionerRole")
        if there is None or message.kind_of(there) != "Organization":
            return {"kind": "professional", "role": "GP", "name": called} if called else None
        return {**organisation_of(there), "kind": "professional", "role": "GP"}

    return named


def organisation_of(there: Node) -> Document:
    """An Organization, with the ways to reach it and its codes."""
    person = person_of([], ways_of(there.nodes("telecom")), there.nodes("address"))
    numbers = [one.text("value") for one in there.nodes("identifier")]
    for one in there.nodes("identifier"):
        one.drop("system", "use")
    there.drop("active")
    told = [person["notes"], *numbers]
    called = {"organisation": there.text("name"), "notes": ", ".join(n for n in told if n)}
    return {name: value for name, value in {**person, **called}.items() if value}
