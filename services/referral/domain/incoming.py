"""What agencies send: the documents, field by field. Pure.

Codes are closed lists (the OpenAPI document shows them); where life doesn't fit a list there is
free text beside it, which is encrypted and never leaves this service as anything else.
"""

from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from shared.calendars import Nation
from shared.events.codes import Ethnicity, Gender, Recency, Setting, Urgency
from shared.sharing import Category, Condition, LawfulBasis

Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
Line = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Text = Annotated[str, StringConstraints(max_length=100_000)]
Asked = Literal["yes", "no", "not_asked", "not_known", "declined"]
Channel = Literal[
    "phone", "text", "email", "letter", "in_person", "through_school", "through_adult"
]
Issue = Literal[
    "missing_episodes", "trafficking", "gangs", "drugs", "criminal_exploitation", "self_harm"
]
Need = Literal[
    "interpreter", "sign_language", "easy_read", "large_print", "speech_support", "step_free_access"
]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
PreferredTime = Literal["daytime", "evenings", "weekends"]
NotDiscussed = Literal["would_increase_risk", "could_not_be_reached", "too_distressed", "other"]


class Incoming(BaseModel):
    """A document from outside: unknown members are faults, and faults never quote values."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Referrer(Incoming):
    """The person who refers."""

    name: Line
    role: Line
    contact: Line


class SubjectDetails(Incoming):
    """The young person; whatever is known. `not_asked`, `not_known` and `declined` differ."""

    name: Line
    known_as: Line | None = None
    date_of_birth: date | None = None
    estimated_age: Annotated[int, Field(ge=0, le=25)] | None = None
    gender: Gender = "not_asked"
    ethnicity: Ethnicity = "not_asked"
    disability: Asked = "not_asked"
    looked_after: Asked = "not_asked"
    child_protection_plan: Asked = "not_asked"
    nhs_number: Annotated[str, StringConstraints(max_length=40)] | None = Field(
        default=None, description="Kept as sent; a wrong check digit is marked, never refused."
    )
    address: Line | None = None
    school: Line | None = None
    living_situation: Line | None = None
    communication_needs: Annotated[tuple[Need, ...], Field(max_length=10)] = ()


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

    discussed: bool
    not_discussed_because: NotDiscussed | None = None
    what: Text = ""
    wishes: Text = ""

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Self:
        if self.discussed == (self.not_discussed_because is not None):
            raise ValueError("not_discussed_because is needed exactly when it was not discussed")
        return self


class ConsentEntry(Incoming):
    """What was said about sharing, with whom (no agency and no kind: everyone) and about what."""

    status: Literal["given", "refused", "withdrawn", "not_asked"]
    agency_ids: Annotated[tuple[Code, ...], Field(max_length=50)] = ()
    agency_kinds: Annotated[tuple[Code, ...], Field(max_length=20)] = ()
    categories: Annotated[tuple[Category, ...], Field(min_length=1, max_length=12)]
    given_by: Literal["young_person", "parent"]
    gillick_competent: bool | None = Field(
        default=None, description="Under 16: was competence assessed, and found?"
    )
    valid_to: AwareDatetime | None = None


class BasisEntry(Incoming):
    """A decision to share without consent. Necessity and reason are encrypted; the rest is coded."""

    basis: LawfulBasis
    condition: Condition | None = None
    agency_ids: Annotated[tuple[Code, ...], Field(min_length=1, max_length=50)]
    categories: Annotated[tuple[Category, ...], Field(min_length=1, max_length=12)]
    reason: Line
    necessity: Line
    review_at: AwareDatetime
    subject_told: bool


class ReceiveReferral(Incoming):
    """What an agency posts."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "agency_reference": "SYN-0001",
                    "urgency": "one_working_day",
                    "area": "northtown",
                    "referrer": {
                        "name": "Sample Referrer",
                        "role": "designated safeguarding lead",
                        "contact": "referrer@school.example",
                    },
                    "subject": {
                        "name": "Sample Child",
                        "date_of_birth": "2012-05-17",
                        "gender": "female",
                        "ethnicity": "not_known",
                    },
                    "safe_contact": {"channels": ["text"], "hours": "after 16:00"},
                    "settings_avoided": ["police"],
                    "preferred_times": ["evenings"],
                    "languages": ["en", "pl"],
                    "indicators": [
                        {"code": "missing_episodes", "recency": "current"},
                        {"code": "older_partner", "recency": "last_6_months"},
                    ],
                    "narrative": "Synthetic text: what was seen, by whom and when.",
                    "discussion": {"discussed": True, "wishes": "Synthetic text."},
                    "consents": [
                        {
                            "status": "given",
                            "categories": ["existence", "concerns"],
                            "given_by": "young_person",
                            "gillick_competent": True,
                        }
                    ],
                    "service_agreement": "agreed",
                    "requested_action": "direct_work",
                }
            ]
        }
    )

    agency_reference: Annotated[str, StringConstraints(min_length=1, max_length=100)] = Field(
        description="Your own id of this referral; yours alone, and used once."
    )
    urgency: Urgency
    area: Code
    nation: Nation = "england"
    referrer: Referrer | None = Field(
        default=None, description="Needed from organisations; not from self or anonymous accounts."
    )
    subject: SubjectDetails
    safe_contact: SafeContact = SafeContact()
    settings_avoided: Annotated[tuple[Setting, ...], Field(max_length=10)] = ()
    preferred_times: Annotated[tuple[PreferredTime, ...], Field(max_length=3)] = ()
    languages: Annotated[tuple[Language, ...], Field(max_length=5)] = Field(
        default=(), description="Spoken by the young person: codes of ISO 639, as `en` or `pl`."
    )
    indicators: Annotated[tuple[Indicator, ...], Field(max_length=100)] = ()
    linked_issues: Annotated[tuple[Issue, ...], Field(max_length=10)] = ()
    narrative: Text = ""
    own_words: Text = Field(default="", description="In the young person's own words.")
    intelligence: Text = Field(
        default="", description="Shared with nobody without a ground of its own."
    )
    discussion: DiscussionEntry | None = None
    consents: Annotated[tuple[ConsentEntry, ...], Field(max_length=20)] = ()
    service_agreement: Literal["agreed", "declined", "not_asked"] = "not_asked"
    requested_action: Literal["direct_work", "consultancy", "advice", "assessment", "other"] = (
        "direct_work"
    )


class AmendReferral(Incoming):
    """What changed after sending; at least one field. Indicators are added, never taken away."""

    urgency: Urgency | None = None
    subject: SubjectDetails | None = None
    safe_contact: SafeContact | None = None
    settings_avoided: Annotated[tuple[Setting, ...], Field(max_length=10)] | None = None
    preferred_times: Annotated[tuple[PreferredTime, ...], Field(max_length=3)] | None = None
    languages: Annotated[tuple[Language, ...], Field(max_length=5)] | None = None
    indicators: Annotated[tuple[Indicator, ...], Field(max_length=100)] = ()
    narrative: Text | None = None
    own_words: Text | None = None
    discussion: DiscussionEntry | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("nothing to amend")
        return self


class AgencyEntry(Incoming):
    """What the network keeps of an agency. Its kind (codes of the CIN census' referral sources)
    never decides whether it may refer: `1c` is a young person, `9` is anonymous."""

    name: Line
    kind: Code
    areas: Annotated[tuple[Code, ...], Field(max_length=200)] = ()
    active: bool = True


class AgreementEntry(Incoming):
    """Who may share which categories, for which purposes, on which grounds, and until when."""

    parties: Annotated[tuple[Code, ...], Field(min_length=2, max_length=50)]
    purposes: Annotated[tuple[Code, ...], Field(min_length=1, max_length=20)]
    categories: Annotated[tuple[Category, ...], Field(min_length=1, max_length=12)]
    grounds: Annotated[
        tuple[Literal["consent", "public_task", "legal_obligation", "vital_interests"], ...],
        Field(min_length=1, max_length=4),
    ]
    frequency: Literal["as_needed", "daily", "weekly", "monthly"] = "as_needed"
    effective_from: AwareDatetime
    effective_to: AwareDatetime
    review_at: AwareDatetime

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.effective_from < self.review_at <= self.effective_to:
            raise ValueError("effective_from < review_at <= effective_to must hold")
        if (self.effective_to - self.effective_from).days > 3660:
            raise ValueError("an agreement ends within ten years")
        return self


class ReviewEntry(Incoming):
    """When an agreement is looked at next."""

    review_at: datetime
