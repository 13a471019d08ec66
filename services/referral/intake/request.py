"""The referral as an agency sends it."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, StringConstraints

from services.referral.documents import (
    ConsentEntry,
    DiscussionEntry,
    Incoming,
    Indicator,
    Language,
    Line,
    PreferredTime,
    SafeContact,
    SubjectDetails,
    Text,
)
from services.referral.form.people import People
from services.referral.form.sections import (
    Background,
    Condition,
    Contacts,
    History,
    Identifiers,
    Migration,
    Missing,
    Personal,
    Status,
    Trafficking,
    VisitRisk,
)
from services.referral.reading.generous import Generous
from services.referral.reading.meanings import SENT, Instead
from shared.errors import Contradiction
from shared.events.codes import Setting, TellParents, Urgency
from shared.rules.calendars import Nation
from shared.rules.values import Instant

Issue = Literal[
    "missing_episodes", "trafficking", "gangs", "drugs", "criminal_exploitation", "self_harm"
]


class Referrer(Incoming):
    """The person who refers."""

    name: Line | None = None
    role: Line | None = None
    contact: Line | None = None
    relationship: Line | None = Field(
        default=None, description="What they are to the young person."
    )
    line_manager: Line | None = Field(default=None, description="With a way to reach them.")
    organisation_code: Line | None = Field(default=None, description="As an ODS code.")


class ReceiveReferral(Generous):
    """What an agency posts. Wrong types are refused; nothing else is (docs/intake.md): what we don't
    understand is kept as sent, and the answer marks it."""

    instead: ClassVar[Instead] = SENT

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
    area: Text = Field(
        description="A code, a name or an alias of an area (`GET /v1/areas`). A word that nobody "
        "knows is taken, too: the answer warns `area_unknown` and suggests what is called nearly "
        "so, and operators find the Hub."
    )
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
    tell_parents: TellParents = Field(
        default="not_asked",
        description="What the young person said about telling their parents. While they are not to "
        "be told, accounts of parents, relatives and carers read and hear nothing.",
    )
    tell_parents_said_at: Instant | None = None
    people: People = Field(default=(), description="People around the young person.")
    contacts: Contacts | None = None
    missing: Missing | None = None
    visit_risk: VisitRisk | None = None
    history: History | None = None
    legal: Status | None = None
    trafficking: Trafficking | None = None
    migration: Migration | None = None
    condition: Condition | None = None
    background: Background | None = None
    personal: Personal | None = None
    identifiers: Identifiers | None = None
    service_agreement: Literal["agreed", "declined", "not_asked"] = "not_asked"
    requested_action: Literal["direct_work", "consultancy", "advice", "assessment", "other"] = (
        "direct_work"
    )

    def check(self, sent: Mapping[str, Any]) -> None:
        if not any(value not in (None, "", [], {}) for value in sent.values()):
            raise Contradiction("Nothing was said: send at least what you have noticed, in words.")
