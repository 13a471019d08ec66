"""The life of a referral: the table, and what follows from it."""

import contextlib
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from services.referral.lifecycle.responsible import WATCHES, responsible
from services.referral.lifecycle.responsible import table as whose_table
from services.referral.lifecycle.states import (
    AT_CASE,
    OPEN,
    TABLE,
    Command,
    Move,
    Who,
    follow_allocation,
    move,
    overdue,
)
from services.referral.records import ENDED, RESPONSE_DUE, Referral
from shared.errors import Malformed, Refused
from shared.events.codes import ReferralStatus, RiskLevel, StatusReason
from tests.harness import alike
from tests.harness.cases import every_case
from tests.unit.test_referral_rules import AT, received

STATES: tuple[ReferralStatus, ...] = get_args(ReferralStatus)


def first_reason(command: Command) -> StatusReason | None:
    return min(TABLE[command].reasons, default=None)


def given(command: Command) -> Move:
    return Move(command, first_reason(command), min(TABLE[command].outcomes, default=None))


@every_case(product(STATES, get_args(Command)))
def test_a_command_works_from_exactly_the_states_of_its_row(
    state: ReferralStatus, command: Command
) -> None:
    step = TABLE[command]
    before = received().but(status=state)

    if state in step.states:
        after = move(before, given(command), step.who[0], AT).after
        assert (after.status, after.reason) == (step.to, first_reason(command))
    elif command == "close" and state in AT_CASE:
        with pytest.raises(Refused, match="decided_at_the_case"):
            move(before, given(command), step.who[0], AT)
    elif (state, before.reason) == (step.to, first_reason(command)):
        assert move(before, given(command), step.who[0], AT).events == ()  # carried out already
    else:
        with pytest.raises(Refused, match="not_from_here"):
            move(before, given(command), step.who[0], AT)


@pytest.mark.parametrize("command", get_args(Command))
def test_nobody_takes_a_step_that_is_for_the_other_side(command: Command) -> None:
    step = TABLE[command]
    for who in {"referrer", "hub"} - set(step.who):
        with pytest.raises(Refused) as caught:
            move(received().but(status=min(step.states)), given(command), who, AT)  # type: ignore[arg-type]
        assert caught.value.code == "not_yours_to_do"


@pytest.mark.parametrize("command", [c for c in get_args(Command) if TABLE[c].reasons])
def test_a_negative_step_needs_one_of_its_reasons(command: Command) -> None:
    step = TABLE[command]
    before = received().but(status=min(step.states))
    stranger = next(r for r in get_args(StatusReason) if r not in step.reasons)

    for reason in (None, stranger):
        with pytest.raises(Malformed) as caught:
            move(before, Move(command, reason), step.who[0], AT)
        assert caught.value.pointer == "/reason"


def test_every_negative_outcome_carries_its_reason_to_the_referrer() -> None:
    (event,) = move(received(), Move("reject", "out_of_area"), "hub", AT).events

    assert event.model_dump()["reason"] == "out_of_area"
    assert event.model_dump()["previous"] == "received"


def test_an_answer_stops_the_response_clock_and_reopening_starts_it_again() -> None:
    rejected = move(received(), Move("reject", "out_of_area"), "hub", AT)
    screened = move(received(), Move("screen"), "hub", AT)
    reopened = move(rejected.after, Move("reopen", "new_information"), "referrer", AT)

    assert rejected.after.timers()[RESPONSE_DUE] is None
    assert screened.after.timers() == received().timers()
    assert reopened.after.timers()[RESPONSE_DUE] == reopened.after.due_at
    assert not reopened.after.overdue


def test_closing_needs_an_outcome_and_nothing_else_takes_one() -> None:
    with pytest.raises(Malformed):
        move(received(), Move("close"), "hub", AT)
    with pytest.raises(Malformed):
        move(received(), Move("accept", outcome="other"), "hub", AT)


def test_goals_have_an_outcome_where_somebody_worked_on_them_and_are_closed_there() -> None:
    with pytest.raises(Malformed, match=r"^outcome_not_allowed$"):
        move(received(), Move("close", outcome="goals_achieved"), "hub", AT)
    for state in AT_CASE:
        with pytest.raises(Refused) as refused:
            move(received().but(status=state), Move("close", outcome="other"), "hub", AT)
        assert refused.value.extra == {"state": state, "door": "/v1/allocations/ref_1/closure"}


def test_what_allocation_decided_in_the_life_before_does_not_end_the_one_that_began() -> None:
    ended = move(received(), Move("withdraw", "other"), "hub", AT).after
    begun = move(ended, Move("reopen", "other"), "referrer", AT).after
    case: dict[str, Any] = {"hub_id": "hub_1", "worker_id": None, "level": "mild"}

    late = follow_allocation(begun, "closed", 3, AT, **case, reopenings=0).after
    of_now = follow_allocation(late, "waiting", 4, AT, **case, reopenings=1).after
    of_before = follow_allocation(begun, "closed", 3, AT, **case)  # an event of before says nothing

    assert (late.status, of_now.status, of_before.after.status) == ("received", "waiting", "closed")


def test_the_newest_decision_of_allocation_counts_and_an_ended_referral_stays_ended() -> None:
    waits = follow_allocation(
        received(), "waiting", 2, AT, hub_id="hub_1", worker_id=None, level="mild"
    )
    late = follow_allocation(
        waits.after, "allocated", 1, AT, hub_id="hub_1", worker_id="w", level="mild"
    )
    made = follow_allocation(
        waits.after, "allocated", 4, AT, hub_id="hub_1", worker_id="w", level="mild"
    )
    ended = follow_allocation(
        received().but(status="withdrawn", reason="moved_away"),
        "allocated",
        3,
        AT,
        hub_id="hub_1",
        worker_id="w",
        level="mild",
    )

    assert (waits.after.status, late.events, made.after.status) == ("waiting", (), "allocated")
    assert (ended.after.status, ended.after.reason) == ("withdrawn", "moved_away")


ALLOCATED = st.tuples(
    st.sampled_from(["waiting", "allocated", "in_progress", "on_hold"]),
    st.sampled_from(["hub_1", "hub_2"]),
    st.sampled_from([None, "wk_1", "wk_2"]),
    st.sampled_from(get_args(RiskLevel)),
)


@for_all(st.lists(ALLOCATED, min_size=1, max_size=6), st.booleans(), st.data())
def test_decisions_of_allocation_in_any_order_and_repeated_end_in_the_same_state(
    history: list[tuple[Any, str, Any, Any]], closed: bool, data: st.DataObject
) -> None:
    events = [(version, *event) for version, event in enumerate(history, start=1)]
    if closed:
        events.append((len(events) + 1, "closed", "hub_1", None, "mild"))
    mixed = data.draw(st.permutations(events + data.draw(st.lists(st.sampled_from(events)))))

    def after(heard: list[tuple[int, Any, str, Any, Any]]) -> Referral:
        referral = received()
        for version, status, hub, worker, level in heard:
            referral = follow_allocation(
                referral, status, version, AT, hub_id=hub, worker_id=worker, level=level
            ).after
        return referral

    assert after(mixed) == after(events)


def test_every_state_is_open_ended_or_an_error() -> None:
    assert set(STATES) == OPEN | ENDED
    assert not OPEN & ENDED


def test_the_document_shows_the_table_as_it_is() -> None:
    text = (Path(__file__).parents[2] / "docs" / "states.md").read_text("utf-8")

    assert table() in text, "write what tests.unit.test_states.table() gives into docs/states.md"


def table() -> str:
    """The table as Markdown."""
    rows = ["| step | from | by | reasons | to |", "|---|---|---|---|---|"]
    for command, step in TABLE.items():
        states = ", ".join(s for s in STATES if s in step.states)
        reasons = ", ".join(sorted(step.reasons)) or ("outcome" if step.outcomes else "–")
        rows.append(f"| {command} | {states} | {', '.join(step.who)} | {reasons} | {step.to} |")
    return "\n".join(rows)


def test_the_document_shows_whose_a_referral_is_in_each_state() -> None:
    text = (Path(__file__).parents[2] / "docs" / "states.md").read_text("utf-8")

    assert whose_table() in text, (
        "write what lifecycle.responsible.table() gives into docs/states.md"
    )
    assert set(WATCHES) == OPEN


STEPS = st.one_of(
    st.tuples(
        st.just("step"), st.sampled_from(sorted(TABLE)), st.sampled_from(["hub", "referrer"])
    ),
    st.tuples(st.just("case"), ALLOCATED, st.sampled_from([None, "wk_duty"])),
)


@for_all(st.lists(STEPS, max_size=12))
def test_an_open_referral_is_somebodys_after_every_step_and_a_clock_runs_or_a_case(
    lived: list[Any],
) -> None:
    referral = received()
    for version, (kind, what, more) in enumerate(lived, start=1):
        if kind == "case":
            status, hub_id, worker_id, level = what
            referral = follow_allocation(
                referral, status, version, AT,
                hub_id=hub_id, worker_id=worker_id, holder_id=more, level=level,
            ).after  # fmt: skip
        else:
            with contextlib.suppress(Refused, Malformed):
                referral = move(referral, given(what), more, AT).after
        found = responsible(referral, left=False)
        kept = responsible(referral, left=True)
        assert kept is None or kept.kind != "worker"
        assert (found is None) == (referral.status in ENDED)
        if found is None:
            continue
        theirs = {"worker": {referral.worker_id, referral.holder_id}, "hub": {referral.hub_id}}
        theirs |= {"operators": {None}, "referrer": {referral.agency_id}}
        assert found.id in theirs[found.kind]
        # A clock of its own, or of the case that allocation has of it.
        clock = referral.timers()["response_due"]
        assert (clock is not None) == (referral.status in ("received", "screening", "returned"))


def test_a_returned_referral_has_a_clock_of_its_own_and_tells_when_it_has_run_out() -> None:
    later_ = AT + timedelta(days=30)

    returned = move(received(), Move("return", "insufficient_information"), "hub", later_).after
    late = overdue(returned, returned.due_at)

    assert returned.due_at > later_
    assert overdue(returned, returned.due_at - timedelta(seconds=1)).events == ()
    assert [(e.event_type, e.model_dump()["status"]) for e in late.events] == [
        ("referral.overdue", "returned")
    ]
    assert "was not sent again with what was asked for in time" in late.events[0].tells()


def test_the_document_shows_how_a_referral_and_its_case_stand() -> None:
    text = (Path(__file__).parents[2] / "docs" / "states.md").read_text("utf-8")

    assert alike.table() in text, "write what tests.harness.alike.table() gives into docs/states.md"


@pytest.mark.parametrize("who", ["referrer", "hub"])
def test_an_erased_referral_is_not_reopened(who: Who) -> None:
    rejected = move(received(), Move("reject", "out_of_area"), "hub", AT).after

    with pytest.raises(Refused, match=r"^erased$"):
        move(rejected.but(erased_at=AT), Move("reopen", "new_information"), who, AT)
