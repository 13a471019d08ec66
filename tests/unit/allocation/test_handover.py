"""A plan stays within the caps, names who would lose their worker, and moves nothing by itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.allocation.handover.plan import Plan, applied, confirm, plan_moves, propose
from shared.errors import Refused
from shared.storage.records import Change
from tests.unit.allocation.given import AT, case, of_hub, outcome, worker


def plan(*moves: str | None) -> Plan:
    cases = [(case(referral_id=f"ref_{n}"), "wk_leaves") for n in range(len(moves))]
    receivers = [worker("wk_two")] if any(moves) else []
    return Plan(
        id="plan_1",
        hub_id="hub_north",
        worker_id="wk_leaves",
        reason="worker_leaves",
        proposed_by="hub_manager:one",
        proposed_at=AT,
        moves=plan_moves(cases, of_hub(), receivers, AT),
    )


@given(st.lists(st.integers(1, 5), max_size=15), st.lists(st.integers(0, 12), max_size=4))
def test_no_plan_gives_anyone_more_than_their_soft_cap(weights: list[int], caps: list[int]) -> None:
    receivers = [worker(f"wk_{n}", cap=cap) for n, cap in enumerate(caps)]
    cases = [
        (case(referral_id=f"ref_{n}", weight=weight), "wk_leaves")
        for n, weight in enumerate(weights)
    ]

    moves = plan_moves(cases, of_hub(), receivers, AT)

    assert {move.referral_id for move in moves} == {one.referral_id for one, _ in cases}
    for receiver in receivers:
        given_ = sum(m.weight for m in moves if m.to_worker_id == receiver.id)
        assert given_ <= receiver.cap * 80 // 100


def test_the_most_serious_are_served_first_and_who_has_no_receiver_is_named() -> None:
    cases = [
        (case(referral_id="ref_mild", level="mild", weight=10), "wk_leaves"),
        (case(referral_id="ref_high", level="significant", weight=10), "wk_leaves"),
    ]

    moves = plan_moves(cases, of_hub(), [worker("wk_two")], AT)

    assert [(m.referral_id, m.to_worker_id) for m in moves] == [
        ("ref_high", "wk_two"),
        ("ref_mild", None),
    ]


def test_a_plan_is_applied_only_when_confirmed_and_each_only_once() -> None:
    proposed = plan("wk_two")

    assert applied(proposed, {"ref_0": "ordered"}).events == ()
    confirmed = confirm(proposed, "hub_manager:two").after
    assert confirm(confirmed, "hub_manager:three").events == ()
    done = applied(confirmed, {"ref_0": "ordered"})
    assert [m.outcome for m in done.after.moves] == ["ordered"]
    assert applied(done.after, {}).events == ()


def test_there_is_nothing_to_confirm_without_cases() -> None:
    with pytest.raises(Refused, match="nothing_to_move"):
        confirm(plan(), "hub_manager:two")


def test_each_step_of_a_plan_says_how_it_stands() -> None:
    proposed = plan("wk_two", "wk_two", "wk_two").but(host_agency_id="ag_police")
    nobody = proposed.moves[0].model_copy(update={"to_worker_id": None})
    proposed = proposed.but(moves=(nobody, *proposed.moves[1:]))
    stands = {
        "plan_id": "plan_1",
        "hub_id": "hub_north",
        "worker_id": "wk_leaves",
        "host_agency_id": "ag_police",
        "moves": 3,
        "without_receiver": 1,
        "reason": "worker_leaves",
    }

    confirmed = confirm(proposed, "hub_manager:two")
    done = applied(confirmed.after, {"ref_1": "ordered"})

    assert propose(proposed).model_dump() == stands
    assert outcome(proposed, confirmed) == {
        "changed": {"status": "confirmed", "confirmed_by": "hub_manager:two"},
        "said": {"handover_plan.confirmed": {**stands, "by": "hub_manager:two"}},
    }
    whole = outcome(confirmed.after, done)
    assert whole["said"] == {"handover_plan.applied": {**stands, "moved": 1}}
    assert (set(whole["changed"]), done.after.status) == ({"status", "moves"}, "applied")
    assert [move.outcome for move in done.after.moves] == ["stayed", "ordered", "stayed"]
    assert confirm(done.after, "hub_manager:two") == applied(done.after, {}) == Change(done.after)
    assert applied(proposed, {}) == Change(proposed)


def test_an_empty_plan_is_refused_with_its_code() -> None:
    with pytest.raises(Refused) as refused:
        confirm(plan(), "hub_manager:two")
    assert refused.value.code == "nothing_to_move"


def test_of_two_of_one_level_the_more_urgent_comes_first_and_then_the_id() -> None:
    cases = [
        (case(referral_id="ref_c", urgency="immediate", weight=1), "wk_a"),
        (case(referral_id="ref_b", urgency="ten_working_days", weight=2), "wk_b"),
        (case(referral_id="ref_a", urgency="ten_working_days", weight=3), "wk_a"),
    ]

    moves = plan_moves(cases, of_hub(), [worker("wk_two")], AT)

    assert [(m.referral_id, m.from_worker_id, m.weight, m.outcome) for m in moves] == [
        ("ref_c", "wk_a", 1, "planned"),
        ("ref_a", "wk_a", 3, "planned"),
        ("ref_b", "wk_b", 2, "planned"),
    ]
