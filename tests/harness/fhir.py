"""FHIR R4 as far as messages out go, as strict pydantic models: what is not of R4, or not as it says
there, is a fault. Written from the definitions of R4 (4.0.1) for the tests alone."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9\-.]{1,64}$")]
Uri = Annotated[str, StringConstraints(pattern=r"^[a-z]+:\S+$")]
Code = Annotated[str, StringConstraints(pattern=r"^\S+( \S+)*$")]
Name = Annotated[str, StringConstraints(pattern=r"^urn:uuid:[0-9a-f-]{36}$")]


class Element(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Coding(Element):
    system: Uri
    code: Code
    display: str | None = None


class Concept(Element):
    coding: Annotated[list[Coding], Field(min_length=1)]
    text: str | None = None


class Identifier(Element):
    system: Uri
    value: str


class Reference(Element):
    reference: Name


class Displayed(Element):
    display: str


class Source(Element):
    name: str
    endpoint: Uri


class Destination(Element):
    endpoint: Uri


class Answered(Element):
    identifier: Id
    code: Literal["ok", "transient-error", "fatal-error"]


class MessageHeader(Element):
    resourceType: Literal["MessageHeader"]
    eventCoding: Coding
    destination: list[Destination] = []
    source: Source
    reason: Concept
    response: Answered | None = None
    focus: Annotated[list[Reference], Field(min_length=1)]


class ServiceRequest(Element):
    resourceType: Literal["ServiceRequest"]
    id: Id
    status: Literal[
        "draft", "active", "on-hold", "revoked", "completed", "entered-in-error", "unknown"
    ]
    intent: Literal["proposal", "plan", "directive", "order"]
    category: list[Concept]
    subject: Displayed


class Encounter(Element):
    resourceType: Literal["Encounter"]
    id: Id
    identifier: list[Identifier]
    status: Literal[
        "planned",
        "arrived",
        "triaged",
        "in-progress",
        "onleave",
        "finished",
        "cancelled",
        "entered-in-error",
        "unknown",
    ]
    class_: Annotated[Coding, Field(alias="class")]
    basedOn: list[Reference]
    reasonCode: Annotated[list[Concept], Field(min_length=1)]


class Flag(Element):
    resourceType: Literal["Flag"]
    status: Literal["active", "inactive", "entered-in-error"]
    code: Concept
    subject: Displayed


Resource = Annotated[
    MessageHeader | ServiceRequest | Encounter | Flag, Field(discriminator="resourceType")
]


class Entry(Element):
    fullUrl: Name
    resource: Resource


class Meta(Element):
    lastUpdated: AwareDatetime


class Bundle(Element):
    resourceType: Literal["Bundle"]
    id: UUID
    meta: Meta
    identifier: Identifier | None = None
    type: Literal["message"]
    timestamp: AwareDatetime
    entry: Annotated[list[Entry], Field(min_length=1)]


def message(document: Any) -> Bundle:
    """The message, held to R4: its header first, and every reference names one of its resources."""
    bundle = Bundle.model_validate(document)
    names = {entry.fullUrl for entry in bundle.entry}
    assert len(names) == len(bundle.entry), "each name is one resource's"
    header = bundle.entry[0].resource
    assert isinstance(header, MessageHeader), "the header is first"
    found = [*header.focus]
    for entry in bundle.entry:
        found += entry.resource.basedOn if isinstance(entry.resource, Encounter) else []
    assert {one.reference for one in found} <= names
    return bundle
