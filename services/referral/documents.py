"""What documents from outside consist of.

Codes are closed lists (the OpenAPI document shows them); where life doesn't fit a list there is
free text beside it, which is encrypted and never leaves this service as anything else.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints

from shared.events.codes import Ethnicity, Gender, Recency
from shared.rules.sharing import Category
from shared.rules.values import CalendarDay, Instant

Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]


# What somebody needs the information for. A closed list: it stands in events, which hold no words of
# callers.
Purpose = Literal[
    "safeguarding",
    "direct_work",
    "oversight",
    "reply_to_referrer",
    "retraction",
    "education",
    "health_care",
    "early_help",
    "family_support",
    "criminal_proceedings",
    "court_proceedings",
    "prevention_of_crime",
    "research",
    "complaint",
    "access_request",
]


Line = Annotated[str, StringConstraints(min_length=1, max_length=500)]


Text = Annotated[str, StringConstraints(max_length=100_000)]


Asked = Literal["yes", "no", "not_asked", "not_known", "declined"]


Channel = Literal[
    "phone", "text", "email", "letter", "in_person", "through_school", "through_adult"
]


Need = Literal[
    "interpreter", "sign_language", "easy_read", "large_print", "speech_support", "step_free_access"
]


EstimatedAge = Annotated[int, Field(ge=0, le=25, strict=True)]


# A year, or a year and a month.
BornAbout = Annotated[
    str, StringConstraints(pattern=r"^(19|2[0-9])[0-9]{2}(-(0[1-9]|1[0-2]))?$", max_length=7)
]


# Who is called so is nobody yet: no other referral is linked, and a search by name finds none.
NAME_UNKNOWN = "Unknown"


NhsNumber = Annotated[str, StringConstraints(max_length=40)]


Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]


PreferredTime = Literal["daytime", "evenings", "weekends"]


NotDiscussed = Literal["would_increase_risk", "could_not_be_reached", "too_distressed", "other"]


class Incoming(BaseModel):
    """A document from outside: unknown members are faults, and faults never quote values."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class SubjectDetails(Incoming):
    """The young person; whatever is known. `not_asked`, `not_known` and `declined` differ."""

    name: Line = Field(default=NAME_UNKNOWN, description="Leave it out where nobody knows it yet.")
    known_as: Line | None = None
    date_of_birth: CalendarDay | None = None
    born_about: BornAbout | None = Field(
        default=None,
        description="Where the birth date isn't known in full: the year, or the year and month.",
    )
    estimated_age: EstimatedAge | None = None
    gender: Gender = "not_asked"
    ethnicity: Ethnicity = "not_asked"
    disability: Asked = "not_asked"
    looked_after: Asked = "not_asked"
    child_protection_plan: Asked = "not_asked"
    nhs_number: NhsNumber | None = Field(
        default=None, description="Kept as sent; a wrong check digit is marked, never refused."
    )
    address: Line | None = None
    school: Line | None = None
    living_situation: Line | None = None
    communication_needs: Annotated[tuple[Need, ...], Field(max_length=10)] = ()


# Where each detail of a young person is kept: in which sealed section.
SUBJECT_SECTIONS: Mapping[str, frozenset[str]] = {
    "identity": frozenset(
        {
            "name",
            "known_as",
            "date_of_birth",
            "born_about",
            "estimated_age",
            "gender",
            "ethnicity",
        }
    ),
    "address": frozenset({"address"}),
    "health": frozenset({"nhs_number", "disability", "communication_needs"}),
    "education": frozenset({"school"}),
    "family": frozenset({"living_situation", "looked_after", "child_protection_plan"}),
}


class SafeContact(Incoming):
    """How the young person can be reached without harm, and how they can't."""

    channels: Annotated[tuple[Channel, ...], Field(max_length=10)] = ()
    details: Line | None = None
    hours: Line | None = None
    code_word: Line | None = None
    never_contact: Annotated[tuple[Line, ...], Field(max_length=20)] = ()


class Indicator(Incoming):
    """Something noticed. A code we don't know is kept as it came, encrypted, and marked."""

    code: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    recency: Recency


class DiscussionEntry(Incoming):
    """What was discussed with the young person and what they wish; or why it could not be."""

    discussed: StrictBool
    not_discussed_because: NotDiscussed | None = Field(
        default=None, description="Of what was discussed it says nothing."
    )
    what: Text = ""
    wishes: Text = ""


class ConsentEntry(Incoming):
    """What was said about sharing, with whom (no agency and no kind: everyone) and about what."""

    status: Literal["given", "refused", "withdrawn", "not_asked"]
    agency_ids: Annotated[tuple[Code, ...], Field(max_length=50)] = ()
    agency_kinds: Annotated[tuple[Code, ...], Field(max_length=20)] = ()
    categories: Annotated[tuple[Category, ...], Field(min_length=1, max_length=12)]
    given_by: Literal["young_person", "parent"]
    gillick_competent: StrictBool | None = Field(
        default=None, description="Under 16: was competence assessed, and found?"
    )
    said_at: Instant | None = Field(
        default=None,
        description="When it was said. Not given, a yes ends no refusal, and the answer warns.",
    )
    valid_to: Instant | None = None
