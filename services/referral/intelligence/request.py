"""What a report may say, and how one is shown."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, Field, StringConstraints, model_validator

from services.referral.documents import Code, Incoming
from services.referral.intelligence.normal import VALUES
from services.referral.intelligence.report import Report, ReportStatus
from shared.events.intelligence import (
    Assessment,
    Handling,
    MentionKind,
    MentionRole,
    ReporterKind,
    ReviewOutcome,
    SourceGrade,
    WithdrawalReason,
)
from shared.rules.values import Instant

MOST_MENTIONS = 50

Words = Annotated[str, StringConstraints(min_length=1, max_length=20_000, strip_whitespace=True)]
Conditions = Annotated[str, StringConstraints(max_length=2_000, strip_whitespace=True)]
Said = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
Description = Annotated[str, StringConstraints(max_length=2_000, strip_whitespace=True)]


class MentionValues(Incoming):
    """What is known of it: only what its kind has (docs/intelligence.md), and a description."""

    name: Said | None = None
    nickname: Said | None = None
    number: Said | None = Field(
        default=None, description="Of a phone, or of the house of a place or a business."
    )
    registration: Said | None = None
    postcode: Said | None = None
    town: Said | None = None
    platform: Said | None = None
    handle: Said | None = None
    description: Description = ""

    @property
    def given(self) -> dict[str, str]:
        """What was said."""
        return {name: value for name, value in self.model_dump().items() if value}


class MentionEntry(Incoming):
    """Somebody or something that is mentioned, and as what."""

    kind: MentionKind
    role: MentionRole
    values: MentionValues

    @model_validator(mode="after")
    def _of_its_kind(self) -> Self:
        given = set(self.values.given)
        if not given:
            raise ValueError("a mention says something of whom or what it mentions")
        if given - {*VALUES[self.kind], "description"}:
            raise ValueError("a mention of this kind has other values")
        return self


class ReportEntry(Incoming):
    """An intelligence report. It needs no child: what was noticed is enough.

    `source`: 1 reliable, 2 untested, 3 not reliable. `assessment`: A known directly to the source, B
    known indirectly but corroborated, C known indirectly, D not known, E suspected to be false.
    `handling`: P may lawfully be shared, C only under `conditions`, which then go with it.
    """

    text: Words
    source: SourceGrade
    assessment: Assessment
    handling: Handling
    conditions: Conditions = Field(
        default="", description="What binds whoever reads it. Needed where `handling` is C."
    )
    area: Code
    referral_id: Annotated[str, StringConstraints(pattern=r"^ref_[0-9a-f]{32}$")] | None = Field(
        default=None, description="The referral it is about, where it is one that you may read."
    )
    observed_at: Instant | None = Field(default=None, description="When it was noticed.")
    mentions: Annotated[tuple[MentionEntry, ...], Field(max_length=MOST_MENTIONS)] = ()

    @model_validator(mode="after")
    def _conditions_belong_to_c(self) -> Self:
        if (self.handling == "C") != bool(self.conditions):
            raise ValueError("conditions are said with C, and only then")
        return self


class WithdrawalEntry(Incoming):
    """Why it is taken back."""

    reason: WithdrawalReason


class ReviewEntry(Incoming):
    """Whether it is needed still."""

    outcome: ReviewOutcome


class ReportLine(BaseModel):
    """A report, without its words. Nothing of whom it mentions."""

    id: str
    status: ReportStatus
    area: str
    referral_id: str | None
    reporter_kind: ReporterKind
    source: SourceGrade
    assessment: Assessment
    handling: Handling
    mention_count: int
    observed_at: datetime | None
    reported_at: datetime
    review_at: datetime
    destroyed_at: datetime


class MentionView(BaseModel):
    """Somebody or something mentioned. `findable`: whether it can be found by what was said of it."""

    number: int
    kind: MentionKind
    role: MentionRole
    values: MentionValues | None
    findable: bool


class ReportView(ReportLine):
    """A report, with its handling code and what that asks of whoever reads it."""

    agency_id: str | None
    worker_id: str | None
    text: str | None = Field(description="Null once it was destroyed.")
    conditions: str | None = Field(description="They bind whoever reads this.")
    mentions: list[MentionView]


class ReportPage(BaseModel):
    """The newest first; pass `next` as `cursor` for the page behind it."""

    reports: list[ReportLine]
    next: str | None


def line(report: Report) -> ReportLine:
    """A report as a list shows it."""
    names = set(ReportLine.model_fields) - {"mention_count"}
    return ReportLine(**report.model_dump(include=names), mention_count=len(report.mentions))
