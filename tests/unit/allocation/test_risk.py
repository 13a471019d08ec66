"""What a policy makes of concerns: every contribution, age, combinations; and what never happens."""

from collections.abc import Sequence
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.allocation.risk.policy import LEVELS
from services.allocation.risk.score import assess, recency_at, response
from shared.events.codes import INDICATORS, Recency, Urgency
from shared.events.referral import Concern
from tests.unit.allocation.given import AT, POLICY, concern, later

concerns_ = st.lists(
    st.builds(
        concern,
        st.sampled_from([*sorted(INDICATORS), "unknown"]),
        st.sampled_from(get_args(Recency)),
        st.sampled_from(["ag_a", "ag_b", "ag_c", "ag_d"]),
        st.integers(0, 800).map(lambda days: later(days=-days)),
    ),
    max_size=12,
)


@pytest.mark.parametrize(
    ("concerns", "score"),
    [
        ([concern("neglect_we_do_not_know")], 0),
        ([concern("emotional_neglect", "older")], 1),
        ([concern("drug_use", "6_to_12_months")], 0),
        ([concern("drug_use"), concern("drug_use", "last_6_months")], 1),
        ([concern("missing_episodes")], 5),
        ([concern("missing_episodes", "6_to_12_months")], 1),
        ([concern("missing_episodes"), concern("missing_episodes", "6_to_12_months")], 6),
        ([concern("missing_episodes"), concern("missing_episodes", agency="ag_police")], 5),
    ],
)
def test_the_points_are_those_of_the_forms(concerns: Sequence[Concern], score: int) -> None:
    assert assess(concerns, POLICY, AT).score == score


@pytest.mark.parametrize(
    ("significant", "level"),
    [(0, "none_apparent"), (2, "mild"), (3, "moderate"), (4, "significant")],
)
def test_the_bands_are_those_of_the_forms(significant: int, level: str) -> None:
    codes = ("missing_episodes", "older_partner", "images_shared", "trafficking_concern")

    # One agency, and well apart, so that no combination holds.
    assessed = assess([concern(code) for code in codes[:significant]], POLICY, AT)

    assert assessed.level == level


def test_every_contribution_says_what_it_added_and_which_agencies_reported_it() -> None:
    assessed = assess(
        [concern("drug_use"), concern("images_shared", agency="ag_b"), concern("images_shared")],
        POLICY,
        AT,
    )

    added = [(c.code, c.points, c.agencies) for c in assessed.contributions]
    assert added == [("drug_use", 1, ("ag_school",)), ("images_shared", 5, ("ag_b", "ag_school"))]
    assert (assessed.agencies, assessed.policy_version) == (2, "seraf-shaped-1")


def test_concerns_grow_older() -> None:
    reported = [concern("missing_episodes")]

    scores = [assess(reported, POLICY, later(days=days)).score for days in (0, 183, 184, 366)]

    assert scores == [5, 5, 1, 0]


def test_two_agencies_within_two_weeks_make_a_combination_one_agency_or_later_does_not() -> None:
    missing = concern("missing_episodes", agency="ag_police")
    clinic = concern("sexually_transmitted_infection", agency="ag_health", at=later(days=14))
    late = concern("sexually_transmitted_infection", agency="ag_health", at=later(days=15))
    same = concern("sexually_transmitted_infection", agency="ag_police")

    for second, level in ((clinic, "moderate"), (late, "mild"), (same, "mild")):
        assessed = assess([missing, second], POLICY, later(days=20))
        assert assessed.level == level, second
        assert assessed.score == 6
    assert assess([missing, clinic], POLICY, later(days=20)).combinations == (
        "missing_and_sexual_health",
    )


def test_urgency_sets_a_floor_and_never_a_ceiling() -> None:
    assert response("none_apparent", "same_day", POLICY) == "moderate"
    assert response("significant", "ten_working_days", POLICY) == "significant"


@given(concerns_, st.sampled_from(get_args(Urgency)))
def test_adding_an_indicator_never_lowers_score_or_level(
    concerns: list[Concern], urgency: Urgency
) -> None:
    *before, added = concerns or [concern()]

    without, with_it = assess(before, POLICY, AT), assess([*before, added], POLICY, AT)

    assert with_it.score >= without.score
    assert LEVELS.index(with_it.level) >= LEVELS.index(without.level)
    floor = LEVELS.index(POLICY.floors[urgency])
    assert LEVELS.index(response(with_it.level, urgency, POLICY)) >= floor


@given(concerns_, st.randoms())
def test_the_order_of_concerns_is_nothing_and_repeating_them_adds_nothing(
    concerns: list[Concern], random_: object
) -> None:
    shuffled = [*concerns, *concerns]
    random_.shuffle(shuffled)  # type: ignore[attr-defined]

    assert assess(shuffled, POLICY, AT) == assess(concerns, POLICY, AT)


@given(concerns_, st.integers(0, 800))
def test_time_alone_never_makes_a_concern_more_recent(concerns: list[Concern], days: int) -> None:
    order = get_args(Recency)
    for one in concerns:
        now_, then = (
            order.index(recency_at(one, POLICY.recency, at)) for at in (AT, later(days=days))
        )
        assert then >= now_ >= order.index(one.recency)
