"""Gates, then scores: who may, who is best, the same on every replay."""

import random
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.allocation.assignment.choice import by_person, choose, decide, judge, replay
from services.allocation.assignment.facts import CaseFacts, WorkerFacts, worker_facts
from services.allocation.caseload.worker import Case
from services.allocation.risk.policy import LEVELS
from shared.events.codes import Setting, WorkerRole
from tests.unit.allocation.given import AT, REFERRAL, case, facts, later, of_hub, worker

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
def test_who_fails_a_gate_is_never_chosen(of_case: CaseFacts, workers: list[WorkerFacts]) -> None:
    decision = decide(of_case, HUB, workers, policy_version="p1", at=AT)

    passed = {w.worker_id for w in workers if judge(of_case, HUB, w).passed}
    assert decision.worker_id in passed or (decision.worker_id is None and not passed)


@given(cases_, workers_, st.randoms(use_true_random=False))
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


def test_each_reason_is_worth_what_the_hub_says_and_the_sum_decides() -> None:
    rich: dict[str, Any] = {
        "specialisms": ["trafficking", "missing", "unneeded"],
        "languages": ["bsl", "urdu"],
        "times": ["evenings", "weekends"],
        "host_agency_id": "ag_school",
        "caseload": 3,
    }
    asks = case(
        known_to=["wk_one"],
        needs=["trafficking", "missing", "neither"],
        languages=["bsl", "urdu"],
        times=["evenings", "weekends"],
    )

    best = judge(asks, HUB, facts(**rich))
    none = judge(case(languages=["bsl"], needs=["x"], times=["evenings"]), HUB, facts(caseload=13))
    no_cap = judge(case(weight=1), HUB, facts(soft_cap=1))

    # 10 of 16 points are left: six tenths of 300.
    assert best.terms == {
        "continuity": 500,
        "specialism": 200,
        "language": 100,
        "free_capacity": 180,
        "preferred_times": 50,
        "same_host": 50,
    }
    assert best.score == 1080
    assert all(isinstance(points, int) for points in best.terms.values())
    assert (set(none.terms), set(none.terms.values())) == (set(best.terms), {0})
    assert no_cap.terms["free_capacity"] == 0


@pytest.mark.parametrize(
    ("demand", "able", "not_able"),
    [
        (
            {"qualifications": ["sw"]},
            [{"qualifications": ["sw", "x"]}],
            [{"experience_months": 600}],
        ),
        ({"experience_months": 1}, [{"experience_months": 1}], [{"qualifications": ["sw"]}]),
        (
            {"qualifications": ["sw", "nurse"], "experience_months": 24},
            [{"qualifications": ["nurse"]}, {"experience_months": 24}],
            [{"qualifications": ["x"], "experience_months": 23}],
        ),
        ({}, [{}], []),
    ],
)
def test_one_of_the_qualifications_or_the_experience_is_enough(
    demand: dict[str, Any], able: list[dict[str, Any]], not_able: list[dict[str, Any]]
) -> None:
    asks = of_hub(demands={"moderate": demand})

    assert [judge(case(), asks, facts(**who)).passed for who in able] == [True] * len(able)
    assert [judge(case(), asks, facts(**who)).passed for who in not_able] == [False] * len(not_able)


def test_a_spoke_worker_takes_up_to_the_ceiling_and_anyone_up_to_the_cap() -> None:
    spoke = facts(worker_role="spoke_worker", experience_months=24)

    assert [judge(case(level=level), HUB, spoke).passed for level in LEVELS] == [True] * 3 + [False]
    assert judge(case(weight=16), HUB, facts()).passed
    assert not judge(case(weight=17), HUB, facts()).passed


def test_those_who_may_come_before_those_who_may_not_whatever_the_points() -> None:
    workers = [facts("wk_may", caseload=13), facts("wk_away", on_leave=True), facts("wk_best")]

    assert [c.worker_id for c in choose(case(), HUB, workers)] == ["wk_best", "wk_may", "wk_away"]


def test_a_decision_keeps_all_it_was_made_of_and_its_replay_too() -> None:
    whole = decide(
        case(), HUB, [facts("wk_b"), facts("wk_a")], kind="manual", lost=["wk_z", "wk_a"],
        held="wk_b", ordered="wk_b", policy_version="p1", at=AT,
    )  # fmt: skip

    assert [w.worker_id for w in whole.workers] == ["wk_a", "wk_b"]
    assert (whole.kind, whole.at, whole.policy_version) == ("manual", AT, "p1")
    assert (whole.case, whole.hub, whole.lost) == (case(), HUB, ("wk_a", "wk_z"))
    assert (whole.held, whole.ordered, whole.worker_id) == ("wk_b", "wk_b", "wk_b")
    assert replay(whole) == whole
    nobody = decide(case(), None, [facts()], policy_version="p1", at=AT)
    assert (nobody.kind, nobody.candidates, nobody.worker_id) == ("automatic", (), None)
    assert replay(nobody) == nobody


@given(cases_, workers_, st.booleans(), st.integers(0, 2), st.integers(0, 2))
def test_what_a_person_decides_keeps_who_was_looked_at_and_counts_everybody_once(
    of_case: CaseFacts, workers: list[WorkerFacts], here: bool, beyond: int, elsewhere: int
) -> None:
    looked = decide(
        of_case, HUB, workers, lost=["wk_04"], beyond=beyond, elsewhere=elsewhere,
        policy_version="p1", at=later(days=1),
    )  # fmt: skip
    named = facts("wk_07", version=9, in_area=here, active=False)

    ordered = by_person(looked, named, "manual")

    known = {worker.worker_id: worker for worker in workers}
    assert {w.worker_id: w for w in ordered.workers} == {**known, "wk_07": named}
    new = "wk_07" not in known
    assert ordered.beyond == max(0, beyond - (new and here))
    assert ordered.elsewhere == max(0, elsewhere - (new and not here))
    assert (ordered.worker_id, ordered.ordered, ordered.kind) == ("wk_07", "wk_07", "manual")
    same = {"case", "hub", "lost", "policy_version", "at"}
    assert ordered.model_dump(include=same) == looked.model_dump(include=same)
    assert [c for c in ordered.candidates if c.worker_id != "wk_07"] == [
        c for c in looked.candidates if c.worker_id != "wk_07"
    ]
    assert replay(ordered) == ordered


def test_a_decision_without_workers_elsewhere_has_the_id_it_had_before_they_were_counted() -> None:
    made = decide(case(), HUB, [facts()], policy_version="p1", at=AT)

    assert made.id == "dec_1382a65d4af46a83b21711d246a02a1b"
    assert made.model_copy(update={"elsewhere": 1}).id != made.id


@pytest.mark.parametrize(
    ("conflict", "stops"),
    [
        ({"kind": "agency", "id": "ag_school"}, True),
        ({"kind": "agency", "id": "ag_police"}, False),
        ({"kind": "agency", "id": "ref_before"}, False),
        ({"kind": "referral", "id": REFERRAL}, True),
        ({"kind": "referral", "id": "ref_before"}, True),
        ({"kind": "referral", "id": "ref_else"}, False),
        ({"kind": "referral", "id": "ag_school"}, False),
    ],
)
def test_a_conflict_is_with_the_agency_or_about_a_referral_of_the_young_person(
    conflict: dict[str, str], stops: bool
) -> None:
    fine = {"kind": "agency", "id": "ag_else"}
    one = worker(conflicts=[fine, conflict])

    (seen,) = worker_facts([one], case(related=("ref_before",)), AT)

    assert seen.conflict is stops


def test_a_worker_is_seen_as_they_are_that_day_and_without_what_this_very_case_holds() -> None:
    plain: dict[str, Any] = {
        "host_agency_id": "ag_police",
        "host_setting": "police",
        "worker_role": "spoke_worker",
        "qualifications": ("sw",),
        "experience_months": 30,
        "specialisms": ("trafficking",),
        "languages": ("bsl",),
        "times": ("evenings",),
        "active": False,
    }
    one = worker(
        leave=[{"start": "2026-03-03", "to": "2026-03-04"}], areas=["westby"], **plain
    ).but(
        version=7,
        cases=(
            Case(referral_id=REFERRAL, weight=2),
            Case(referral_id="ref_other", weight=5),
        ),
    )  # fmt: skip

    here, away = (worker_facts([one], case(), later(days=days))[0] for days in (0, 1))
    late = worker_facts([one], case(area="westby"), later(days=40))[0]

    assert here == facts(version=7, in_area=False, caseload=5, soft_cap=16, hard_cap=20, **plain)
    assert away == here.model_copy(update={"on_leave": True})
    assert (late.in_area, late.supervision_overdue) == (True, ("case", "professional"))
