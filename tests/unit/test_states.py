"""The life of a referral: the table, and what follows from it."""

from pathlib import Path
from typing import get_args

import pytest

from services.referral.domain.referrals import RESPONSE_DUE
from services.referral.domain.states import (
    ENDED,
    OPEN,
    TABLE,
    Command,
    Move,
    follow_allocation,
    move,
)
from shared.errors import Malformed, Refused
from shared.events.codes import ClosureOutcome, ReferralStatus, StatusReason
from tests.unit.test_referral_rules import AT, received

STATES: tuple[ReferralStatus, ...] = get_args(ReferralStatus)


def first_reason(command: Command) -> StatusReason | None:
    return min(TABLE[command].reasons, default=None)


def given(command: Command) -> Move:
    outcome: ClosureOutcome | None = "goals_achieved" if TABLE[command].outcome else None
    return Move(command, first_reason(command), outcome)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("command", get_args(Command))
def test_a_command_works_from_exactly_the_states_of_its_row(
    state: ReferralStatus, command: Command
) -> None:
    step = TABLE[command]
    before = received().but(status=state)

    if state in step.states:
        after = move(before, given(command), step.who[0], AT).after
        assert (after.status, after.reason) == (step.to, first_reason(command))
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

    assert rejected.due == {RESPONSE_DUE: None}
    assert screened.due == {}
    assert reopened.due == {RESPONSE_DUE: reopened.after.due_at}
    assert not reopened.after.overdue


def test_closing_needs_an_outcome_and_nothing_else_takes_one() -> None:
    with pytest.raises(Malformed):
        move(received(), Move("close"), "hub", AT)
    with pytest.raises(Malformed):
        move(received(), Move("accept", outcome="other"), "hub", AT)


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


def test_every_state_is_open_ended_or_an_error() -> None:
    assert OPEN | ENDED | {"entered_in_error"} == set(STATES)
    assert not OPEN & ENDED


def test_the_document_shows_the_table_as_it_is() -> None:
    text = (Path(__file__).parents[2] / "docs" / "states.md").read_text("utf-8")

    assert table() in text, "write what tests.unit.test_states.table() gives into docs/states.md"


def table() -> str:
    """The table as Markdown."""
    rows = ["| step | from | by | reasons | to |", "|---|---|---|---|---|"]
    for command, step in TABLE.items():
        states = ", ".join(s for s in STATES if s in step.states)
        reasons = ", ".join(sorted(step.reasons)) or ("outcome" if step.outcome else "–")
        rows.append(f"| {command} | {states} | {', '.join(step.who)} | {reasons} | {step.to} |")
    return "\n".join(rows)
