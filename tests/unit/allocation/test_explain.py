"""The explanation says why this worker, and why not each of the others."""

from typing import Any

import pytest

from services.allocation.assignment.choice import decide, replay
from services.allocation.assignment.explanation import explain
from services.allocation.assignment.rule import assign
from services.allocation.risk.score import assess
from tests.unit.allocation.given import (
    AT,
    POLICY,
    allocation,
    case,
    concern,
    facts,
    hub,
    of_hub,
    waiting,
)


def test_every_candidate_has_a_sentence() -> None:
    workers = [
        facts("wk_known", caseload=4),
        facts("wk_away", on_leave=True, conflict=True),
        facts("wk_free", caseload=2),
        facts("wk_fast"),
    ]
    made = decide(
        case(known_to=["wk_known"]), of_hub(), workers, lost=["wk_fast"], policy_version="p1", at=AT
    )
    placed = assign(allocation(), made, hub(), round=1, flags=("over_soft_cap",)).after

    explanation = explain(placed, [made], POLICY)

    first, *others = explanation.decisions[0].sentences
    assert first.startswith("wk_known was chosen with 650 points.")
    assert "has worked with the young person before (500)" in first
    assert sorted(others) == [
        "wk_away was not chosen: the worker is on leave and has declared a conflict of interest.",
        "wk_fast was not chosen: another case took the last room first.",
        "wk_free could have taken it, with 470 points less.",
    ]
    assert explanation.flags == ["This takes the worker over their soft cap."]
    assert explanation.warning == POLICY.warning


def test_the_level_is_explained_by_every_contribution() -> None:
    assessed = assess([concern("images_shared"), concern("drug_use", agency="ag_b")], POLICY, AT)

    sentences = explain(allocation(assessment=assessed), [], POLICY).level

    assert sentences[0].startswith("Policy seraf-shaped-1 gives a score of 6 and the level mild")
    assert "images_shared added 5, reported by 1 agency." in sentences
    assert "is answered as moderate" in sentences[-1]


def test_waiting_is_explained_too() -> None:
    nobody = decide(case(), of_hub(), [facts(active=False)], policy_version="p1", at=AT)

    (decided,) = explain(waiting(), [nobody], POLICY).decisions

    assert decided.sentences == [
        "1 worker was looked at, and nobody could take it within the rules.",
        "wk_one was not chosen: the worker is no longer in post.",
    ]


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"beyond": 1}, ["1 more worker of the area, who has less room, was not looked at."]),
        ({"beyond": 7}, ["7 more workers of the area, who have less room, were not looked at."]),
        ({"elsewhere": 1}, ["1 more worker of the Hub does not work in this area."]),
        (
            {"beyond": 2, "elsewhere": 5},
            [
                "2 more workers of the area, who have less room, were not looked at.",
                "5 more workers of the Hub do not work in this area.",
            ],
        ),
    ],
)
def test_who_was_not_looked_at_is_counted(counts: dict[str, Any], said: list[str]) -> None:
    made = decide(case(), of_hub(), [facts()], **counts, policy_version="p1", at=AT)

    (decided,) = explain(allocation(), [made], POLICY).decisions

    assert decided.sentences[1:] == said
    assert replay(made) == made


@pytest.mark.parametrize(
    ("worker", "given", "sentence"),
    [
        (
            {"active": False, "on_leave": True, "conflict": True},
            {"kind": "manual", "ordered": "wk_one"},
            "A Hub manager assigned it to wk_one, although the worker is no longer in post, is on "
            "leave and has declared a conflict of interest.",
        ),
        ({}, {"kind": "manual", "ordered": "wk_one"}, "A Hub manager assigned it to wk_one."),
        (
            {},
            {"kind": "manual", "ordered": "wk_elsewhere"},
            "A Hub manager assigned it to wk_elsewhere.",
        ),
        (
            {"active": False},
            {"kind": "duty", "ordered": "wk_duty"},
            "wk_duty has it as duty manager: nobody could take it, and it could not wait.",
        ),
        (
            {"caseload": 1},
            {"held": "wk_one"},
            "wk_one was chosen with 210 points. wk_one has free capacity (210). The capacity had "
            "been reserved before.",
        ),
        ({"caseload": 13}, {}, "wk_one was chosen with 0 points."),
    ],
)
def test_the_first_sentence_says_who_decided_and_why(
    worker: dict[str, Any], given: dict[str, Any], sentence: str
) -> None:
    made = decide(case(), of_hub(), [facts(**worker)], policy_version="p1", at=AT, **given)

    (decided,) = explain(allocation(), [made], POLICY).decisions

    assert decided.sentences[0] == sentence
    assert (decided.worker_id, decided.kind, decided.at) == (made.worker_id, made.kind, AT)


def test_a_tie_and_one_point_less_are_told_apart() -> None:
    scoring = {"same_host": 1}
    hosted = facts("wk_hosted", host_agency_id="ag_school")
    made = decide(
        case(), of_hub(scoring=scoring), [hosted, facts("wk_a"), facts("wk_b", caseload=16)],
        policy_version="p1", at=AT,
    )  # fmt: skip
    tied = decide(case(), of_hub(), [facts("wk_a"), facts("wk_b")], policy_version="p1", at=AT)
    by_hand = decide(
        case(), of_hub(), [facts("wk_a", caseload=13)], kind="manual", ordered="wk_elsewhere",
        policy_version="p1", at=AT,
    )  # fmt: skip

    first, second, third = explain(allocation(), [made, tied, by_hand], POLICY).decisions

    assert "wk_a could have taken it, with 1 points less." in first.sentences
    assert second.sentences[1].endswith("could have taken it; the tie was broken by a hash.")
    assert third.sentences[1] == "wk_a could have taken it, too; a manager chose."
