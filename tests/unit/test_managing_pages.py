"""What a manager's pages make of what the APIs say."""

from datetime import UTC, date, datetime
from typing import Any, get_args

import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import FormData, UploadFile

from services.referral.people.matching import Field, How
from services.web.agreeing.standing import standing
from services.web.api import KEPT
from services.web.managing.board import RANKED, by_urgency, most_urgent_first, sections
from services.web.managing.candidates import candidates
from services.web.managing.loads import Load, heaviest_first, load_of
from services.web.managing.matching import agreeing, before, beside, decision, held
from services.web.managing.numbers import SOME_WITHHELD, WITHHELD, around, charts, quarter_of
from services.web.managing.why import HELD_BACK, called, decided
from services.web.visit import Form
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


def form(**fields: str | list[str]) -> Form:
    pairs: list[tuple[str, str | UploadFile]] = [
        (name, each)
        for name, said in fields.items()
        for each in ([said] if isinstance(said, str) else said)
    ]
    return Form(FormData(pairs))


MATCH = {
    "id": "pm_1",
    "referral_ids": ["ref_a", "ref_b"],
    "agrees": {"name": "phonetic", "date_of_birth": "exact"},
    "differs": ["postcode"],
    "contradicts": None,
}


def test_two_records_are_laid_side_by_side_each_line_once() -> None:
    one = {"identity": {"identity": {"name": "Sample Child", "gender": "female"}}}
    other: dict[str, Any] = {"identity": {"identity": {"name": "Sampel Child", "gender": "female"}}}
    other |= {"narrative": {"narrative": [{"text": "no matter here"}]}}
    other |= {"education": {"education": {"school": "Sample School"}}}

    lines = {line.name: line for line in beside(one, other)}

    assert (lines["Name"].one, lines["Name"].other) == ("Sample Child", "Sampel Child")
    assert [name for name, line in lines.items() if line.same] == ["Gender"]
    assert (lines["School"].one, lines["School"].other) == ("", "Sample School")
    assert "no matter here" not in str(lines)
    assert [line.other for line in beside(one, {})] == ["", ""]  # of another Hub nothing is shown


@given(st.dictionaries(st.sampled_from(get_args(Field)), st.sampled_from(get_args(How))))
def test_whatever_agrees_is_said_in_words(agrees: dict[str, str]) -> None:
    said = agreeing({"agrees": agrees})

    assert len(said) == len(agrees)
    assert not [each for each in said if "_" in each]


def test_a_decision_names_the_other_referral_or_where_it_is_not_ours_the_match() -> None:
    said = form(decision="same_person", ground="other", reason=" Why. ", instead_of="dec_1")

    ours, wrong = decision(said, MATCH, "ref_a")
    theirs, _ = decision(said, {**MATCH, "referral_ids": ["ref_a"]}, "ref_a")

    assert wrong == {}
    assert ours["other_referral_id"] == "ref_b"
    assert "match_id" not in ours
    assert (ours["reason"], ours["instead_of"]) == ("Why.", "dec_1")
    assert theirs["match_id"] == "pm_1"
    assert set(decision(form(), MATCH, "ref_a")[1]) == {"decision", "ground", "reason"}


def test_who_decides_otherwise_names_the_newest_decision_that_had_an_effect() -> None:
    real = {"match_id": "pm_1", "decision": "different_people", "proposed": False}
    known = [
        {**real, "id": "dec_1"},
        {**real, "id": "dec_2"},
        {**real, "id": "dec_3", "proposed": True},
        {**real, "id": "dec_4", "decision": "undecided"},
        {**real, "id": "dec_5", "match_id": "pm_other"},
    ]

    earlier = before("pm_1", known)

    assert [each["id"] for each in earlier] == ["dec_4", "dec_3", "dec_2", "dec_1"]
    assert held(earlier) == "dec_2"
    assert held([]) == ""


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "In force"),
        ({"signed_by": ["ag"]}, "Not signed yet by hub"),
        ({"effective_from": "2026-07-01T00:00:00Z"}, "Not begun"),
        ({"effective_to": "2026-02-01T00:00:00Z"}, "Ended"),
        ({"ended_at": "2026-02-01T00:00:00Z", "signed_by": []}, "Ended"),
    ],
)
def test_an_agreement_says_how_it_stands(changes: dict[str, Any], said: str) -> None:
    terms = {
        "parties": ["ag", "hub"],
        "signed_by": ["ag", "hub"],
        "effective_from": "2026-01-01T00:00:00Z",
        "effective_to": "2027-01-01T00:00:00Z",
        "ended_at": None,
        **changes,
    }
    at = datetime(2026, 6, 1, tzinfo=UTC)

    assert standing({"terms": terms, "review_at": "2026-12-01T00:00:00Z"}, at) == said
    late = standing({"terms": terms, "review_at": "2026-05-01T00:00:00Z"}, at)
    assert late == (f"{said}; its review is overdue" if said == "In force" else said)


@given(st.dates(date(1990, 1, 1), date(2100, 12, 31)))
def test_quarters_follow_one_another_up_to_the_one_that_runs(today: date) -> None:
    now = quarter_of(today)
    before_it, after = around(now, today)

    assert after is None
    assert around(before_it, today)[1] == now
    assert before_it < now


def test_what_is_withheld_of_the_numbers_is_not_shown_and_said() -> None:
    none: dict[str, Any] = {"cells": {}, "total": None}
    some = {"cells": {"mild": 15}, "total": None}
    numbers = {
        "now": {"cases": {"cells": {"waiting": 10}, "total": 10}, "overdue": none},
        "received_by_level": some,
        "allocated_by_worker": {"cells": {"wk_a": 20}, "total": 20},
        "closed_by_reason": none,
        "outcomes": {"safety": some},
        "reach": {"age_band": none, "gender": some, "ethnicity": none},
        "completeness": {"age_band": None, "gender": 80, "ethnicity": None},
    }

    shown = {chart.title: chart for chart in charts(numbers, {"wk_a": "Ana"})}

    assert shown["Open now, by state"].note == "10 in all."
    assert shown["Allocated, by first worker"].cells == (("Ana", 20),)
    assert shown["Received, by level of risk"].note == SOME_WITHHELD
    assert shown["Closed, by reason"].note == WITHHELD
    assert shown["Young people, by gender"].note == f"{SOME_WITHHELD} Known of 80 per cent."
    assert shown["Young people, by age"].note == WITHHELD
    assert charts({**numbers, "now": None}, {})[0].title == "Received, by level of risk"


def test_no_idle_connection_is_used_that_a_server_may_be_closing() -> None:
    assert uvicorn.Config("none").timeout_keep_alive > 2 * KEPT
