"""Goals: agreed while a worker has the case, reviewed, each with an outcome at the end. Pure."""

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Any

from services.referral.goals.goal import Goal, Review
from services.referral.records import Referral, not_erased
from shared.errors import Mismatch, NotFound, Refused
from shared.events.casework import GoalResult
from shared.events.codes import GoalOutcome
from shared.events.goals import GoalAgreed, GoalClosed, GoalReviewed
from shared.storage.records import Change, changed, in_turn, unchanged

MAX_GOALS = 30
MAX_REVIEWS = 100
# While a worker has the case.
AT_WORK = ("allocated", "in_progress", "on_hold")


def agree(referral: Referral, goal: Goal) -> Change[Referral]:
    """One more goal. The same request again adds none; raises `Mismatch` where it says something
    else, `Refused` where nobody has begun to work or there are too many."""
    known = next((each for each in referral.goals if each.id == goal.id), None)
    if known is not None:
        if known.asked != goal.asked:
            raise Mismatch
        return unchanged(referral)
    _at_work(referral)
    if len(referral.goals) >= MAX_GOALS:
        raise Refused("too_many_goals", f"At most {MAX_GOALS} goals, ended ones included.")
    event = GoalAgreed(**_about(referral, goal))
    return changed(referral, event, goals=(*referral.goals, goal))


def review(referral: Referral, goal_id: str, said: Review) -> Change[Referral]:
    """What a look together found. The same request again adds nothing."""
    goal = found(referral, goal_id)
    known = next((each for each in goal.reviews if each.id == said.id), None)
    if known is not None:
        if known.progress != said.progress:
            raise Mismatch
        return unchanged(referral)
    _at_work(referral)
    _open(goal)
    if len(goal.reviews) >= MAX_REVIEWS:
        raise Refused("too_many_reviews", f"At most {MAX_REVIEWS} reviews of one goal.")
    event = GoalReviewed(**_about(referral, goal), progress=said.progress)
    return _with(referral, goal, event, reviews=(*goal.reviews, said))


def close(referral: Referral, goal_id: str, outcome: GoalOutcome, at: datetime) -> Change[Referral]:
    """How it ended, also after the referral has. The same again changes nothing; raises `Refused`
    where it ended otherwise."""
    goal = found(referral, goal_id)
    if goal.outcome == outcome:
        return unchanged(referral)
    _open(goal)
    event = GoalClosed(**_about(referral, goal), outcome=outcome)
    return _with(referral, goal, event, outcome=outcome, closed_at=at)


def close_with_case(
    referral: Referral, results: Iterable[GoalResult], at: datetime
) -> Change[Referral]:
    """What was said of its open goals as its case was closed."""
    said = {result.goal_id: result.outcome for result in results}
    ended = [goal.id for goal in open_goals(referral) if goal.id in said]
    return in_turn(referral, *(partial(close, goal_id=i, outcome=said[i], at=at) for i in ended))


def found(referral: Referral, goal_id: str) -> Goal:
    """That goal. Raises `NotFound`."""
    for goal in referral.goals:
        if goal.id == goal_id:
            return goal
    raise NotFound("goal")


def open_goals(referral: Referral) -> tuple[Goal, ...]:
    """Those that have no outcome yet."""
    return tuple(goal for goal in referral.goals if goal.outcome is None)


def _at_work(referral: Referral) -> None:
    not_erased(referral)
    if referral.status not in AT_WORK:
        how = "Goals are agreed and reviewed while a worker has the case."
        raise Refused("not_from_here", how, state=referral.status)


def _open(goal: Goal) -> None:
    if goal.outcome is not None:
        raise Refused("goal_closed", "This goal has its outcome; agree a new one.")


def _about(referral: Referral, goal: Goal) -> dict[str, Any]:
    return {
        "referral_id": referral.id,
        "subject_id": referral.subject_id,
        "goal_id": goal.id,
        "area": goal.area,
        "reopenings": referral.reopenings,
    }


def _with(referral: Referral, goal: Goal, event: Any, **fields: Any) -> Change[Referral]:
    after = goal.model_copy(update=fields)
    return changed(
        referral, event, goals=tuple(after if g.id == goal.id else g for g in referral.goals)
    )
