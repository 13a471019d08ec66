"""What is sent about invitations and by young people, and how it is shown."""

from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, StringConstraints, model_validator

from services.referral.documents import Incoming
from shared.events.participation import Feeling, Moment, ReadBy, Theme, Way
from shared.rules.suppression import Table

# Ways of getting in touch that a young person can ask us to leave.
SayNoTo = Literal[
    "phone", "text", "email", "letter", "in_person", "through_school", "through_adult"
]
Words = Annotated[str, StringConstraints(max_length=4_000)]
MOST_DONE = 600


class InvitationEntry(Incoming):
    """What a card or link is for."""

    moment: Moment
    way: Way = "card"


class InvitationLine(BaseModel):
    """An invitation. `over` says nothing of whether it was used: that it was not costs nobody
    anything."""

    id: str
    moment: Moment
    way: Way
    made_at: datetime
    expires_at: datetime
    over: bool


class InvitationMade(InvitationLine):
    """The same with its code, for the card. It is kept nowhere: only the same request, sent again
    under the same key, is told it again."""

    card_code: str


class CardEntry(Incoming):
    """The code on a card, as it was typed."""

    card_code: Annotated[str, StringConstraints(min_length=1, max_length=60)]


class SaidEntry(CardEntry):
    """What a young person says. Nothing of it has to be said."""

    feeling: Feeling | None = None
    wants: Words = Field("", description="What they want, in their words. Personal: encrypted.")
    how: Words = Field("", description="How it is, in their words. Personal: encrypted.")
    change: Words = Field("", description="What should change. Personal: encrypted.")
    themes: Annotated[tuple[Theme, ...], Field(max_length=20)] = ()
    read_by: ReadBy
    never: Annotated[tuple[SayNoTo, ...], Field(max_length=7)] = Field(
        (), description="Ways in which nobody may get in touch from now on."
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.feeling or self.themes or self.never or self.words):
            raise ValueError("nothing is said")
        return self

    @property
    def words(self) -> dict[str, str]:
        """What is in their own words, by question; what was left out is not there."""
        asked = {"wants": self.wants, "how": self.how, "change": self.change}
        return {name: text for name, text in asked.items() if text.strip()}


class Card(BaseModel):
    """How a card stands: whether something can be said by it, and taken back."""

    moment: Moment
    state: Literal["open", "said", "taken_back"]
    expires_at: datetime | None = None
    destroyed_on: date | None = None


class Said(BaseModel):
    """What a young person said, as whoever they chose reads it."""

    id: str
    moment: Moment
    said_on: date
    feeling: Feeling | None
    themes: tuple[Theme, ...]
    wants: str = ""
    how: str = ""
    change: str = ""
    destroyed_on: date


class Participation(BaseModel):
    """The invitations of a case, and what the young person lets you read."""

    invitations: list[InvitationLine]
    said: list[Said]


class Quarter(BaseModel):
    """What many said in a finished quarter, small numbers withheld."""

    quarter: str
    feelings: Table
    themes: Table


class ParticipationSummary(BaseModel):
    """The newest finished quarter first."""

    hub_id: str
    quarters: list[Quarter]


class ReplyEntry(Incoming):
    """What was done about a theme. Everybody can read it."""

    done: Annotated[str, StringConstraints(min_length=10, max_length=MOST_DONE)]


class ReplyView(BaseModel):
    """You said (a theme), we did."""

    hub_id: str
    theme: Theme
    done: str
    written_at: datetime


class ReplyPage(BaseModel):
    """The newest first; pass `next` as `cursor` for the page behind it."""

    replies: list[ReplyView]
    next: str | None
