"""The children in need census (CIN) as referrals: one for each `CINdetails` of a child. Pure.

What has a place in a referral goes there as it stands; all the rest of the child is kept under `census`,
a member that no referral has: so it is set aside and marked by the rules of intake (docs/intake.md)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from services.referral.imports.xml_tree import Element, NotRead, Reader

Document = dict[str, Any]
SEXES: Mapping[str, str] = {
    **dict.fromkeys(("1", "M"), "male"),
    **dict.fromkeys(("2", "F"), "female"),
    **dict.fromkeys(("0", "U"), "not_known"),
    **dict.fromkeys(("9", "I"), "other"),
}


class Row(NamedTuple):
    """A referral of a file, by the number of its line there; or why there is none."""

    line: int
    document: Document | None = None
    fault: str = ""


def read_census(pieces: Iterable[bytes]) -> Iterator[Row]:
    """The referrals of a census, in their order. A child without one is a fault of its own; a file
    that is broken is read up to there, and its last row says where."""
    reader = Reader("Child")
    try:
        for piece in pieces:
            for child in reader.feed(piece):
                yield from _child(child)
        for child in reader.feed(b"", last=True):
            yield from _child(child)
    except NotRead as why:
        yield Row(why.line, None, why.code)


def _child(child: Element) -> Iterator[Row]:
    if child.fault:
        yield Row(child.line, None, child.fault)
        return
    details = child.all("CINdetails")
    child.children = [one for one in child.children if one.name != "CINdetails"]
    common = _common(child)
    left = child.left()
    if not details:
        yield Row(child.line, None, "no_referral")
    seen: dict[str, int] = {}
    for one in details:
        begun = one.take("CINreferralDate")
        document = _merged(common, _details(one, begun))
        number = common["identifiers"]["known"][:1]
        name = f"cin-{number[0]['value']}-{begun}" if number and begun else ""
        seen[name] = seen.get(name, 0) + 1
        if name:  # two of one day are two
            again = f"-{seen[name]}" if seen[name] > 1 else ""
            document["agency_reference"] = f"{name}{again}"
        kept = [each for each in (left, one.left()) if each is not None]
        yield Row(one.line, document | ({"census": kept} if kept else {}))


def _common(child: Element) -> Document:
    """What is said of the child, whatever the referral."""
    known = [
        {"kind": kind, "value": value}
        for section in child.all("ChildIdentifiers")
        for kind, name in (("la_child_id", "LAchildID"), ("upn", "UPN"), ("upn", "FormerUPN"))
        if (value := section.take(name))
    ]
    found: Document = {"identifiers": {"known": known}, "subject": {}, "history": {}}
    for section in child.all("ChildIdentifiers"):
        sex = section.take("Sex") or section.take("GenderCurrent")
        found["subject"] |= {"gender": SEXES.get(sex, sex)} if sex else {}
        if born := section.take("PersonBirthDate"):
            found["subject"]["date_of_birth"] = born
        if died := section.take("PersonDeathDate"):
            found["history"]["died_on"] = died
    for section in child.all("ChildCharacteristics"):
        if code := section.take("Ethnicity"):
            found["background"] = {"ethnicity_code": code}
        kinds = [d for each in section.all("Disabilities") for d in _taken(each, "Disability")]
        if kinds:
            found["condition"] = {"disabilities": kinds}
            none = {kind.casefold() for kind in kinds} == {"none"}
            found["subject"]["disability"] = "no" if none else "yes"
    return found


def _details(one: Element, begun: str) -> Document:
    """What is said of one referral. Its time is not known: the first moment of its day."""
    history: Document = {"made_at": f"{begun}T00:00:00Z"} if begun else {}
    if need := one.take("PrimaryNeedCode"):
        history["primary_need"] = need
    found: Document = {"history": history, "subject": {}}
    if source := one.take("ReferralSource"):
        found["referrer"] = {"role": f"Referral source {source} of the census"}
    plans = one.all("ChildProtectionPlans")
    if plans:
        start, end = plans[-1].take("CPPstartDate"), plans[-1].take("CPPendDate")
        history |= {"protection_plan_from": start} if start else {}
        history |= {"protection_plan_to": end} if end else {}
        found["subject"]["child_protection_plan"] = "yes" if start and not end else "no"
    return found


def _taken(parent: Element, name: str) -> list[str]:
    found = []
    while value := parent.take(name):
        found.append(value)
    return found


def _merged(common: Document, own: Document) -> Document:
    """Both; no section of one is shared by two referrals."""
    sections = {name: {**value} for name, value in common.items()}
    for name, value in own.items():
        sections[name] = {**sections.get(name, {}), **value}
    return {name: value for name, value in sections.items() if value not in ({}, {"known": []})}
