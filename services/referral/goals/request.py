"""What is sent about goals, and how they are shown."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.referral.documents import Incoming
from services.referral.goals.goal import Goal
from shared.events.codes import GoalArea, GoalOutcome, GoalProgress

MAX_WORDS = 2_000


class GoalEntry(Incoming):
    """What the young person wants to come of the work, as they say it."""

    area: GoalArea
    words: Annotated[str, StringConstraints(min_length=1, max_length=MAX_WORDS)] = Field(
        description="In their words. Personal: encrypted, for the worker on the case and the Hub."
    )


class GoalReviewEntry(Incoming):
    """How far it is, as the young person sees it."""

    progress: GoalProgress


class GoalClosure(Incoming):
    """How it ended."""

    outcome: GoalOutcome


class ReviewView(BaseModel):
    """A look at it together."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    progress: GoalProgress
    at: datetime
    by: str


class GoalView(BaseModel):
    """How a goal stands."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    area: GoalArea
    agreed_at: datetime
    agreed_by: str
    reviews: list[ReviewView]
    outcome: GoalOutcome | None
    closed_at: datetime | None


class GoalRead(GoalView):
    """The same with the words; null once the referral was erased."""

    words: str | None


class Goals(BaseModel):
    """All goals of a referral, in the order in which they were agreed."""

    goals: list[GoalRead]


def read(goal: Goal, words: str | None) -> GoalRead:
    """A goal as whoever may read it sees it."""
    return GoalRead(**GoalView.model_validate(goal).model_dump(), words=words)
