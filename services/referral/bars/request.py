"""A message as it is sent: a Bundle, whose first entry says what the others are."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shared.rules.values import MOST_BYTES

MAX_ENTRIES = 500
# The limit on bodies ends it, too.
Text = Annotated[str, StringConstraints(max_length=MOST_BYTES)]


class Resource(BaseModel):
    """A FHIR R4 resource."""

    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)

    resource_type: Text | None = Field(
        default=None, alias="resourceType", description="Which kind of resource it is."
    )


class BundleEntry(BaseModel):
    """A resource, and the name by which others refer to it."""

    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)

    full_url: Text | None = Field(
        default=None, alias="fullUrl", description="By which other resources refer to it."
    )
    resource: Resource = Field(description="What the entry is.")


class MessageBundle(BaseModel):
    """A message of the Booking and Referral Standard: a FHIR R4 Bundle. Of what is in it the types are
    strict and the content is not (docs/bars.md)."""

    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)

    resource_type: Literal["Bundle"] = Field(alias="resourceType", description="Always `Bundle`.")
    type: Literal["message"] = Field(description="Always `message`.")
    id: Text | None = Field(
        default=None,
        description="New for each message. The same message may be sent again: it is one.",
    )
    entry: Annotated[list[BundleEntry], Field(min_length=1, max_length=MAX_ENTRIES)] = Field(
        description="The MessageHeader, and what it is about."
    )
