"""Which outcomes a closed case has: every goal that was agreed has one, given now or before."""

from random import choice, randint, random, sample
from typing import Any, get_args

import pytest

from services.allocation.casework.request import Closure, Outcome
from services.allocation.casework.results import KnownGoal, results
from shared.errors import Refused
from shared.events.casework import GoalResult
from shared.events.codes import GoalArea, GoalOutcome
from tests.harness.cases import every_case

LIFE = 1


def goal_id(number: int) -> str:
    return f"goal_{number:032x}"


def known() -> list[KnownGoal]:
    """Goals of chance: of this life and the one before, open or ended."""
    return [
        KnownGoal(
            id=goal_id(number),
            area=choice(get_args(GoalArea)),
            reopenings=randint(0, LIFE),
            outcome=choice(get_args(GoalOutcome)) if random() < 0.5 else None,
        )
        for number in range(randint(0, 8))
    ]


def given(goals: list[KnownGoal]) -> list[Outcome]:
    return [Outcome(goal_id=g.id, outcome=choice(get_args(GoalOutcome))) for g in goals]


def refusal(outcomes: list[Outcome], goals: list[KnownGoal]) -> tuple[str, dict[str, Any]]:
    with pytest.raises(Refused) as refused:
        results(outcomes, goals, LIFE)
    return refused.value.code, refused.value.extra


@every_case(range(60))
def test_every_goal_that_was_agreed_has_its_outcome(number: int) -> None:
    goals = known()[:number]
    left = [g for g in goals if g.outcome is None]
    said = given(left)
    own = [Outcome(goal="other", outcome="achieved")] * randint(0, 2)

    found = results(sample([*said, *own], len(said) + len(own)), goals, LIFE)

    told = {one.goal_id: one.outcome for one in said}
    expected = {
        g.id: GoalResult(goal=g.area, outcome=g.outcome or told[g.id], goal_id=g.id)
        for g in goals
        if g.outcome is None or g.reopenings == LIFE
    }
    assert {one.goal_id: one for one in found if one.goal_id} == expected
    assert [one.goal for one in found if not one.goal_id] == ["other"] * len(own)
    for lacks in left:
        code, extra = refusal([one for one in said if one.goal_id != lacks.id], goals)
        assert (code, extra) == ("goals_open", {"goals": lacks.id})


def test_an_outcome_is_of_a_goal_of_this_case_and_stands_once() -> None:
    ended = KnownGoal(id=goal_id(1), area="safety", reopenings=LIFE, outcome="achieved")
    same, other = (
        Outcome(goal_id=goal_id(1), outcome="achieved"),
        Outcome(goal_id=goal_id(1), outcome="not_pursued"),
    )

    assert len(results([same], [ended], LIFE)) == 1
    assert refusal([other], [ended])[0] == "goal_closed"
    assert refusal([same, same], [ended])[0] == "goal_named_twice"
    assert refusal([same], [])[0] == "goal_unknown"
    assert results([], [], LIFE) == ()


def test_an_outcome_names_a_goal_by_its_id_or_by_its_area() -> None:
    for goal in ({}, {"goal": "safety", "goal_id": goal_id(1)}):
        with pytest.raises(ValueError, match="either"):
            Closure.model_validate(
                {"reason": "completed", "outcomes": [{**goal, "outcome": "achieved"}]}
            )
