"""Published numbers give nobody away: not alone, not by a total, not by subtracting."""

from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.allocation.domain.numbers import count, quarter_bounds
from services.allocation.domain.suppression import THRESHOLD, percent, publish, typical
from shared.errors import BadRequest

tables = st.dictionaries(st.sampled_from("abcde"), st.integers(0, 40), max_size=5)


@given(tables)
@settings(max_examples=50, deadline=None)
def test_no_count_under_ten_is_published(counts: dict[str, int]) -> None:
    published = publish(counts)

    for name in published.cells:
        assert counts[name] >= THRESHOLD
    assert all(n >= THRESHOLD and n % 5 == 0 for n in published.cells.values())


@given(tables)
@settings(max_examples=50, deadline=None)
def test_one_is_never_withheld_alone(counts: dict[str, int]) -> None:
    published = publish(counts)

    present = {name for name, n in counts.items() if n}
    withheld = present - set(published.cells)
    assert len(withheld) != 1 or len(present) == 1
    assert published.total is None or not withheld


@given(st.dictionaries(st.sampled_from("abc"), st.integers(0, 25), max_size=3))
@settings(max_examples=60, deadline=None)
def test_every_small_count_could_have_been_another(counts: dict[str, int]) -> None:
    """Someone who knows the rules, and sees the table, can't work out a withheld count."""
    published = publish(counts)
    for name, n in counts.items():
        if 0 < n < THRESHOLD:
            # Other tables that look the same: this count another one, the others nearly as before.
            others = [other for other in counts if other != name]
            moves = product(range(-3, 4), repeat=len(others))
            assert any(
                publish(
                    {
                        name: another,
                        **{o: max(0, counts[o] + m) for o, m in zip(others, move, strict=True)},
                    }
                )
                == published
                for move in moves
                for another in range(1, THRESHOLD)
                if another != n
            ), counts


@given(tables, st.sampled_from("abcde"), st.integers(1, 9))
@settings(max_examples=40, deadline=None)
def test_subtracting_two_tables_leaves_open_how_few_they_differ_by(
    counts: dict[str, int], where: str, few: int
) -> None:
    """Two filters that differ by fewer than ten: some other few would look the same."""
    here = counts.get(where, 0)
    seen = publish(counts), publish({**counts, where: here + few})
    # Whoever looks knows the other counts only as they are published: any may be a little else.
    others = [{}, *({name: max(0, n + by)} for name, n in counts.items() for by in (-3, -1, 1, 3))]

    assert any(
        (
            publish({**counts, **other, where: base}),
            publish({**counts, **other, where: base + more}),
        )
        == seen
        for other in others
        if where not in other
        for more in range(1, 15)
        if more != few
        for base in range(max(0, here - 4), here + 5)
    )


def test_a_table_with_fewer_than_ten_in_all_is_withheld_whole() -> None:
    published = publish({"a": 4, "b": 5})

    assert (published.cells, published.total) == ({}, None)


def test_one_that_may_be_seen_protects_the_one_that_may_not() -> None:
    assert publish({"a": 3, "b": 12, "c": 80}).cells == {"c": 80}
    # Taking the smallest, `b`, would give `a` away: no other numbers look like these.
    assert publish({"a": 9, "b": 17, "c": 17}).cells == {"c": 15}
    assert publish({"a": 30, "b": 12, "c": 80}).cells == {"a": 30, "b": 10, "c": 80}


def test_durations_and_shares_need_ten_cases_too() -> None:
    assert typical([1.0] * 9).median_hours is None
    assert typical([2.0] * 12).model_dump() == {"median_hours": 2, "cases": 10}
    assert (percent(4, 9), percent(9, 12)) == (None, 75)


def test_only_whole_finished_quarters_can_be_asked_for() -> None:
    today = date(2026, 4, 1)

    start, end = quarter_bounds("2026-Q1", today)

    assert (start, end) == (
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 3, 31, 23, tzinfo=UTC),
    )
    assert quarter_bounds("2025-Q4", today)[1] == start
    for wrong in ("2026-Q2", "2026-Q0", "2026-Q5", "2026", "2026-03", "x"):
        with pytest.raises(BadRequest):
            quarter_bounds(wrong, today)


def test_what_happened_in_the_quarter_is_counted_and_nothing_else() -> None:
    start, end = quarter_bounds("2026-Q1", date(2026, 4, 1))

    def row(number: int, at: datetime) -> dict[str, object]:
        return {
            "received_at": at,
            "allocated_at": at + timedelta(hours=5),
            "assessment": {"level": "mild"},
            "worker_id": "wk_one",
            "workers_before": [],
            "reach": {"gender": "not_known" if number % 4 else "female"},
        }

    rows = [row(n, datetime(2026, 2, 1, tzinfo=UTC)) for n in range(40)]
    rows += [row(n, datetime(2025, 12, 1, tzinfo=UTC)) for n in range(40)]

    numbers = count("hub_north", "2026-Q1", rows, start, end)

    assert numbers.received_by_level.cells == {"mild": 40}
    assert numbers.waiting.median_hours == 5
    assert numbers.reach["gender"].cells == {"female": 10, "not_known": 30}
    assert numbers.completeness == {"age_band": 0, "gender": 25, "ethnicity": 0}
    assert numbers.time_to_accept.cases is None
