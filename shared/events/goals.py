"""Events of what a young person wants to come of the work. Ids and codes: their words stay where they
are kept."""

from typing import ClassVar

from shared.events import EventData
from shared.events.codes import GoalArea, GoalOutcome, GoalProgress
from shared.events.declared import Parties, plain


class AboutGoal(EventData):
    """One goal. `reopenings` says in which life of the referral."""

    referral_id: str
    subject_id: str
    goal_id: str
    area: GoalArea
    reopenings: int

    def parties(self) -> Parties:
        return Parties(referral_id=self.referral_id, subjects=(self.subject_id,))


class GoalAgreed(AboutGoal):
    """A goal was agreed with the young person."""

    event_type: ClassVar[str] = "goal.agreed"
    heard_by: ClassVar[tuple[str, ...]] = ("allocation.referrals",)

    def says(self, by: str) -> str:
        return (
            f"{by} agreed a goal of {self.referral_id} with the young person: {plain(self.area)}."
        )


class GoalReviewed(AboutGoal):
    """The young person and their worker looked at it again."""

    event_type: ClassVar[str] = "goal.reviewed"

    progress: GoalProgress

    def says(self, by: str) -> str:
        return (
            f"{by} reviewed a goal of {self.referral_id} ({plain(self.area)}):"
            f" {plain(self.progress)}."
        )


class GoalClosed(AboutGoal):
    """It has an outcome."""

    event_type: ClassVar[str] = "goal.closed"
    heard_by: ClassVar[tuple[str, ...]] = ("allocation.referrals",)

    outcome: GoalOutcome

    def says(self, by: str) -> str:
        return (
            f"A goal of {self.referral_id} ({plain(self.area)}) ended, says {by}:"
            f" {plain(self.outcome)}."
        )
