"""What a worker may send about a case: reasons and outcomes as codes, never words."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from services.allocation.documents import Incoming
from shared.errors import Contradiction
from shared.events.codes import ClosureReason, DeclineReason, GoalArea, GoalOutcome, HoldReason


class Decline(Incoming):
    """Why the worker can't take it."""

    reason: DeclineReason


class Hold(Incoming):
    """Why work rests."""

    reason: HoldReason


class Outcome(Incoming):
    """How far a goal was reached: one that was agreed, by its id, or one of the Hub's own plan."""

    goal_id: Annotated[str, StringConstraints(pattern=r"^goal_[0-9a-f]{32}$")] | None = None
    goal: GoalArea | None = None
    outcome: GoalOutcome

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Self:
        if (self.goal_id is None) == (self.goal is None):
            raise Contradiction(
                "Name either the goal (goal_id) or what it is about (goal), one of the two."
            )
        return self


class Closure(Incoming):
    """The end of a case. Every goal that was agreed and is open needs an outcome."""

    reason: ClosureReason
    outcomes: Annotated[tuple[Outcome, ...], Field(max_length=60)] = ()


class Debrief(Incoming):
    """Whether it took place. What was said is nobody's business here."""

    outcome: Literal["held", "not_wanted"]
