"""What is asked and answered, and how it is shown."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, Field, StringConstraints, model_validator

from services.referral.documents import Code, Incoming
from shared.events.advice import AdviceOutcome, AdviceStatus, AdviceTheme, Side
from shared.rules.suppression import Table

Writing = Annotated[str, StringConstraints(min_length=1, max_length=4_000)]


class AdviceEntry(Incoming):
    """A question about a worry. It names no child: who must be named is for a referral."""

    area: Code
    theme: AdviceTheme
    text: Writing = Field(description="The question. Name no child. Encrypted.")


class AdviceMessageEntry(Incoming):
    """What is written further, by either side."""

    text: Writing = Field(description="What is written. Name no child. Encrypted.")


class AdviceClosure(Incoming):
    """What came of it; where it became a referral, which."""

    outcome: AdviceOutcome
    referral_id: Annotated[str, StringConstraints(pattern=r"^ref_[0-9a-f]{32}$")] | None = None

    @model_validator(mode="after")
    def _which(self) -> Self:
        if (self.outcome == "became_referral") != (self.referral_id is not None):
            raise ValueError("referral_id, and only where it became one")
        return self


class AdviceLine(BaseModel):
    """A question as a list shows it."""

    id: str
    agency_id: str
    hub_id: str
    area: str
    theme: AdviceTheme
    status: AdviceStatus
    asked_at: datetime
    answer_by: datetime | None
    outcome: AdviceOutcome | None
    referral_id: str | None


class AdviceMessage(BaseModel):
    """What one side wrote; null once it was destroyed."""

    side: Side
    at: datetime
    text: str | None


class AdviceView(AdviceLine):
    """A question with all that was written."""

    messages: list[AdviceMessage]


class AdvicePage(BaseModel):
    """The newest first; pass `next` as `cursor` for the page behind it."""

    advice: list[AdviceLine]
    next: str | None


class AdviceQuarter(BaseModel):
    """What was asked in a finished quarter, small numbers withheld."""

    quarter: str
    by_theme: Table
    by_agency_kind: Table


class AdviceSummary(BaseModel):
    """The newest finished quarter first."""

    hub_id: str
    quarters: list[AdviceQuarter]
