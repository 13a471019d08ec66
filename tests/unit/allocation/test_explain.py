"""The explanation says why this worker, and why not each of the others."""

from services.allocation.domain.allocations import place
from services.allocation.domain.choice import decide
from services.allocation.domain.explain import explain
from services.allocation.domain.risk import assess
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
    placed = place(allocation(), made, hub(), round=1, flags=("over_soft_cap",)).after

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
