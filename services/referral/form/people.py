"""People around the young person, as a form names them. Pure.

What may be shown of them differs: family, professionals, and who may be a danger or in danger."""

import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

from pydantic import Field

from services.referral.documents import Asked, BornAbout, Code, Incoming, Line, Text
from shared.rules.values import CalendarDay

PersonKind = Literal[
    "parent",
    "carer",
    "sibling",
    "household",
    "associate",
    "professional",
    "suspect",
    "other_victim",
    "other",
]
Lines = Annotated[tuple[Line, ...], Field(max_length=20)]


class Person(Incoming):
    """Somebody around the young person, with whatever is known of them."""

    kind: PersonKind = Field(description="`suspect`: who may have harmed or exploited them.")
    name: Line | None = None
    aliases: Lines = Field(default=(), description="Other names, nicknames, names used online.")
    relationship: Line | None = Field(default=None, description="What they are to them, in words.")
    date_of_birth: CalendarDay | None = None
    born_about: BornAbout | None = Field(default=None, description="The year, or year and month.")
    phones: Lines = ()
    emails: Lines = ()
    addresses: Lines = ()
    vehicles: Lines = Field(default=(), description="Make, colour, number plate.")
    organisation: Line | None = Field(default=None, description="Of a professional.")
    role: Line | None = Field(default=None, description="Of a professional, as `social worker`.")
    parental_responsibility: Asked = "not_asked"
    knows_of_referral: Asked = "not_asked"
    agrees: Asked = Field(
        default="not_asked", description="With the referral. It is no consent, and opens nothing."
    )
    lives_with: Asked = Field(default="not_asked", description="In one household with them.")
    at_risk: Asked = Field(default="not_asked", description="Another child, or adult, in danger.")
    agency_id: Code | None = Field(
        default=None, description="Of a suspect: the agency of the network they work for."
    )
    worker_id: Code | None = Field(
        default=None, description="Of a suspect: who they are as a worker of the network."
    )
    notes: Text = ""


People = Annotated[tuple[Person, ...], Field(max_length=50)]

# The sealed section of each kind.
SECTION_OF: Mapping[PersonKind, str] = {
    **dict.fromkeys(("parent", "carer", "sibling", "household"), "people_family"),
    "professional": "people_professional",
    **dict.fromkeys(("associate", "suspect", "other_victim", "other"), "people_concern"),
}


def sealed_people(people: Iterable[Person]) -> dict[str, str]:
    """The people in the sections in which they are kept; no section without anybody."""
    found: dict[str, list[object]] = {}
    for person in people:
        said = person.model_dump(mode="json", exclude_unset=True)
        found.setdefault(SECTION_OF[person.kind], []).append({"kind": person.kind, **said})
    return {name: json.dumps({"people": each}) for name, each in found.items()}


def named_suspects(people: Iterable[Person]) -> list[tuple[Literal["agency", "worker"], str]]:
    """The suspects who are somebody of the network."""
    found: list[tuple[Literal["agency", "worker"], str]] = []
    for person in people:
        if person.kind == "suspect" and person.agency_id:
            found.append(("agency", person.agency_id))
        if person.kind == "suspect" and person.worker_id:
            found.append(("worker", person.worker_id))
    return list(dict.fromkeys(found))
