"""From the offer to the end, by workers, managers and clocks."""

import pytest

from services.allocation.assignment.choice import decide
from services.allocation.assignment.order import confirm_exception, order, refuse_order
from services.allocation.assignment.rule import assign, wait
from services.allocation.assignment.waiting import (
    QUEUE_ORDER,
    escalate,
    review,
    review_missed,
)
from services.allocation.caseload.capacity import Limit
from services.allocation.casework.transitions import (
    accept,
    close,
    decline,
    hold,
    lapse,
    note_debrief_outcome,
    relevel,
    resume,
    start,
)
from services.allocation.records import ANSWER_DUE, ESCALATE_DUE, REVIEW_DUE, Allocation, Order
from shared.errors import Refused
from shared.events.casework import GoalResult
from shared.storage.records import Change
from tests.unit.allocation.given import (
    AT,
    allocation,
    case,
    facts,
    hub,
    later,
    of_hub,
    offered,
    waiting,
)

STOPPED = {ANSWER_DUE: None, REVIEW_DUE: None, ESCALATE_DUE: None}
ACHIEVED = (GoalResult(goal="safe_relationships", outcome="achieved"),)


def types(change: Change[Allocation]) -> list[str]:
    return [event.event_type for event in change.events]


def working() -> Allocation:
    accepted = accept(offered(), "wk_one", AT).after
    return start(accepted, "wk_one", AT).after


def to(worker_id: str, limit: Limit = "hard", by: str = "hub_manager:one") -> Order:
    return Order(worker_id=worker_id, reason="workload", by=by, limit=limit, at=AT)


@pytest.mark.parametrize(
    ("urgency", "minutes"), [("immediate", 30), ("same_day", 120), ("ten_working_days", 2880)]
)
def test_the_time_to_answer_is_set_by_urgency(urgency: str, minutes: int) -> None:
    made = decide(case(urgency=urgency), of_hub(), [facts()], policy_version="p1", at=AT)

    change = assign(allocation(urgency=urgency), made, hub(), round=1, flags=())

    assert change.after.timers()[ANSWER_DUE] == change.after.answer_by == later(minutes=minutes)
    assert types(change) == ["allocation.made"]


def test_only_the_placing_of_the_next_round_takes_over_and_only_once() -> None:
    made = decide(case(), of_hub(), [facts()], policy_version="p1", at=AT)
    once = assign(allocation(), made, hub(), round=1, flags=()).after

    assert assign(once, made, hub(), round=1, flags=()).events == ()
    assert assign(once, made, hub(), round=2, flags=()).events == (), "it has its worker"
    assert assign(allocation(), made, hub(), round=2, flags=()).events == ()


def test_accepting_stops_the_clock_and_twice_is_once() -> None:
    accepted = accept(offered(), "wk_one", later(hours=1))

    begins = {**STOPPED, "review_due": later(days=3, hours=1)}
    assert (accepted.after.status, accepted.after.timers()) == ("accepted", begins)
    assert accept(accepted.after, "wk_one", later(hours=2)).events == ()


def test_what_was_accepted_and_not_begun_is_told_and_told_again_until_work_begins() -> None:
    """As long as a waiting case of the level may wait: three days, as the Hub says here."""
    accepted = accept(offered(), "wk_one", AT, hub()).after

    early = review_missed(accepted, hub(), later(days=2, hours=23))
    late = review_missed(accepted, hub(), later(days=3))
    again = review_missed(late.after, hub(), later(days=6))
    begun = start(again.after, "wk_one", later(days=6)).after

    assert early.events == ()
    assert [e.model_dump()["reason"] for e in (*late.events, *again.events)] == ["not_begun"] * 2
    assert begun.timers() == STOPPED


def test_nobody_else_can_accept_or_work_on_it() -> None:
    with pytest.raises(Refused, match="not_yours"):
        accept(offered(), "wk_two", AT)
    with pytest.raises(Refused, match="not_yours"):
        start(offered(), "wk_two", AT)
    with pytest.raises(Refused, match="not_yours"):
        decline(offered(), "wk_two", "safety", hub(), AT)


def test_who_declines_is_not_asked_again_and_the_next_is_looked_for() -> None:
    declined = decline(offered(), "wk_one", "no_capacity", hub(), AT)

    assert (declined.after.status, declined.after.worker_id) == ("seeking", None)
    assert [r.worker_id for r in declined.after.refusals] == ["wk_one"]
    assert types(declined) == ["allocation.declined"]
    assert decline(declined.after, "wk_one", "no_capacity", hub(), AT).events == ()


def test_an_answer_that_does_not_come_in_time_lapses_and_one_that_came_does_not() -> None:
    offer, accepted = offered(), accept(offered(), "wk_one", AT).after

    assert lapse(offer, hub(), later(minutes=239)).events == ()
    assert types(lapse(offer, hub(), later(minutes=240))) == ["allocation.lapsed"]
    assert lapse(accepted, hub(), later(days=9)).events == ()


def test_after_the_last_offer_it_goes_to_the_hub_manager() -> None:
    last = offered(offers=2)

    change = decline(last, "wk_one", "not_my_field", hub(), AT)

    assert types(change) == ["allocation.declined", "allocation.waiting", "allocation.escalated"]
    assert (change.after.status, change.after.with_manager) == ("waiting", True)
    assert change.after.holder_id is None


def test_an_accepted_case_is_not_declined_but_handed_over() -> None:
    with pytest.raises(Refused, match="already_accepted"):
        decline(working(), "wk_one", "no_capacity", hub(), AT)


def test_work_may_rest_and_go_on() -> None:
    resting = hold(working(), "wk_one", "young_person_away", hub(), AT)
    going_on = resume(resting.after, "wk_one")

    assert resting.after.status == "on_hold"
    assert resting.after.timers() == {**STOPPED, REVIEW_DUE: later(days=28)}
    assert (going_on.after.status, going_on.after.timers()) == ("in_progress", STOPPED)
    with pytest.raises(Refused, match="wrong_state"):
        hold(offered(), "wk_one", "health", hub(), AT)


def test_a_completed_case_has_an_outcome_for_each_goal() -> None:
    with pytest.raises(Refused, match="outcomes_needed"):
        close(working(), "completed", (), hub(), AT)

    closed = close(working(), "completed", ACHIEVED, hub(), AT)

    assert (closed.after.status, closed.after.worker_id) == ("closed", None)
    assert closed.after.outcomes == ACHIEVED
    assert closed.after.timers() == STOPPED, "every clock stops"
    assert close(closed.after, "completed", ACHIEVED, hub(), AT).events == ()


def test_closing_overtakes_a_placing_under_way() -> None:
    made = decide(case(), of_hub(), [facts()], policy_version="p1", at=AT)
    closed = close(waiting(), "referral_withdrawn", (), hub(), AT).after

    assert assign(closed, made, hub(), round=2, flags=()).events == ()
    assert closed.round == 2, "what is reserved for that round is a stray"


def test_after_high_risk_work_a_debrief_is_offered_and_only_that_is_kept() -> None:
    closed = close(offered(level="significant"), "not_engaged", (), hub(), AT)
    lower = close(offered(), "not_engaged", (), hub(), AT)

    assert types(closed) == ["allocation.closed", "allocation.debrief_offered"]
    assert types(lower) == ["allocation.closed"]
    settled = note_debrief_outcome(closed.after, "wk_one", "held")
    assert settled.after.debrief == "held"
    with pytest.raises(Refused, match="no_debrief_offered"):
        note_debrief_outcome(closed.after, "wk_two", "held")


def test_a_level_that_rises_tells_the_manager_and_reorders_the_queue() -> None:
    held = relevel(offered(), "significant", hub(), worker_may=False)
    queued = relevel(waiting(), "significant", hub(), worker_may=True)

    assert types(held) == ["allocation.relevelled", "allocation.escalated"]
    assert held.after.weight == 3, "what is reserved stays until the next assignment"
    assert types(queued) == ["allocation.relevelled"]
    assert (queued.after.weight, queued.after.level_rank) == (5, 3)
    assert relevel(queued.after, "significant", hub(), worker_may=True).events == ()


def test_waiting_has_a_holder_a_weekly_review_and_an_escalation_clock() -> None:
    change = wait(allocation(), None, hub(), at=AT, holder_id="wk_duty")

    assert change.after.holder_id == "wk_duty"
    assert change.after.timers() == {
        ANSWER_DUE: None,
        REVIEW_DUE: later(days=7),
        ESCALATE_DUE: later(days=3),
    }
    assert wait(change.after, None, hub(), at=AT).events == ()


def test_waiting_too_long_is_escalated_again_and_again_but_once_each_time() -> None:
    first = escalate(waiting(), hub(), later(days=3))
    second = escalate(first.after, hub(), later(days=6))

    assert escalate(waiting(), hub(), later(days=2)).events == ()
    assert types(first) == types(second) == ["allocation.escalated"]
    assert escalate(first.after, hub(), later(days=3)).events == ()
    assert second.after.escalations == 2


def test_a_review_moves_the_clock_and_a_missed_one_is_escalated() -> None:
    reviewed = review(waiting(), "hub_manager:one", hub(), later(days=5))

    assert reviewed.after.timers() == {**waiting().timers(), REVIEW_DUE: later(days=12)}
    assert review_missed(reviewed.after, hub(), later(days=7)).events == ()
    missed = review_missed(reviewed.after, hub(), later(days=12))
    assert types(missed) == ["allocation.escalated"]
    assert review_missed(missed.after, hub(), later(days=12)).events == ()
    with pytest.raises(Refused, match="nothing_to_review"):
        review(offered(), "hub_manager:one", hub(), AT)


def place_in_line(a: Allocation) -> tuple[object, ...]:
    fields = a.model_dump() | {"_id": a.id}
    return tuple(
        fields[name] if direction > 0 else -fields[name] for name, direction in QUEUE_ORDER
    )


def test_the_queue_is_by_level_then_urgency_then_time() -> None:
    first = waiting(id="ref_a", level="significant", urgency="ten_working_days")
    second = waiting(id="ref_b", level="mild", urgency="same_day")
    fourth = waiting(id="ref_c", level="mild", urgency="one_working_day")
    third = fourth.but(id="ref_d", waiting_since=later(days=-1))

    in_line = sorted([fourth, third, second, first], key=place_in_line)

    assert [a.id for a in in_line] == ["ref_a", "ref_b", "ref_d", "ref_c"]
    assert [direction for _, direction in QUEUE_ORDER] == [-1, -1, 1, 1]


def test_a_manager_hands_a_case_over_and_the_new_worker_is_asked() -> None:
    ordered = order(working(), to("wk_two"))
    made = decide(
        case(), of_hub(), [facts("wk_two")], ordered="wk_two", kind="manual",
        policy_version="p1", at=AT,
    )  # fmt: skip
    moved = assign(ordered.after, made, hub(), round=2, flags=())

    assert types(ordered) == ["allocation.assignment_ordered"]
    assert ordered.after.worker_id == "wk_one", "until it is carried out"
    assert types(moved) == ["allocation.handed_over", "allocation.made"]
    assert (moved.after.status, moved.after.worker_id) == ("handed_over", "wk_two")
    assert accept(moved.after, "wk_two", AT).after.status == "accepted"
    assert order(moved.after, to("wk_two")).events == ()


def test_an_order_that_can_not_be_carried_out_leaves_everything_as_it_was() -> None:
    ordered = order(working(), to("wk_two")).after

    refused = refuse_order(ordered, to("wk_two"), "no_capacity", tell=False)

    assert types(refused) == ["allocation.assignment_refused"]
    assert (refused.after.worker_id, refused.after.order) == ("wk_one", None)
    assert refuse_order(refused.after, to("wk_two"), "no_capacity", tell=False).events == ()


def test_passing_the_hard_cap_takes_a_second_person() -> None:
    asked = order(working(), to("wk_two", limit="exceed"))

    assert types(asked) == ["allocation.exception_requested"]
    assert asked.after.order is None, "nothing happens yet"
    with pytest.raises(Refused, match="second_person_needed"):
        confirm_exception(asked.after, "hub_manager:one", AT)
    confirmed = confirm_exception(asked.after, "hub_manager:two", AT)
    assert confirmed.after.order is not None
    assert confirmed.after.order.confirmed_by == "hub_manager:two"
    with pytest.raises(Refused, match="no_exception_requested"):
        confirm_exception(confirmed.after, "hub_manager:two", AT)
