"""A goal as it is kept: codes in the clear, the young person's words sealed. Pure."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from shared.events.codes import GoalArea, GoalOutcome, GoalProgress


class Review(BaseModel):
    """A look at it together: how far it is now. A code, and no notes."""

    model_config = ConfigDict(frozen=True)

    id: str
    progress: GoalProgress
    at: datetime
    by: str


class Goal(BaseModel):
    """One goal. `asked` is a keyed hash of the request that it came by. Both it and `words` are gone
    once the referral was erased."""

    model_config = ConfigDict(frozen=True)

    id: str
    area: GoalArea
    words: bytes | None
    asked: str | None
    agreed_at: datetime
    agreed_by: str
    reviews: tuple[Review, ...] = ()
    outcome: GoalOutcome | None = None
    closed_at: datetime | None = None
