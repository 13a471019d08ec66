"""Published numbers give nobody away: not alone, not by a total, not by subtracting."""

import itertools
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.allocation.numbers.quarter import count
from services.allocation.numbers.table import lines
from shared.errors import BadRequest
from shared.rules.quarters import quarter_bounds
from shared.rules.suppression import THRESHOLD, percent, publish, typical

tables = st.dictionaries(st.sampled_from("abcde"), st.integers(0, 40), max_size=5)


@given(tables)
def test_no_count_under_ten_is_published(counts: dict[str, int]) -> None:
    published = publish(counts)

    for name in published.cells:
        assert counts[name] >= THRESHOLD
    assert all(n >= THRESHOLD and n % 5 == 0 for n in published.cells.values())


@given(tables)
def test_one_is_never_withheld_alone(counts: dict[str, int]) -> None:
    published = publish(counts)

    present = {name for name, n in counts.items() if n}
    withheld = present - set(published.cells)
    assert len(withheld) != 1 or len(present) == 1
    assert published.total is None or not withheld


@given(st.dictionaries(st.sampled_from("abc"), st.integers(0, 25), max_size=3))
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


def test_a_quarter_is_provisional_up_to_the_last_monday_till_a_week_after_its_end() -> None:
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 3, 31, 23, tzinfo=UTC)
    monday = datetime(2026, 2, 9, tzinfo=UTC)

    def on(*day: int) -> tuple[datetime, datetime, bool]:
        return quarter_bounds("2026-Q1", date(*day))

    assert on(2026, 4, 8) == on(2030, 1, 1) == (start, end, False)
    assert on(2026, 4, 7) == on(2026, 4, 6) == (start, end, True)
    assert on(2026, 2, 9) == on(2026, 2, 15) == (start, monday, True)
    assert on(2026, 1, 1) == on(2026, 1, 4) == (start, start, True)
    assert quarter_bounds("2025-Q4", date(2026, 4, 1))[1] == start


def test_what_happened_in_the_quarter_is_counted_and_nothing_else() -> None:
    start, end, _ = quarter_bounds("2026-Q1", date(2026, 5, 1))

    def row(number: int, at: datetime) -> dict[str, object]:
        return {
            "received_at": at,
            "allocated_at": at + timedelta(hours=5),
            "assessment": {"level": "mild"},
            "worker_id": "wk_one",
            "workers_before": [],
            "subject_id": f"sub_{at}_{number}",
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


def test_a_share_is_in_fives_downwards_from_ten_on() -> None:
    assert [percent(part, whole) for part, whole in ((1, 10), (9, 10), (10, 10), (29, 100))] == [
        10, 90, 100, 25,
    ]  # fmt: skip
    assert typical([3.0] * 10).model_dump() == {"median_hours": 3, "cases": 10}


@pytest.mark.parametrize(
    ("quarter", "code"),
    [
        *(
            (wrong, "quarter_invalid")
            for wrong in (
                *(
                    "2025-Q0",
                    "2025-Q5",
                    "2025-QX",
                    "2025xQ1",
                    "x",
                    "2025-Q 1",
                    "+202-Q1",
                    "2_25-Q1",
                ),
                *("\u0662\u0660\u0662\u0665-Q1", "2025-Q\u0663", "2025-Q1\n"),
            )
        ),
        ("2026-Q3", "quarter_not_begun"),
    ],
)
def test_a_quarter_is_refused_with_its_code(quarter: str, code: str) -> None:
    with pytest.raises(BadRequest) as refused:
        quarter_bounds(quarter, date(2026, 6, 30))
    assert refused.value.code == code
    assert quarter_bounds("2026-Q2", date(2026, 7, 1))


def test_every_table_counts_its_own_day_and_the_first_worker_of_a_case() -> None:
    start, end, _ = quarter_bounds("2026-Q1", date(2026, 5, 1))
    last, ids = end - timedelta(seconds=1), itertools.count()

    def rows(times: dict[str, datetime], n: int = 20, **fields: object) -> list[dict[str, object]]:
        said = {"assessment": {"level": "mild"}, "closure": "completed", "worker_id": "wk_now"}
        return [{**said, **times, "subject_id": f"sub_{next(ids)}", **fields} for _ in range(n)]

    results = [{"goal": "safer", "outcome": "achieved"}, {"goal": "home", "outcome": "partly"}]
    ended: dict[str, Any] = {"outcomes": results}
    known = [
        *rows({"received_at": start}, reach={"gender": "male"}),
        *rows({"received_at": start}),
        *rows({"received_at": end}),
        *rows({"allocated_at": last, "received_at": start - timedelta(hours=2)}, 15),
        *rows({"allocated_at": start}, workers_before=["wk_first", "wk_second"]),
        *rows({"allocated_at": start - timedelta(hours=3), "accepted_at": start}),
        *rows({"closed_at": start}, **ended),
        *rows({"closed_at": end}, **ended),
        *rows({"closed_at": start}, 10, closure="moved_away"),
    ]

    numbers = count("hub_north", "2026-Q1", known, start, end)

    waited = round((last - start + timedelta(hours=2)) / timedelta(hours=1))
    assert numbers.model_dump() == {
        "hub_id": "hub_north",
        "quarter": "2026-Q1",
        "until": end,
        "provisional": False,
        "now": None,
        "received_by_level": {"cells": {"mild": 40}, "total": 40},
        "allocated_by_worker": {"cells": {"wk_first": 20, "wk_now": 15}, "total": 35},
        "waiting": {"median_hours": 0, "cases": 35},
        "time_to_accept": {"median_hours": 3, "cases": 20},
        "closed_by_reason": {"cells": {"completed": 20, "moved_away": 10}, "total": 30},
        "outcomes": {
            "home": {"cells": {"partly": 20}, "total": 20},
            "safer": {"cells": {"achieved": 20}, "total": 20},
        },
        "reach": {
            "age_band": {"cells": {"not_known": 40}, "total": 40},
            "gender": {"cells": {"male": 20, "not_known": 20}, "total": 40},
            "ethnicity": {"cells": {"not_known": 40}, "total": 40},
        },
        "completeness": {"age_band": 0, "gender": 50, "ethnicity": 0},
    }
    longest = count("hub_north", "2026-Q1", known[60:75], start, end)
    assert longest.waiting.median_hours == waited


def test_only_hours_that_have_passed_since_are_counted() -> None:
    start, end, _ = quarter_bounds("2026-Q1", date(2026, 5, 1))
    row = {"received_at": start - timedelta(minutes=6001), "allocated_at": start, "worker_id": "wk"}

    assert count("hub_north", "2026-Q1", [row] * 10, start, end).waiting.median_hours == 100


CODES = ("female", "male", "not_known", "declined")
referral = st.tuples(st.integers(0, 15), st.integers(0, 1000), st.sampled_from(CODES))


@given(st.lists(referral, max_size=60))
def test_reach_counts_young_people_each_once_as_the_newest_word_has_them(
    received: list[tuple[int, int, str]],
) -> None:
    start, end, _ = quarter_bounds("2026-Q1", date(2026, 5, 1))
    rows = [
        {
            "received_at": start + timedelta(hours=hour),
            "assessment": {"level": "mild"},
            "subject_id": f"sub_{child}",
            "reach": {"gender": code},
        }
        for child, hour, code in received
    ]

    reach = count("hub_north", "2026-Q1", rows, start, end).reach["gender"]

    children = {child for child, _, _ in received}
    newest = {}
    for child in children:
        said = [(hour, n, code) for n, (c, hour, code) in enumerate(received) if c == child]
        telling = [each for each in said if each[2] in ("female", "male")]
        newest[child] = max(telling or said)[2]
    assert reach == publish(Counter(newest.values()))
    assert (reach.total or 0) <= len(children) + 5


def test_an_end_before_a_reopening_stays_in_its_quarter() -> None:
    start, end, _ = quarter_bounds("2026-Q1", date(2026, 5, 1))
    results = ({"goal": "safer", "outcome": "achieved"},)
    before = {"closed_at": start, "closure": "completed", "outcomes": results}
    open_again = {"subject_id": "sub_1", "closings": [before], "closed_at": None}
    ended_again = {**open_again, "closed_at": end, "closure": "moved_away", "outcomes": ()}

    for rows in ([open_again] * 20, [ended_again] * 20):
        numbers = count("hub_north", "2026-Q1", rows, start, end)

        assert numbers.closed_by_reason.cells == {"completed": 20}
        assert numbers.outcomes["safer"].cells == {"achieved": 20}


def test_every_number_has_a_line_and_what_is_withheld_has_none() -> None:
    start, end, _ = quarter_bounds("2026-Q1", date(2026, 5, 1))
    rows = [
        {
            "closed_at": start,
            "closure": reason,
            "outcomes": ({"goal": "safer", "outcome": "partly"},),
        }
        for reason, n in (("completed", 30), ("moved_away", 20), ("other", 3))
        for _ in range(n)
    ]
    numbers = count("hub_north", "2026-Q1", rows, start, end)

    written = list(lines(numbers))

    assert ("closed_by_reason", "moved_away", "20") in written
    assert ("closed_by_reason", "total", "") in written
    assert ("outcomes_safer", "partly", "55") in written
    assert not [line for line in written if "other" in line]
    assert all(text[:1] not in ("=", "+", "-", "@") for line in written for text in line)
