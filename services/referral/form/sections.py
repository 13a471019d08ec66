"""Sections of a form, each sealed by itself. Every member may be left out. Pure."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from services.referral.documents import Asked, Incoming, Language, Line, Text
from services.referral.form.codes import (
    Disability,
    EthnicityCode,
    IdentifierKind,
    LegalStatus,
    MigrationStatus,
    NrmStatus,
    Orientation,
    Placement,
    PrimaryNeed,
)
from shared.rules.known import Category
from shared.rules.values import CalendarDay, Instant


class Reach(Incoming):
    """A phone, an e-mail or an account online by which the young person is reached."""

    kind: Literal["phone", "email", "online", "other"] = "other"
    value: Line
    safe: Asked = Field(default="not_asked", description="Whether it may be used: `no`, never.")
    whose: Line | None = Field(default=None, description="Whose it is, and who else sees it.")


class Contacts(Incoming):
    """How they are reached, the first to be tried first."""

    ways: Annotated[tuple[Reach, ...], Field(max_length=20)] | None = None


class Missing(Incoming):
    """Whether they are missing now, and where they were last seen."""

    now: Asked | None = None
    last_seen_at: Instant | None = None
    last_seen_place: Line | None = None
    last_seen_with: Line | None = None
    present_place: Line | None = Field(default=None, description="Where they may be now.")
    police_informed: Asked | None = None
    police_reference: Line | None = None


class VisitRisk(Incoming):
    """Danger to whoever visits: dogs, weapons, people. Read it before you go."""

    risk: Asked | None = Field(
        default=None, description="`yes` reaches the worker as a flag as well, without words."
    )
    what: Text | None = None


class History(Incoming):
    """Days and needs as the children in need census asks them."""

    concern_on: CalendarDay | None = Field(default=None, description="Day of the concern.")
    made_at: Instant | None = Field(
        default=None, description="When the referral was made, if not sent at once."
    )
    primary_need: PrimaryNeed | None = Field(default=None, description="Census codes N0 to N9.")
    implied_consent: Asked | None = Field(
        default=None, description="As some forms call it. It opens nothing: see `consents`."
    )
    earlier_referrals: Asked | None = None
    protection_plan_from: CalendarDay | None = None
    protection_plan_to: CalendarDay | None = None
    died_on: CalendarDay | None = None


class Status(Incoming):
    """Legal status and placement."""

    legal: Annotated[tuple[LegalStatus, ...], Field(max_length=10)] | None = None
    placement: Placement | None = None
    words: Line | None = None


class Trafficking(Incoming):
    """The National Referral Mechanism."""

    nrm: NrmStatus | None = None
    nrm_reference: Line | None = None


class Migration(Incoming):
    """Migration status: shared with nobody without a ground of its own."""

    status: MigrationStatus | None = None
    words: Line | None = None


class Condition(Incoming):
    """Health that forms ask of."""

    disabilities: Annotated[tuple[Disability, ...], Field(max_length=13)] | None = Field(
        default=None, description="The 13 codes of the children in need census."
    )
    mental_health: Asked | None = None
    pregnant: Asked | None = None
    words: Line | None = None


class Background(Incoming):
    """Ethnicity in full, and the language they grew up with."""

    ethnicity_code: EthnicityCode | None = Field(
        default=None, description="Children in need census. The group follows, if not said."
    )
    first_language: Language | None = None


class Personal(Incoming):
    """Religion and sexual orientation, if they were asked: shared with nobody without a ground of its
    own. `not_asked`, `not_known` and `declined` differ."""

    religion: Line | None = None
    religion_asked: Asked | None = None
    orientation: Orientation | None = None


class Identifier(Incoming):
    """A number by which somebody else knows them."""

    kind: IdentifierKind = "other"
    value: Line
    issued_by: Line | None = None


class Identifiers(Incoming):
    """Numbers of others: UPN, of a local authority, of a case."""

    known: Annotated[tuple[Identifier, ...], Field(max_length=20)] | None = None


# Each section with the category that lets a partner read it.
FORM: Mapping[str, tuple[type[Incoming], Category]] = {
    "contacts": (Contacts, "contact"),
    "missing": (Missing, "contact"),
    "visit_risk": (VisitRisk, "contact"),
    "history": (History, "family"),
    "legal": (Status, "family"),
    "trafficking": (Trafficking, "concerns"),
    "migration": (Migration, "intelligence"),
    "condition": (Condition, "health"),
    "background": (Background, "identity"),
    "personal": (Personal, "intelligence"),
    "identifiers": (Identifiers, "identity"),
}
PEOPLE: Mapping[str, Category] = {
    "people_family": "family",
    "people_professional": "health",
    "people_concern": "intelligence",
}
