"""Gates, then scores: who may, who is best, the same on every replay."""

import random
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.allocation.domain.choice import choose, decide, judge, replay
from services.allocation.domain.facts import CaseFacts, WorkerFacts
from services.allocation.domain.policy import LEVELS
from shared.events.codes import Setting, WorkerRole
from tests.unit.allocation.given import AT, case, facts, of_hub

HUB = of_hub(demands={"significant": {"qualifications": ["sw"], "experience_months": 24}})

workers_ = st.lists(
    st.builds(
        lambda number, **rest: facts(f"wk_{number:02}", **rest),
        st.integers(0, 30),
        active=st.booleans(),
        on_leave=st.booleans(),
        in_area=st.booleans(),
        conflict=st.booleans(),
        worker_role=st.sampled_from(get_args(WorkerRole)),
        host_setting=st.sampled_from(get_args(Setting)),
        host_agency_id=st.sampled_from([None, "ag_school"]),
        qualifications=st.sampled_from([(), ("sw",)]),
        experience_months=st.integers(0, 40),
        specialisms=st.sampled_from([(), ("trafficking",)]),
        supervision_overdue=st.sampled_from([(), ("case",)]),
        caseload=st.integers(0, 25),
        soft_cap=st.integers(0, 20),
    ),
    max_size=8,
    unique_by=lambda worker: worker.worker_id,
)
cases_ = st.builds(
    case,
    level=st.sampled_from(LEVELS),
    weight=st.integers(1, 5),
    settings_avoided=st.sampled_from([(), ("police",), ("police", "school")]),
    needs=st.sampled_from([(), ("trafficking",)]),
    known_to=st.sampled_from([(), ("wk_03",)]),
    declined_by=st.sampled_from([(), ("wk_01", "wk_05")]),
)


@pytest.mark.parametrize(
    ("gate", "worker", "of_case"),
    [
        ("active", {"active": False}, {}),
        ("not_on_leave", {"on_leave": True}, {}),
        ("role_may_take_level", {"worker_role": "spoke_worker"}, {"level": "significant"}),
        ("role_may_take_level", {"worker_role": "hub_manager"}, {}),
        ("qualified", {"experience_months": 23}, {"level": "significant"}),
        ("area", {"in_area": False}, {}),
        ("setting_not_avoided", {"host_setting": "police"}, {"settings_avoided": ["police"]}),
        ("supervision_in_date", {"supervision_overdue": ["case"]}, {"level": "significant"}),
        ("no_conflict", {"conflict": True}, {}),
        ("not_declined", {}, {"declined_by": ["wk_one"]}),
        ("within_cap", {"caseload": 14}, {}),
    ],
)
def test_each_gate_stops_whom_it_must(
    gate: str, worker: dict[str, Any], of_case: dict[str, Any]
) -> None:
    able = {"experience_months": 24, **worker}

    stopped = judge(case(**of_case), HUB, facts(**able))
    fine = judge(case(), HUB, facts())

    assert gate in [result.gate for result in stopped.gates if not result.passed]
    assert stopped.terms == {}
    assert fine.passed


def test_late_supervision_is_a_warning_below_the_highest_level() -> None:
    judged = judge(case(), HUB, facts(supervision_overdue=["professional"]))

    assert judged.passed
    assert [g.gate for g in judged.gates if g.warning] == ["supervision_in_date"]


@pytest.mark.parametrize(
    ("better", "of_case"),
    [
        ({"worker_id": "wk_known"}, {"known_to": ["wk_known"]}),
        ({"specialisms": ["trafficking"]}, {"needs": ["trafficking"]}),
        ({"languages": ["bsl"]}, {"languages": ["bsl"]}),
        ({"times": ["evenings"]}, {"times": ["evenings"]}),
        ({"host_agency_id": "ag_school"}, {}),
        ({"caseload": 3}, {}),
    ],
)
def test_each_reason_for_a_worker_counts(better: dict[str, Any], of_case: dict[str, Any]) -> None:
    candidate = facts(**{"worker_id": "wk_better", "caseload": 4, **better})

    best, _ = choose(case(**of_case), HUB, [facts("wk_other", caseload=4), candidate])

    assert best.worker_id == candidate.worker_id


@given(cases_, workers_)
@settings(max_examples=80, deadline=None)
def test_who_fails_a_gate_is_never_chosen(of_case: CaseFacts, workers: list[WorkerFacts]) -> None:
    decision = decide(of_case, HUB, workers, policy_version="p1", at=AT)

    passed = {w.worker_id for w in workers if judge(of_case, HUB, w).passed}
    assert decision.worker_id in passed or (decision.worker_id is None and not passed)


@given(cases_, workers_, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_the_order_of_workers_is_nothing_and_a_replay_is_the_same(
    of_case: CaseFacts, workers: list[WorkerFacts], random_: random.Random
) -> None:
    shuffled = list(workers)
    random_.shuffle(shuffled)

    first = decide(of_case, HUB, workers, policy_version="p1", at=AT)
    second = decide(of_case, HUB, shuffled, policy_version="p1", at=AT)

    assert first == second == replay(first)
    stored = type(first).model_validate_json(first.model_dump_json())
    assert replay(stored) == stored == first


@given(cases_, workers_, st.integers(1, 10))
@settings(max_examples=80, deadline=None)
def test_more_free_capacity_never_makes_a_worker_less_likely(
    of_case: CaseFacts, workers: list[WorkerFacts], more: int
) -> None:
    before = decide(of_case, HUB, workers, policy_version="p1", at=AT)
    if before.worker_id is None:
        return
    chosen = before.worker_id

    def freer(worker: WorkerFacts) -> list[dict[str, int]]:
        return [
            {"caseload": max(0, worker.caseload - more)},
            {"soft_cap": worker.soft_cap + more},
        ]

    for way in range(2):
        changed = [
            w.model_copy(update=freer(w)[way]) if w.worker_id == chosen else w for w in workers
        ]
        assert decide(of_case, HUB, changed, policy_version="p1", at=AT).worker_id == chosen


def test_a_reservation_that_a_crash_left_is_finished_unless_a_gate_stops_it() -> None:
    busy, idle = facts("wk_busy", caseload=9), facts("wk_idle")
    away = busy.model_copy(update={"on_leave": True})

    finished = decide(case(), HUB, [busy, idle], held="wk_busy", policy_version="p1", at=AT)
    stopped = decide(case(), HUB, [away, idle], held="wk_busy", policy_version="p1", at=AT)

    assert (finished.worker_id, stopped.worker_id) == ("wk_busy", "wk_idle")


def test_who_filled_up_meanwhile_is_passed_over_and_the_replay_knows_it() -> None:
    first, second = facts("wk_first"), facts("wk_second", caseload=5)

    decision = decide(case(), HUB, [first, second], lost=["wk_first"], policy_version="p1", at=AT)

    assert decision.worker_id == "wk_second"
    assert replay(decision) == decision


def test_ties_favour_nobody() -> None:
    workers = [facts(f"wk_{n}") for n in range(4)]

    chosen = {
        decide(case(referral_id=f"ref_{n}"), HUB, workers, policy_version="p1", at=AT).worker_id
        for n in range(60)
    }

    assert chosen == {worker.worker_id for worker in workers}
