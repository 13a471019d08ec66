"""What a manager's pages make of what the APIs say."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.web.managing.board import RANKED, by_urgency, most_urgent_first, sections
from services.web.managing.candidates import candidates
from services.web.managing.loads import Load, heaviest_first, load_of
from services.web.managing.why import HELD_BACK, called, decided
from services.web.working.acts import ACTS, seen_as

POINTS = st.integers(0, 60)


def worker(worker_id: str = "wk_one", **changes: Any) -> dict[str, Any]:
    entry = {"name": None, "active": True, "worker_role": "hub_worker", **changes.pop("entry", {})}
    return {
        "id": worker_id,
        "entry": entry,
        "available": True,
        "caseload": 4,
        "soft_cap": 8,
        "hard_cap": 10,
        "supervision_overdue": [],
        **changes,
    }


def judged(worker_id: str, *against: str, **terms: int) -> dict[str, Any]:
    gates = [{"gate": gate, "passed": gate not in against} for gate in HELD_BACK]
    return {"worker_id": worker_id, "gates": gates, "terms": terms}


@given(now=POINTS, more=POINTS, soft=POINTS, hard=POINTS)
def test_a_bar_never_leaves_its_frame_and_its_words_say_what_it_shows(
    now: int, more: int, soft: int, hard: int
) -> None:
    load = Load(now, now + more, min(soft, hard), hard)
    shares = [load.share(each) for each in (now, now + more, min(soft, hard), hard)]

    assert all(0 <= share <= 100 for share in shares)
    assert shares[0] <= shares[1]
    assert ("Over the hard cap" in load.words) == (now + more > hard)
    assert ("Over the soft cap" in load.words) == (min(soft, hard) < now + more <= hard)


def test_who_has_too_much_comes_first_and_who_has_left_is_not_there() -> None:
    shown = heaviest_first(
        [
            worker("wk_free", caseload=1),
            worker("wk_left", entry={"active": False}, caseload=99),
            worker("wk_over", caseload=11),
            worker("wk_above", caseload=9),
            worker("wk_full", caseload=8),
        ]
    )

    assert [each["id"] for each in shown] == ["wk_over", "wk_above", "wk_full", "wk_free"]


def test_lists_with_something_in_them_come_first_in_the_order_of_what_presses() -> None:
    found: dict[str, Any] = {name: ([], False) for name in RANKED} | {"agreements": ([{}], True)}
    found |= {"waiting": ([{}] * 20, False)}

    shown = sections(found)

    assert [each.name for each in shown[:2]] == ["waiting", "agreements"]
    assert {each.name for each in shown} == set(RANKED)
    assert shown[1].count == "1 or more"
    assert len(shown[0].shown) < 20
    assert not shown[0].is_wrong


def test_what_waits_is_counted_and_listed_by_urgency_then_by_what_is_due() -> None:
    cases = [
        {"id": n, "urgency": urgency, "due_at": due, "next_step": None}
        for n, (urgency, due) in enumerate(
            [("five_working_days", "2026-01-02"), ("immediate", "2026-01-09")] * 1
            + [("five_working_days", "2026-01-01")]
        )
    ]

    assert by_urgency(cases) == [("immediate", 1), ("five_working_days", 2)]
    assert [each["id"] for each in most_urgent_first(cases)] == [1, 2, 0]


def test_a_candidate_is_shown_with_what_speaks_against_and_what_it_would_do() -> None:
    workers = [worker("wk_full", caseload=8), worker("wk_has"), worker("wk_new"), worker("wk_good")]
    decision = {
        "candidates": [judged("wk_full", "within_cap"), judged("wk_good")],
        "workers": [{"worker_id": "wk_good", "same_child": 2}],
    }

    found = {each.worker_id: each for each in candidates(workers, decision, 3, "wk_has")}

    assert list(found) == ["wk_good", "wk_full", "wk_new"]
    assert found["wk_full"].against == ["no room within the soft cap"]
    assert found["wk_full"].load == Load(8, 11, 8, 10)
    assert found["wk_full"].load.verdict == "Over the hard cap by 1."
    assert found["wk_good"].load.then == 5  # of the same young person: only what is heavier
    assert found["wk_new"].against is None
    assert candidates(workers, None, 1, "")[0].against is None


def test_a_decision_is_shown_with_its_tables_the_chosen_one_first() -> None:
    explained = {
        "decisions": [
            {"at": "2026-01-01", "kind": "automatic", "worker_id": None, "sentences": []}
            | {"decision": {"candidates": []}},
            {
                "at": "2026-01-02",
                "kind": "manual",
                "worker_id": "wk_b",
                "sentences": ["wk_b has it, wk_a does not."],
                "decision": {"candidates": [judged("wk_a", "area"), judged("wk_b", continuity=5)]},
            },
        ]
    }

    newest, oldest = decided(explained, {"wk_b": "Bo"})

    assert newest.sentences == ["Bo has it, wk_a does not."]
    assert [row.name for row in newest.rows] == ["Bo", "wk_a"]
    assert not newest.rows[1].passed
    assert (newest.gates, newest.terms, newest.most) == (list(HELD_BACK), ["continuity"], 5)
    assert (oldest.rows, oldest.most) == ([], 0)


def test_codes_in_a_sentence_are_words_and_ids_are_names() -> None:
    said = called("wk_a_1 gets none_apparent, not wk_a_12.", {"wk_a_1": "Ana"})

    assert said == "Ana gets none apparent, not wk_a_12."


@pytest.mark.parametrize("role", ["worker", "hub_manager"])
def test_a_page_offers_a_role_only_what_it_may_do(role: str) -> None:
    offered = {act.name for acts in seen_as(role).acts.values() for act in acts}

    assert offered <= set(ACTS)
    # The access table: these are a worker's own.
    assert ({"acceptance", "decline", "start", "debrief"} <= offered) == (role == "worker")


def test_a_load_with_no_more_is_the_load() -> None:
    assert load_of(worker()) == load_of(worker(), 0) == Load(4, 4, 8, 10)
