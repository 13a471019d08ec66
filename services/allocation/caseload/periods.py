"""Times of a worker's life: days in London, both ends included. Pure."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from services.allocation.documents import Incoming
from shared.errors import Contradiction
from shared.rules.values import Day

LeaveKind = Literal["annual", "sickness", "parental", "study", "other"]


class Period(Incoming):
    """From a day to a day, both included; without `to` until further notice."""

    start: Day
    to: Day | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.to is not None and self.to < self.start:
            raise Contradiction("The last day is before the first: change one of them.")
        return self

    def covers(self, day: date) -> bool:
        return self.start <= day and (self.to is None or day <= self.to)


class Leave(Period):
    """Away; no new cases. Open cases stay unless they are handed over."""

    kind: LeaveKind = "annual"


class Reduction(Period):
    """Takes a share off the cap for a time (new in post, returning to work, other duties)."""

    percent: Annotated[int, Field(ge=1, le=100)]
    reason: Literal["new_in_post", "phased_return", "other_duties", "health", "other"]
