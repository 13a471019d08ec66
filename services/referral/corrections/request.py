"""What changes after sending."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from services.referral.documents import (
    Asked,
    BornAbout,
    Channel,
    DiscussionEntry,
    EstimatedAge,
    Incoming,
    Indicator,
    Language,
    Line,
    Need,
    NhsNumber,
    PreferredTime,
    Text,
)
from services.referral.form.people import People
from services.referral.form.sections import (
    FORM,
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
from services.referral.reading.meanings import ADDED, Instead
from shared.errors import Contradiction
from shared.events.codes import Ethnicity, Gender, Setting, Urgency
from shared.rules.values import CalendarDay


def _kept(value: Any) -> Any:
    if value is None:
        raise PydanticCustomError("not_removable", "This can be corrected, not removed.")
    return value


# null removes a value (RFC 7396): these have to be there, or are only ever added to.
Kept = BeforeValidator(_kept)
Added = Annotated[str, StringConstraints(min_length=1, max_length=100_000)]


class SubjectPatch(Incoming):
    """A merge patch (RFC 7396) of the young person's details: what it does not name stays, null
    removes. A name can't be removed: where nobody knows it, it is `Unknown`."""

    name: Annotated[Line | None, Kept] = None
    known_as: Line | None = None
    date_of_birth: CalendarDay | None = None
    born_about: BornAbout | None = None
    estimated_age: EstimatedAge | None = None
    gender: Gender | None = None
    ethnicity: Ethnicity | None = None
    disability: Asked | None = None
    looked_after: Asked | None = None
    child_protection_plan: Asked | None = None
    nhs_number: NhsNumber | None = None
    address: Line | None = None
    school: Line | None = None
    living_situation: Line | None = None
    communication_needs: Annotated[tuple[Need, ...], Field(max_length=10)] | None = None


class SafeContactPatch(Incoming):
    """A merge patch (RFC 7396) of how the young person can be reached: what it does not name stays,
    null removes. A list is replaced whole."""

    channels: Annotated[tuple[Channel, ...], Field(max_length=10)] | None = None
    details: Line | None = None
    hours: Line | None = None
    code_word: Line | None = None
    never_contact: Annotated[tuple[Line, ...], Field(max_length=20)] | None = None


class AmendReferral(Generous):
    """A merge patch (RFC 7396) of the referral: what it does not name stays, null removes.

    Indicators, people, narrative, own words and discussions are added to, never taken away. What is not
    understood changes nothing but the urgency, which it raises: it is kept as sent, and marked.
    """

    instead: ClassVar[Instead] = ADDED
    replaced_whole: ClassVar[frozenset[tuple[str | int, ...]]] = frozenset(
        {
            ("safe_contact", "channels"),
            ("subject", "communication_needs"),
            ("condition", "disabilities"),
            ("legal", "legal"),
            ("contacts", "ways"),
            ("identifiers", "known"),
        }
    )

    urgency: Annotated[Urgency | None, Kept] = None
    area: Annotated[Text | None, Kept] = None
    subject: Annotated[SubjectPatch | None, Kept] = None
    safe_contact: SafeContactPatch | None = None
    settings_avoided: Annotated[tuple[Setting, ...], Field(max_length=10)] | None = None
    preferred_times: Annotated[tuple[PreferredTime, ...], Field(max_length=3)] | None = None
    languages: Annotated[tuple[Language, ...], Field(max_length=5)] | None = None
    indicators: Annotated[tuple[Indicator, ...], Field(max_length=100), Kept] = ()
    narrative: Annotated[Added | None, Kept] = None
    own_words: Annotated[Added | None, Kept] = None
    discussion: Annotated[DiscussionEntry | None, Kept] = None
    people: Annotated[People, Kept] = ()
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

    def check(self, sent: Mapping[str, Any]) -> None:
        if not self.names:
            raise Contradiction("Nothing was changed: write what is to be added or corrected.")

    @property
    def names(self) -> tuple[str, ...]:
        """The members that say something; an empty patch says nothing."""
        empty = {n for n in ("subject", "safe_contact", *FORM) if _is_empty(getattr(self, n))}
        kept = {"set_aside"} if self.asides else set()
        return tuple(sorted((self.model_fields_set - empty) | kept))


def _is_empty(patch: Incoming | None) -> bool:
    return patch is not None and not patch.model_fields_set
