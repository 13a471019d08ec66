"""What a case needs next: a step, its time, and whether that time has passed unheeded."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, get_args

import pytest

from services.allocation.assignment.waiting import escalate, review, review_missed
from services.allocation.casework.next_step import OF_STATUS, Next, next_step
from services.allocation.casework.transitions import accept, close, hold, resume, start
from services.allocation.leaving.rule import LEFT, leave_behind, still_left, take_up_again
from services.allocation.records import HELD, Allocation, Status
from tests.unit.allocation.given import AT, allocation, hub, later, offered, waiting

HUB = hub()
OFFERED = offered()
ACCEPTED = accept(OFFERED, "wk_one", AT, HUB).after
RESTING = hold(ACCEPTED, "wk_one", "health", HUB, AT).after
MUCH_LATER = later(days=300)


def said(of: Allocation, at: datetime = AT) -> tuple[Any, ...]:
    found = next_step(of, at)
    assert found is not None
    return found.step, found.by, found.overdue


@pytest.mark.parametrize("status", get_args(Status))
def test_each_state_has_its_step_and_its_time_is_late_once_it_has_passed(status: Status) -> None:
    times = {"answer_by": later(hours=1), "review_at": later(hours=2)}
    case = allocation(status=status, **times)
    if status == "closed":
        assert next_step(case, AT) is None
        offer = next_step(case.but(debrief="offered"), MUCH_LATER)
        assert offer == Next(step="debrief", by=None, overdue=False)
        return
    step, clock = OF_STATUS[status]
    by = times[clock] if clock else None

    assert said(case) == (step, by, False)
    assert said(case, MUCH_LATER) == (step, by, by is not None)


def test_a_case_with_the_manager_is_to_be_assigned_and_one_left_behind_to_be_handed_over() -> None:
    assert said(waiting().but(with_manager=True))[0] == "assign"
    for status in HELD:
        left = allocation(status=status, flags=(LEFT,), escalate_at=later(hours=1))
        assert said(left, later(hours=2)) == ("hand_over", later(hours=1), True)


WAITS = waiting(review_at=AT).but(review_at=AT, escalate_at=AT)
LEFT_BEHIND = leave_behind(ACCEPTED, "wk_one", HUB, AT).after
# A case, how a clock of it runs out, and what takes the step.
HEEDED: dict[str, tuple[Allocation, Callable[..., Any], Callable[[Allocation], Any]]] = {
    "looked at": (WAITS, review_missed, lambda a: review(a, "hub_manager:one", HUB, MUCH_LATER)),
    "looked at, resting": (RESTING, review_missed, lambda a: review(a, "x", HUB, MUCH_LATER)),
    "closed": (WAITS, escalate, lambda a: close(a, "moved_away", (), HUB, MUCH_LATER)),
    "begun": (ACCEPTED, review_missed, lambda a: start(a, "wk_one", MUCH_LATER)),
    "held": (ACCEPTED, review_missed, lambda a: hold(a, "wk_one", "health", HUB, MUCH_LATER)),
    "resumed": (RESTING, review_missed, lambda a: resume(a, "wk_one")),
    "taken up": (LEFT_BEHIND, still_left, lambda a: take_up_again(a, "wk_one")),
}


@pytest.mark.parametrize("name", HEEDED)
def test_what_was_missed_is_overdue_until_the_step_is_taken(name: str) -> None:
    case, runs_out, taken = HEEDED[name]
    missed = runs_out(case, HUB, later(days=250)).after
    again = runs_out(missed, HUB, later(days=299)).after

    assert not said(case)[2]
    # The clock was set anew: what is late is late all the same, since it ran out first.
    assert said(missed, later(days=250))[2]
    assert again.overdue_since == later(days=250)
    assert taken(again).after.overdue_since is None
