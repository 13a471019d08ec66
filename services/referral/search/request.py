"""What a practitioner looks for, and what they are shown."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, StringConstraints, model_validator

from services.referral.documents import Incoming, Line, Purpose
from services.referral.matches.rule import MatchView
from shared.errors import Contradiction
from shared.events.codes import ReferralStatus
from shared.rules.values import CalendarDay

Asked = Literal["name", "date_of_birth", "nhs_number"]


class SearchQuery(Incoming):
    """A name, a birth date, an NHS number: at least one. All that you say must agree, at least
    nearly: leave out what you are not sure of. In the body, for addresses are written to logs."""

    name: Line | None = None
    date_of_birth: CalendarDay | None = None
    nhs_number: Annotated[str, StringConstraints(min_length=1, max_length=40)] | None = None
    purpose: Purpose = Field(default="safeguarding", description="What you need it for.")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.name is None and self.date_of_birth is None and self.nhs_number is None:
            raise Contradiction("Say a name, a date of birth or an NHS number.")
        return self

    @property
    def given(self) -> tuple[Asked, ...]:
        """The fields that were said."""
        fields: tuple[Asked, ...] = ("name", "date_of_birth", "nhs_number")
        return tuple(name for name in fields if getattr(self, name) is not None)


class Hit(BaseModel):
    """A referral of yours that may be about them: which fields agree, and how. No values."""

    referral_id: str
    status: ReferralStatus
    agrees: dict[str, str]


class SearchResult(BaseModel):
    """What was found, the newest first. `more`: there may be others; say more of who it is.

    `possible_matches` are those of the hits that wait for a decision, for managers.
    """

    hits: list[Hit]
    more: bool
    possible_matches: list[MatchView]
