"""The small things that FHIR resources consist of, as texts and codes. Pure.

Each takes what it reads: nothing of it is left to be set aside."""

from collections.abc import Container, Iterable
from typing import NamedTuple

from services.referral.bars.nodes import Node


class Coded(NamedTuple):
    """One coding: which code of which system, and what it is called."""

    system: str
    code: str
    display: str


def codings(concept: Node) -> list[Coded]:
    """The codings of a CodeableConcept, taken."""
    return [coding(one) for one in concept.nodes("coding")]


def coding(one: Node) -> Coded:
    """A Coding, taken."""
    one.drop("version", "userSelected")
    return Coded(one.text("system"), one.text("code"), one.text("display"))


def said(concept: Node, known: Container[str] = ()) -> tuple[list[Coded], str]:
    """The codings of a concept, and it in words: its text, and what its codes are called, each with
    the code unless that one is `known` and counts by itself."""
    found, text = codings(concept), concept.text("text")
    words = [_called(one, plain=one.code in known) for one in found]
    told = ", ".join(word for word in words if word and word not in text)
    return found, f"{text} ({told})" if text and told else text or told


def _called(one: Coded, *, plain: bool) -> str:
    if plain or not (one.display and one.code):
        return one.display or one.code
    return f"{one.display} [{one.code}]"


def reference(one: Node) -> str:
    """What a Reference points at, taken; its display stays, for it may name somebody."""
    one.drop("type")
    return one.text("reference")


def name_of(one: Node) -> str:
    """A HumanName as one line."""
    parts = [*one.texts("given"), one.text("family")]
    prefix, text = one.texts("prefix"), one.text("text")
    one.drop("use")
    joined = " ".join(part for part in parts if part)
    return joined or text or " ".join(prefix)


def address_of(one: Node) -> str:
    """An Address as one line."""
    text, lines = one.text("text"), one.texts("line")
    names = ("city", "district", "state", "postalCode", "country")
    rest = [part for part in (one.text(name) for name in names) if part]
    one.drop("use", "type")
    whole = ", ".join([*lines, *rest])
    if not whole or all(part in text for part in [*lines, *rest]):
        return text
    return f"{text} ({whole})" if text else whole


def ways_of(points: Iterable[Node]) -> list[tuple[str, str]]:
    """ContactPoints as kind (phone, email, online, other) and value, in the order of their rank.

    One that is said to be old is left: nobody rings it.
    """
    kinds = {"phone": "phone", "sms": "phone", "email": "email", "url": "online"}
    found = []
    for one in points:
        if one.members.get("use") == "old":
            continue
        rank, system, value = one.number("rank"), one.text("system"), one.text("value")
        one.drop("use")
        if value:
            found.append((float(rank or 99), kinds.get(system, "other"), value))
    return [(kind, value) for _, kind, value in sorted(found, key=lambda each: each[0])]


def notes_of(resource: Node) -> list[str]:
    """The texts of its notes (Annotation)."""
    found = []
    for one in resource.nodes("note"):
        found.append(one.text("text"))
        one.drop("time")
    return [text for text in found if text]
