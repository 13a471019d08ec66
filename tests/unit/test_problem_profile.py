"""Nobody is found in a problem profile: not in it, not between its tables, not between two of them."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.referral.intelligence.profile import TABLES, Profile, lines, profile
from shared.rules.suppression import BASE, THRESHOLD, Table, publish

repeatable = settings(derandomize=True)
TIMES = st.integers(0, 91 * 24).map(
    lambda hour: datetime(2026, 7, 1, tzinfo=UTC) + timedelta(hours=hour)
)
COUNTS = st.dictionaries(st.sampled_from("abcdefg"), st.integers(0, 60), max_size=7)
# What somebody may know who takes tables from each other: numbers below this name few people.
FEW = 5


def referral(child: int, at: datetime, age: str, codes: list[str]) -> dict[str, Any]:
    concerns = [{"code": code} for code in codes]
    return {
        "subject_id": f"sub_{child}",
        "received_at": at,
        "age_band": age,
        "concerns": concerns,
    }


def report(at: datetime, kinds: list[str], noticed: datetime | None = None) -> dict[str, Any]:
    mentions = [{"kind": kind} for kind in kinds]
    return {"reported_at": at, "observed_at": noticed, "mentions": mentions}


REFERRALS = st.lists(
    st.builds(
        referral,
        st.integers(0, 40),
        TIMES,
        st.sampled_from(["10_12", "13_15", "16_17"]),
        st.lists(st.sampled_from(["missing", "gifts"]), max_size=2),
    ),
    max_size=60,
)
REPORTS = st.lists(
    st.builds(
        report,
        TIMES,
        st.lists(st.sampled_from(["vehicle", "person", "place"]), max_size=3),
        st.none() | TIMES,
    ),
    max_size=60,
)


def tables(found: Profile) -> list[Table]:
    return [getattr(found, name) for name in TABLES]


@repeatable
@given(REFERRALS, REPORTS)
def test_no_number_that_is_seen_is_of_few(
    referrals: list[dict[str, Any]], reports: list[dict[str, Any]]
) -> None:
    found = profile("e1", "2026-Q3", referrals, reports)

    for table in tables(found):
        assert all(n >= THRESHOLD and n % BASE == 0 for n in table.cells.values())
        assert table.total is None or table.total == sum(table.cells.values())
    assert "sub_" not in found.model_dump_json()


@repeatable
@given(COUNTS)
def test_what_is_withheld_is_never_few_together(counts: dict[str, int]) -> None:
    """Whoever learns the true total elsewhere and takes off all that is seen is left with many."""
    table = publish(counts)
    withheld = sum(n for code, n in counts.items() if code not in table.cells)

    assert withheld == 0 or withheld >= THRESHOLD or not table.cells
    assert table.total is None or withheld == 0


@repeatable
@given(REFERRALS, REPORTS, st.data())
def test_between_two_profiles_that_differ_in_one_child_lies_no_small_number(
    referrals: list[dict[str, Any]], reports: list[dict[str, Any]], data: st.DataObject
) -> None:
    """What one referral more would change is a step of five or a table that is withheld, never one."""
    one = profile("e1", "2026-Q3", referrals, reports)
    added = data.draw(REFERRALS.filter(bool))[:1]
    other = profile("e1", "2026-Q3", [*referrals, *added], reports)

    for before, after in zip(tables(one), tables(other), strict=True):
        for code in before.cells.keys() & after.cells.keys():
            assert abs(after.cells[code] - before.cells[code]) in (0, BASE)


def test_who_knows_the_exact_total_still_can_not_tell_a_small_cell() -> None:
    """Every table of three cells up to 25: of all that look the same and have the same true total, a
    cell of fewer than five may be several numbers."""
    alike: dict[tuple[str, int], list[tuple[int, ...]]] = defaultdict(list)
    for counts in product(range(26), repeat=3):
        if sum(counts) >= THRESHOLD:
            seen = publish(dict(zip("abc", counts, strict=True)))
            alike[seen.model_dump_json(), sum(counts)].append(counts)

    for possible in alike.values():
        for values in zip(*possible, strict=True):
            assert not 0 < min(values) < FEW or len(set(values)) >= 3


def test_a_child_counts_once_with_the_age_that_was_said_last() -> None:
    at = [datetime(2026, 7, day, tzinfo=UTC) for day in (1, 2)]
    twice = [referral(n, at[0], "13_15", []) for n in range(12)]
    twice += [referral(n, at[1], "16_17", ["gifts"]) for n in range(12)]
    found = profile("e1", "2026-Q3", twice, [])

    assert found.children == Table(cells={"16_17": 10}, total=10)
    assert found.referrals_by_month == Table(cells={"2026-07": 25}, total=25)
    assert found.signs == Table(cells={"gifts": 10}, total=None)


def test_a_time_of_the_day_is_londons() -> None:
    half_past_eleven = datetime(2026, 7, 6, 23, 30, tzinfo=UTC)  # half past midnight, a Tuesday
    found = profile(
        "e1", "2026-Q3", [], [report(half_past_eleven, ["vehicle"], half_past_eleven)] * 10
    )

    assert found.reports_by_time.cells == {"night": 10}
    assert found.reports_by_day.cells == {"tuesday": 10}
    assert ("mentioned", "vehicle", "10") in list(lines(found))
    assert ("mentioned", "total", "") in list(lines(found))
