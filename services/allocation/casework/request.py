"""What a worker may send about a case: reasons and outcomes as codes, never words."""

from typing import Annotated, Literal

from pydantic import Field

from services.allocation.documents import Incoming
from shared.events.casework import GoalResult
from shared.events.codes import ClosureReason, DeclineReason, GoalOutcome, HoldReason


class Decline(Incoming):
    """Why the worker can't take it."""

    reason: DeclineReason


class Hold(Incoming):
    """Why work rests."""

    reason: HoldReason


# What support is for. A closed list: it stands in events, which hold no words of callers. What fits
# none is `other`, and its words are in the Hub's own plan.
Goal = Literal[
    "safety",
    "safety_plan",
    "safe_relationships",
    "understanding_exploitation",
    "missing_episodes",
    "online_safety",
    "emotional_wellbeing",
    "physical_health",
    "sexual_health",
    "substance_use",
    "education_or_work",
    "family_relationships",
    "accommodation",
    "disclosure_and_justice",
    "peer_and_community",
    "other",
]


class Outcome(Incoming):
    """How far a goal was reached."""

    goal: Goal
    outcome: GoalOutcome


class Closure(Incoming):
    """The end of a case."""

    reason: ClosureReason
    outcomes: Annotated[tuple[Outcome, ...], Field(max_length=30)] = ()

    def results(self) -> tuple[GoalResult, ...]:
        """The outcomes as the record holds them."""
        return tuple(GoalResult(**outcome.model_dump()) for outcome in self.outcomes)


class Debrief(Incoming):
    """Whether it took place. What was said is nobody's business here."""

    outcome: Literal["held", "not_wanted"]
