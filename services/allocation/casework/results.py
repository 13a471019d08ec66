"""The outcomes of a case that is closed, goal by goal. Pure."""

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

from services.allocation.casework.request import Outcome
from shared.errors import Refused
from shared.events.casework import GoalResult
from shared.events.codes import GoalArea, GoalOutcome


class KnownGoal(BaseModel):
    """A goal: of which life of the referral, and how it ended, if it did."""

    model_config = ConfigDict(frozen=True)

    id: str
    area: GoalArea
    reopenings: int
    outcome: GoalOutcome | None = None


def results(
    given: Iterable[Outcome], goals: Iterable[KnownGoal], reopenings: int
) -> tuple[GoalResult, ...]:
    """What was given, and what ended before in this life of the referral. Raises `Refused` for an open
    goal without an outcome, and for one that is none of this case or that has another outcome."""
    known, said = {goal.id: goal for goal in goals}, tuple(given)
    by_id = {one.goal_id: one.outcome for one in said if one.goal_id is not None}
    if sum(one.goal_id is not None for one in said) > len(by_id):
        raise Refused("goal_named_twice", "Each goal has one outcome.")
    if missing := sorted(g.id for g in known.values() if g.outcome is None and g.id not in by_id):
        how = "Each goal that was agreed needs an outcome: see `goals`."
        raise Refused("goals_open", how, goals=" ".join(missing))
    for goal_id, outcome in by_id.items():
        if goal_id not in known:
            raise Refused("goal_unknown", "No such goal of this case is known here, or not yet.")
        if known[goal_id].outcome not in (None, outcome):
            raise Refused("goal_closed", "This goal has another outcome.")
    agreed = [
        GoalResult(goal=goal.area, outcome=goal.outcome or by_id[goal.id], goal_id=goal.id)
        for goal in known.values()
        if goal.id in by_id or goal.reopenings == reopenings
    ]
    own = [GoalResult(goal=one.goal, outcome=one.outcome) for one in said if one.goal is not None]
    return (*own, *agreed)
