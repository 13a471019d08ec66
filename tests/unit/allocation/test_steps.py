"""Each step of a case, whole: what it changes and what it says. Its timers follow from its fields."""

from collections.abc import Callable
from typing import Any

import pytest

from services.allocation.assignment.choice import decide
from services.allocation.assignment.facts import Decision
from services.allocation.assignment.order import (
    confirm_exception,
    no_receiver,
    order,
    refuse_order,
)
from services.allocation.assignment.others import Others
from services.allocation.assignment.rule import assign, case_facts, wait
from services.allocation.assignment.view import view
from services.allocation.assignment.waiting import escalate, review, review_missed
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
from services.allocation.records import HELD, OPEN, Allocation, Order, Refusal, snapshot
from shared.errors import Refused
from shared.events.casework import GoalResult
from shared.storage.records import Change
from tests.unit.allocation.given import (
    AT,
    REFERRAL,
    allocation,
    case,
    facts,
    hub,
    later,
    of_hub,
    offered,
    outcome,
    waiting,
)

# None of its numbers is a default: a step that asked no Hub would be seen.
HUB = hub(
    duty_worker_id="wk_duty",
    weights={"mild": 4, "moderate": 6, "significant": 9},
    debrief_from="moderate",
    clocks={
        "answer_minutes": {"one_working_day": 90},
        "waiting_days": {"moderate": 5, "significant": 2},
        "review_days": 6,
        "hold_review_days": 20,
        "max_offers": 2,
    },
)
ACHIEVED = (GoalResult(goal="safe_relationships", outcome="achieved"),)
NOW = later(hours=7)


def to(worker_id: str, **changes: Any) -> Order:
    asked = {"worker_id": worker_id, "reason": "workload", "by": "hub_manager:one", "at": AT}
    return Order.model_validate({**asked, **changes})


TWO = to("wk_two")
EXCEEDS = to("wk_two", limit="exceed")
AGREED = EXCEEDS.model_copy(update={"confirmed_by": "hub_manager:two", "at": NOW})


def decision(worker_id: str = "wk_two", **changes: Any) -> Decision:
    given: dict[str, Any] = {"policy_version": "p1", "at": NOW, **changes}
    return decide(case(weight=6), of_hub(), [facts(worker_id)], **given)


MADE, DUTY = decision(), decision(kind="duty")
BY_ORDER = decision(kind="manual", ordered="wk_two")

OFFERED = offered(escalations=1)
ACCEPTED = OFFERED.but(status="accepted", accepted_at=AT, answer_by=None)
WORKING = ACCEPTED.but(status="in_progress", started_at=AT)
RESTING = WORKING.but(
    status="on_hold", hold_reason="health", held_from="in_progress", review_at=later(hours=6)
)
WAITING = waiting(escalations=1, review_at=AT).but(review_at=AT, escalate_at=AT)
ORDERED = WORKING.but(order=TWO, exception=EXCEEDS)
CLOSED = close(WORKING, "completed", ACHIEVED, HUB, AT).after
NO_HUB = allocation(hub_id=None, workers_before=("wk_zero",), escalations=1, decisions=("dec_0",))

Step = Callable[[], Change[Allocation]]
DECIDED = {
    "due_at": later(days=1),
    "decided_at": NOW,
    "policy_version": "seraf-shaped-1",
    "referral_version": 1,
}
LOST = Refusal(worker_id="wk_one", reason="no_answer", at=NOW)

# name: (from, step, what it changes, what its events say)
STEPS: dict[str, tuple[Allocation, Step, dict[str, Any], dict[str, Any]]] = {
    "accept": (
        OFFERED,
        lambda: accept(OFFERED, "wk_one", NOW),
        {
            "status": "accepted",
            "accepted_at": NOW,
            "first_accepted_at": NOW,
            "answer_by": None,
            "review_at": later(days=3, hours=7),
        },
        {"allocation.accepted": {}},
    ),
    "decline, and the next is looked for": (
        OFFERED,
        lambda: decline(OFFERED, "wk_one", "safety", HUB, NOW),
        {
            "status": "seeking",
            "worker_id": None,
            "answer_by": None,
            "workers_before": ("wk_one",),
            "refusals": (Refusal(worker_id="wk_one", reason="safety", at=NOW),),
        },
        {"allocation.declined": {"declined_by": "wk_one", "reason": "safety"}},
    ),
    "lapse, after the last offer": (
        OFFERED.but(offers=2),
        lambda: lapse(OFFERED.but(offers=2), HUB, NOW),
        {
            "status": "waiting",
            "round": 2,
            "worker_id": None,
            "answer_by": None,
            "workers_before": ("wk_one",),
            "refusals": (LOST,),
            "decided_at": NOW,
            "waiting_since": NOW,
            "review_at": later(days=6, hours=7),
            "escalate_at": later(days=5, hours=7),
            "with_manager": True,
            "escalations": 2,
        },
        {
            "allocation.lapsed": {"lapsed_with": "wk_one", "status": "seeking"},
            "allocation.waiting": {
                **DECIDED,
                "reason": "no_candidate",
                "review_at": later(days=6, hours=7),
            },
            "allocation.escalated": {"reason": "offers_exhausted", "waiting_since": NOW},
        },
    ),
    "start": (
        ACCEPTED,
        lambda: start(ACCEPTED, "wk_one", NOW),
        {"status": "in_progress", "started_at": NOW},
        {"allocation.started": {}},
    ),
    "start again keeps the first day": (
        ACCEPTED.but(started_at=AT),
        lambda: start(ACCEPTED.but(started_at=AT), "wk_one", NOW),
        {"status": "in_progress"},
        {"allocation.started": {}},
    ),
    "hold": (
        WORKING,
        lambda: hold(WORKING, "wk_one", "health", HUB, NOW),
        {
            "status": "on_hold",
            "hold_reason": "health",
            "held_from": "in_progress",
            "review_at": later(days=20, hours=7),
        },
        {"allocation.held": {"reason": "health", "review_at": later(days=20, hours=7)}},
    ),
    "hold what has not begun": (
        ACCEPTED,
        lambda: hold(ACCEPTED, "wk_one", "other", HUB, NOW),
        {
            "status": "on_hold",
            "hold_reason": "other",
            "held_from": "accepted",
            "review_at": later(days=20, hours=7),
        },
        {"allocation.held": {"reason": "other", "review_at": later(days=20, hours=7)}},
    ),
    "resume": (
        RESTING,
        lambda: resume(RESTING, "wk_one"),
        {"status": "in_progress", "hold_reason": None, "held_from": None, "review_at": None},
        {"allocation.resumed": {}},
    ),
    "resume what had not begun, as a manager": (
        RESTING.but(held_from="accepted"),
        lambda: resume(RESTING.but(held_from="accepted"), None),
        {"status": "accepted", "hold_reason": None, "held_from": None},
        {"allocation.resumed": {}},
    ),
    "close by hand, with a debrief": (
        ORDERED.but(answer_by=AT, review_at=AT, escalate_at=AT, waiting_since=AT),
        lambda: close(
            ORDERED.but(answer_by=AT, review_at=AT, escalate_at=AT, waiting_since=AT),
            "completed",
            ACHIEVED,
            HUB,
            NOW,
        ),
        {
            "status": "closed",
            "round": 2,
            "worker_id": None,
            "workers_before": ("wk_one",),
            **dict.fromkeys(("order", "exception", "answer_by", "review_at")),
            **dict.fromkeys(("escalate_at", "waiting_since")),
            "closed_at": NOW,
            "closed_with": "wk_one",
            "closure": "completed",
            "outcomes": ACHIEVED,
            "debrief": "offered",
        },
        {
            "allocation.closed": {
                "reason": "completed",
                "outcomes": ACHIEVED,
                "last_worker_id": "wk_one",
            },
            "allocation.debrief_offered": {"to_worker_id": "wk_one"},
        },
    ),
    "close without a Hub: a debrief from the highest level": (
        NO_HUB.but(level="significant"),
        lambda: close(NO_HUB.but(level="significant"), "completed", (), None, NOW, by_hand=False),
        {"status": "closed", "round": 1, "closed_at": NOW, "closure": "completed"},
        {"allocation.closed": {"reason": "completed", "outcomes": (), "last_worker_id": None}},
    ),
    "a debrief is settled": (
        CLOSED,
        lambda: note_debrief_outcome(CLOSED, "wk_one", "not_wanted"),
        {"debrief": "not_wanted"},
        {"allocation.debrief_settled": {"outcome": "not_wanted"}},
    ),
    "the level rises with a worker who may take it": (
        WORKING,
        lambda: relevel(WORKING, "significant", HUB, worker_may=True),
        {"level": "significant", "level_rank": 3},
        {
            "allocation.relevelled": {"from_level": "moderate"},
            "allocation.escalated": {"reason": "risk_rose"},
        },
    ),
    "the level rises with a worker who may not": (
        WORKING,
        lambda: relevel(WORKING, "significant", HUB, worker_may=False),
        {"level": "significant", "level_rank": 3},
        {
            "allocation.relevelled": {"from_level": "moderate"},
            "allocation.escalated": {"reason": "above_ceiling"},
        },
    ),
    "the level falls with a worker": (
        WORKING,
        lambda: relevel(WORKING, "mild", HUB, worker_may=False),
        {"level": "mild", "level_rank": 1},
        {"allocation.relevelled": {"from_level": "moderate"}},
    ),
    "the level rises while it waits": (
        WAITING,
        lambda: relevel(WAITING, "significant", HUB, worker_may=False),
        {"level": "significant", "level_rank": 3, "weight": 9},
        {"allocation.relevelled": {"from_level": "moderate"}},
    ),
    "the level rises where there is no Hub": (
        NO_HUB,
        lambda: relevel(NO_HUB, "significant", None, worker_may=False),
        {"level": "significant", "level_rank": 3},
        {"allocation.relevelled": {"from_level": "moderate"}},
    ),
    "order": (
        WORKING,
        lambda: order(WORKING.but(exception=EXCEEDS), TWO),
        {"order": TWO},
        {
            "allocation.assignment_ordered": {
                "to_worker_id": "wk_two",
                "reason": "workload",
                "by": "hub_manager:one",
                "confirmed_by": None,
            }
        },
    ),
    "an order that would pass the hard cap is asked for": (
        WORKING,
        lambda: order(WORKING, EXCEEDS),
        {"exception": EXCEEDS},
        {
            "allocation.exception_requested": {
                "to_worker_id": "wk_two",
                "reason": "workload",
                "by": "hub_manager:one",
            }
        },
    ),
    "and confirmed": (
        WORKING.but(exception=EXCEEDS),
        lambda: confirm_exception(WORKING.but(exception=EXCEEDS), "hub_manager:two", NOW),
        {"order": AGREED, "exception": None},
        {
            "allocation.assignment_ordered": {
                "to_worker_id": "wk_two",
                "reason": "workload",
                "by": "hub_manager:one",
                "confirmed_by": "hub_manager:two",
            }
        },
    ),
    "an order is refused": (
        ORDERED,
        lambda: refuse_order(ORDERED, TWO, "no_capacity", tell=False),
        {"order": None},
        {"allocation.assignment_refused": {"to_worker_id": "wk_two", "code": "no_capacity"}},
    ),
    "an order of a plan is refused, and the manager told": (
        ORDERED,
        lambda: refuse_order(ORDERED, TWO, "no_capacity", tell=True),
        {"order": None, "escalations": 2},
        {
            "allocation.assignment_refused": {"to_worker_id": "wk_two", "code": "no_capacity"},
            "allocation.escalated": {"reason": "handover_without_receiver"},
        },
    ),
    "a plan found nobody": (
        WORKING.but(flags=("over_soft_cap",)),
        lambda: no_receiver(WORKING.but(flags=("over_soft_cap",)), "wk_one", "plan_1"),
        {"escalations": 2, "flags": ("over_soft_cap", "plan_1")},
        {"allocation.escalated": {"reason": "handover_without_receiver"}},
    ),
    "assign from the queue": (
        WAITING.but(with_manager=True, workers_before=("wk_zero",), decisions=("dec_0",)),
        lambda: assign(
            WAITING.but(with_manager=True, workers_before=("wk_zero",), decisions=("dec_0",)),
            MADE,
            HUB,
            round=2,
            flags=("over_soft_cap",),
        ),
        {
            "status": "offered",
            "round": 2,
            "worker_id": "wk_two",
            "weight": 6,
            "decided_at": NOW,
            "allocated_at": NOW,
            "answer_by": later(minutes=510),
            "offers": 1,
            "flags": ("over_soft_cap",),
            "with_manager": False,
            **dict.fromkeys(("holder_id", "waiting_since", "review_at", "escalate_at")),
            "decisions": ("dec_0", MADE.id),
        },
        {
            "allocation.made": {
                **DECIDED,
                "answer_by": later(minutes=510),
                "flags": ("over_soft_cap",),
            }
        },
    ),
    "assign to the duty manager, who is not asked": (
        NO_HUB,
        lambda: assign(NO_HUB, DUTY, HUB, round=1, flags=()),
        {
            "status": "accepted",
            "round": 1,
            "worker_id": "wk_two",
            "hub_id": "hub_north",
            "weight": 6,
            "decided_at": NOW,
            "allocated_at": NOW,
            "accepted_at": NOW,
            "first_accepted_at": NOW,
            "review_at": later(days=5, hours=7),
            "offers": 1,
            "decisions": ("dec_0", DUTY.id),
        },
        {"allocation.made": DECIDED},
    ),
    "assign as ordered": (
        ORDERED,
        lambda: assign(ORDERED, BY_ORDER, HUB, round=2, flags=()),
        {
            "status": "handed_over",
            "round": 2,
            "worker_id": "wk_two",
            "workers_before": ("wk_one",),
            "weight": 6,
            "decided_at": NOW,
            "accepted_at": None,
            "answer_by": later(minutes=510),
            "offers": 2,
            "order": None,
            "exception": None,
            "decisions": (*ORDERED.decisions, BY_ORDER.id),
        },
        {
            "allocation.handed_over": {"from_worker_id": "wk_one", "reason": "workload"},
            "allocation.made": {**DECIDED, "answer_by": later(minutes=510)},
        },
    ),
    "wait where no Hub serves the area": (
        NO_HUB,
        lambda: wait(NO_HUB, MADE, None, at=NOW),
        {
            "status": "waiting",
            "round": 1,
            "decided_at": NOW,
            "waiting_since": NOW,
            "review_at": later(days=7, hours=7),
            "escalate_at": later(days=1, hours=7),
            "decisions": ("dec_0", MADE.id),
        },
        {
            "allocation.waiting": {
                **DECIDED,
                "reason": "no_hub_for_area",
                "review_at": later(days=7, hours=7),
            }
        },
    ),
    "wait, with the Hub manager told": (
        NO_HUB,
        lambda: wait(
            *(NO_HUB, None, HUB), at=NOW, holder_id="wk_duty", escalate="immediate_without_worker"
        ),
        {
            "status": "waiting",
            "round": 1,
            "hub_id": "hub_north",
            "decided_at": NOW,
            "waiting_since": NOW,
            "holder_id": "wk_duty",
            "review_at": later(days=6, hours=7),
            "escalate_at": later(days=5, hours=7),
            "escalations": 2,
        },
        {
            "allocation.waiting": {
                **DECIDED,
                "reason": "no_candidate",
                "holder_id": "wk_duty",
                "review_at": later(days=6, hours=7),
            },
            "allocation.escalated": {"reason": "immediate_without_worker", "waiting_since": NOW},
        },
    ),
    "overtake an assignment under way": (
        WAITING,
        lambda: wait(WAITING, None, HUB, at=NOW, overtake=True),
        {"round": 2},
        {
            "allocation.waiting": {
                **DECIDED,
                "decided_at": AT,
                "reason": "no_candidate",
                "holder_id": "wk_duty",
                "review_at": AT,
            }
        },
    ),
    "a review of a waiting case": (
        WAITING,
        lambda: review(WAITING, "hub_manager:one", HUB, NOW),
        {"review_at": later(days=6, hours=7)},
        {"allocation.reviewed": {"by": "hub_manager:one", "review_at": later(days=6, hours=7)}},
    ),
    "a review of a resting case": (
        RESTING,
        lambda: review(RESTING, "hub_manager:one", HUB, NOW),
        {"review_at": later(days=20, hours=7)},
        {"allocation.reviewed": {"by": "hub_manager:one", "review_at": later(days=20, hours=7)}},
    ),
    "a review where no Hub serves the area": (
        WAITING,
        lambda: review(WAITING, "hub_manager:one", None, NOW),
        {"review_at": later(days=7, hours=7)},
        {"allocation.reviewed": {"by": "hub_manager:one", "review_at": later(days=7, hours=7)}},
    ),
    "a missed review of a waiting case": (
        WAITING,
        lambda: review_missed(WAITING, HUB, NOW),
        {"review_at": later(days=6, hours=7), "escalations": 2, "overdue_since": NOW},
        {"allocation.escalated": {"reason": "review_missed", "waiting_since": AT}},
    ),
    "a missed review of a resting case": (
        RESTING,
        lambda: review_missed(RESTING, HUB, later(hours=6)),
        {
            **{"review_at": later(days=20, hours=6), "escalations": 2},
            "overdue_since": later(hours=6),
        },
        {"allocation.escalated": {"reason": "review_missed"}},
    ),
    "it waits too long": (
        WAITING,
        lambda: escalate(WAITING, HUB, NOW),
        {"escalate_at": later(days=5, hours=7), "escalations": 2, "overdue_since": NOW},
        {"allocation.escalated": {"reason": "waiting_too_long", "waiting_since": AT}},
    ),
    "it waits too long where no Hub serves the area": (
        WAITING,
        lambda: escalate(WAITING, None, NOW),
        {"escalate_at": later(days=1, hours=7), "escalations": 2, "overdue_since": NOW},
        {"allocation.escalated": {"reason": "waiting_too_long", "waiting_since": AT}},
    ),
}


@pytest.mark.parametrize("name", STEPS)
def test_a_step_changes_says_and_sets_going_just_this(name: str) -> None:
    before, step, changed, said = STEPS[name]

    assert outcome(before, step()) == {"changed": changed, "said": said}


# What is done already, or came too late, or is somebody else's, changes nothing.
NOTHING: dict[str, tuple[Allocation, Callable[[Allocation], Change[Allocation]]]] = {
    **{
        f"accepted: {a.status}": (a, lambda a: accept(a, "wk_one", NOW))
        for a in (ACCEPTED, WORKING, RESTING)
    },
    "started": (WORKING, lambda a: start(a, "wk_one", NOW)),
    "resumed": (WORKING, lambda a: resume(a, "wk_one")),
    "held for the same reason": (RESTING, lambda a: hold(a, "wk_one", "health", HUB, NOW)),
    "declined": (
        decline(OFFERED, "wk_one", "safety", HUB, AT).after,
        lambda a: decline(a, "wk_one", "safety", HUB, NOW),
    ),
    "answered meanwhile": (ACCEPTED.but(answer_by=AT), lambda a: lapse(a, HUB, NOW)),
    "no clock to answer": (OFFERED.but(answer_by=None), lambda a: lapse(a, HUB, NOW)),
    "time to answer is left": (
        OFFERED.but(answer_by=later(hours=8)),
        lambda a: lapse(a, HUB, NOW),
    ),
    "closed": (CLOSED, lambda a: close(a, "moved_away", (), HUB, NOW)),
    "debrief settled": (
        CLOSED.but(debrief="held"),
        lambda a: note_debrief_outcome(a, "wk_one", "held"),
    ),
    "closed, whatever its level": (
        CLOSED,
        lambda a: relevel(a, "significant", HUB, worker_may=True),
    ),
    "the same level": (WORKING, lambda a: relevel(a, "moderate", HUB, worker_may=True)),
    "they have it already": (WORKING, lambda a: order(a, to("wk_one"))),
    "ordered already": (ORDERED, lambda a: order(a, to("wk_two", at=NOW))),
    "asked already": (ORDERED, lambda a: order(a, to("wk_two", at=NOW, limit="exceed"))),
    "another order stands": (
        ORDERED,
        lambda a: refuse_order(a, to("wk_three"), "no_capacity", tell=True),
    ),
    "no worker of that plan": (WORKING, lambda a: no_receiver(a, "wk_two", "plan_1")),
    "told once per plan": (
        WORKING.but(flags=("plan_1",)),
        lambda a: no_receiver(a, "wk_one", "plan_1"),
    ),
    "a round too early": (WAITING, lambda a: assign(a, MADE, HUB, round=1, flags=())),
    "a round too late": (WAITING, lambda a: assign(a, MADE, HUB, round=3, flags=())),
    "it has a worker": (OFFERED, lambda a: assign(a, MADE, HUB, round=2, flags=())),
    "ordered for another": (
        ORDERED,
        lambda a: assign(a, decision("wk_three", ordered="wk_three"), HUB, round=2, flags=()),
    ),
    "closed before the order was carried out": (
        CLOSED.but(order=TWO),
        lambda a: assign(a, BY_ORDER, HUB, round=a.round + 1, flags=()),
    ),
    "waits already": (WAITING, lambda a: wait(a, None, HUB, at=NOW)),
    "has a worker, and waits for nobody": (
        OFFERED,
        lambda a: wait(a, None, HUB, at=NOW, overtake=True),
    ),
    "nobody looks at an offer": (
        OFFERED.but(review_at=AT),
        lambda a: review_missed(a, HUB, NOW),
    ),
    "looked at in time": (
        WAITING.but(review_at=later(hours=8)),
        lambda a: review_missed(a, HUB, NOW),
    ),
    "no review is due": (WAITING.but(review_at=None), lambda a: review_missed(a, HUB, NOW)),
    "it waits no longer": (OFFERED.but(escalate_at=AT), lambda a: escalate(a, HUB, NOW)),
    "it has not waited so long": (
        WAITING.but(escalate_at=later(hours=8)),
        lambda a: escalate(a, HUB, NOW),
    ),
    "no clock for waiting": (WAITING.but(escalate_at=None), lambda a: escalate(a, HUB, NOW)),
}


@pytest.mark.parametrize("name", NOTHING)
def test_a_step_that_is_past_leaves_everything_as_it_is(name: str) -> None:
    before, step = NOTHING[name]

    assert step(before) == Change(before)


@pytest.mark.parametrize(
    ("states", "step", "code"),
    [
        ({"seeking", "waiting", *HELD}, lambda a: accept(a, "wk_else", NOW), "not_yours"),
        (
            {"accepted", "in_progress", "on_hold"},
            lambda a: decline(a, "wk_one", "safety", HUB, NOW),
            "already_accepted",
        ),
        ({"offered", "handed_over", "on_hold"}, lambda a: start(a, "wk_one", NOW), "wrong_state"),
        (
            {"offered", "handed_over", "on_hold"},
            lambda a: hold(a, "wk_one", "other", HUB, NOW),
            "wrong_state",
        ),
        ({"offered", "handed_over", "accepted"}, lambda a: resume(a, "wk_one"), "wrong_state"),
        (
            {"accepted", "in_progress", "on_hold"},
            lambda a: close(a, "completed", (), HUB, NOW),
            "outcomes_needed",
        ),
        (
            {"seeking", "waiting", "offered", "handed_over"},
            lambda a: close(a, "completed", ACHIEVED, HUB, NOW),
            "wrong_state",
        ),
        ({"closed"}, lambda a: order(a, TWO), "closed"),
        (set(OPEN), lambda a: confirm_exception(a, "hub_manager:two", NOW), "no_exception_requested"),
        (
            {"closed"},
            lambda a: confirm_exception(a.but(exception=EXCEEDS), "hub_manager:two", NOW),
            "no_exception_requested",
        ),
        (
            set(OPEN),
            lambda a: confirm_exception(a.but(exception=EXCEEDS), "hub_manager:one", NOW),
            "second_person_needed",
        ),
        ({*OPEN, "closed"} - {"waiting", "on_hold"}, lambda a: review(a, "x", HUB, NOW), "nothing_to_review"),
        (
            {"closed"},
            lambda a: note_debrief_outcome(a.but(workers_before=("wk_one", "wk_two")), "wk_one", "held"),
            "no_debrief_offered",
        ),
        (
            {"closed"},
            lambda a: note_debrief_outcome(a.but(workers_before=("wk_one",)), "wk_one", "held"),
            "no_debrief_offered",
        ),
    ],
)  # fmt: skip
def test_a_step_that_may_not_be_is_refused_with_its_code(
    states: set[str], step: Callable[[Allocation], Change[Allocation]], code: str
) -> None:
    for status in states:
        with pytest.raises(Refused) as refused:
            step(OFFERED.but(status=status))
        assert refused.value.code == code, status
        if code == "wrong_state":
            assert refused.value.extra == {"status": status}


def test_every_event_says_where_the_case_stands() -> None:
    assert snapshot(ACCEPTED) == {
        "referral_id": REFERRAL,
        "subject_id": "sub_one",
        "agency_id": "ag_school",
        "hub_id": "hub_north",
        "worker_id": "wk_one",
        "status": "accepted",
        "level": "moderate",
        "urgency": "one_working_day",
        "reopenings": 0,
        "transfers": 0,
    }


def test_a_decision_knows_the_case_as_it_stands() -> None:
    needs: dict[str, Any] = {
        "settings_avoided": ("police",),
        "needs": ("trafficking",),
        "languages": ("bsl",),
        "times": ("evenings",),
    }
    refusals = tuple(Refusal(worker_id=w, reason="safety", at=AT) for w in ("wk_b", "wk_a", "wk_b"))

    before = {"_id": "ref_before", "status": "closed", "area": "northtown"}
    others = Others.of([{**before, "workers_before": ["wk_known"]}])
    known = case_facts(allocation(refusals=refusals, **needs), others)

    assert known == case(
        subject_id="sub_one",
        known_to=("wk_known",),
        related=("ref_before",),
        declined_by=("wk_a", "wk_b"),
        unsafe=(),
        **needs,
    )


def test_an_answer_shows_the_case_as_it_is_stored() -> None:
    shown = view(CLOSED, ("agency_kind:1a",), NOW).model_dump()

    assert shown.pop("instructions") == ("do_not_tell_parents",)
    assert shown.pop("worker_name") is None
    assert shown.pop("next_step") == {"step": "debrief", "by": None, "overdue": False}
    assert view(CLOSED, ("agency:ag_1",), NOW).instructions == ()

    assert shown == CLOSED.model_dump(include=set(shown))
    assert {"id", "status", "worker_id", "closure", "outcomes"} <= set(shown)


def test_each_timer_of_a_case_runs_with_its_field() -> None:
    times = {"answer_by": AT, "review_at": NOW, "escalate_at": later(days=1)}

    assert allocation(**times).timers() == {
        "answer_due": AT,
        "review_due": NOW,
        "escalate_due": later(days=1),
    }
