"""Who is on duty: exactly one, or a gap that is listed; by the clock on the wall."""

import bisect
import itertools
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from services.allocation.caseload.worker import Worker
from services.allocation.rota.plan import KINDS, Rota, check
from services.allocation.rota.rule import Gap, gaps, in_turn, on_duty, turns
from shared.errors import Malformed
from shared.rules.calendars import is_bank_holiday
from tests.conftest import EXAMPLES
from tests.unit.allocation.given import worker

LONDON = ZoneInfo("Europe/London")
WEEK = list(KINDS)
STAFF = ("wk_ann", "wk_ben", "wk_cat")


def span(
    name: str, start: str, end: str, days: list[str] | None = None, **who: Any
) -> dict[str, Any]:
    return {
        **{"name": name, "start": start, "end": end, "days": days or WEEK},
        **(who or {"worker_id": "wk_ann"}),
    }


def rota(*spans: dict[str, Any], **changes: Any) -> Rota:
    made = Rota.model_validate({"spans": list(spans), **changes})
    check(made)
    return made


def staff(**changes: dict[str, Any]) -> dict[str, Worker]:
    return {one: worker(one, **changes.get(one, {})) for one in STAFF}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=LONDON).astimezone(UTC)


def who(rota_: Rota, workers: dict[str, Worker], when: str) -> str | None:
    return on_duty(rota_, workers, at(when)).worker_id


def test_a_span_over_midnight_belongs_to_the_day_on_which_it_starts() -> None:
    nights = rota(
        span("day", "09:00", "17:00"),
        span("night", "17:00", "09:00", ["friday"], worker_id="wk_ben"),
    )

    assert who(nights, staff(), "2026-06-05 23:00") == "wk_ben"  # a Friday
    assert who(nights, staff(), "2026-06-06 08:59") == "wk_ben"
    assert who(nights, staff(), "2026-06-06 09:00") == "wk_ann"
    assert who(nights, staff(), "2026-06-06 17:00") is None


def test_a_bank_holiday_is_a_day_of_its_own_kind_in_its_nation() -> None:
    spans = (
        span("day", "09:00", "17:00", ["monday"]),
        span("holiday", "09:00", "17:00", ["bank_holiday"], worker_id="wk_ben"),
    )
    summer = "2026-08-31 12:00"  # a Monday, and a bank holiday but in Scotland

    assert who(rota(*spans), staff(), summer) == "wk_ben"
    assert who(rota(*spans, nation="scotland"), staff(), summer) == "wk_ann"


def test_on_a_day_that_is_different_others_have_the_span_also_after_midnight() -> None:
    instead = {"on": "2026-06-05", "span": "night", "worker_id": "wk_cat"}
    nights = rota(span("night", "17:00", "09:00"), exceptions=[instead])

    assert who(nights, staff(), "2026-06-05 08:00") == "wk_ann"
    assert who(nights, staff(), "2026-06-05 18:00") == "wk_cat"
    assert who(nights, staff(), "2026-06-06 08:00") == "wk_cat"
    assert who(nights, staff(), "2026-06-06 18:00") == "wk_ann"


def test_who_is_away_has_left_or_is_unsafe_is_not_on_duty() -> None:
    people: dict[str, Any] = {"worker_id": "wk_ann", "stand_in_id": "wk_ben", "cover": "operators"}
    one = rota(span("always", "00:00", "00:00", **people))
    away: dict[str, Any] = {"leave": [{"start": "2026-06-05", "to": "2026-06-05"}]}
    left, noon = {"active": False}, at("2026-06-05 12:00")

    def there(
        unsafe: tuple[str, ...] = (), **changes: dict[str, Any]
    ) -> tuple[str | None, str | None]:
        found = on_duty(one, staff(**changes), noon, unsafe)
        return found.worker_id, found.cover

    assert there() == ("wk_ann", None)
    assert there(wk_ann=away) == there(wk_ann=left) == ("wk_ben", None)
    assert there(("worker:wk_ann",)) == ("wk_ben", None)
    hosted = {"host_agency_id": "ag_bad"}
    assert there(("agency:ag_bad",), wk_ann=hosted, wk_ben=hosted) == (None, "operators")
    assert on_duty(one, {}, noon).cover == "operators", "nobody registered them"


def test_a_worker_who_covers_may_be_away_too_and_then_it_is_a_gap() -> None:
    covered = rota(span("always", "00:00", "00:00", worker_id="wk_ann", cover="worker:wk_cat"))
    away = {"leave": [{"start": "2026-06-05", "to": "2026-06-06"}]}
    start, end = at("2026-06-01 00:00"), at("2026-06-20 00:00")

    assert who(covered, staff(wk_ann=away), "2026-06-05 12:00") == "wk_cat"
    assert gaps(covered, staff(wk_ann=away, wk_cat=away), start, end) == [
        Gap(start=at("2026-06-05 00:00"), until=at("2026-06-07 00:00"))
    ]


def test_a_gap_that_does_not_end_says_so() -> None:
    alone = rota(span("always", "00:00", "00:00"))
    away = staff(wk_ann={"leave": [{"start": "2026-06-05"}]})

    assert gaps(alone, away, at("2026-06-01 00:00"), at("2026-06-20 00:00")) == [
        Gap(start=at("2026-06-05 00:00"))
    ]


def test_the_clock_is_put_forward_and_back() -> None:
    nights = rota(
        span("early", "00:00", "01:30"),
        span("late", "01:30", "00:00", worker_id="wk_ben"),
    )
    utc = datetime(2026, 3, 29, tzinfo=UTC)
    spring = [utc + timedelta(minutes=m) for m in (59, 60)]
    assert [on_duty(nights, staff(), one).worker_id for one in spring] == ["wk_ann", "wk_ben"]

    utc = datetime(2026, 10, 25, tzinfo=UTC)  # 01:00 comes twice: at 00:00 and at 01:00 UTC
    autumn = [utc + timedelta(minutes=m) for m in (29, 30, 59, 60, 89, 90)]
    assert [on_duty(nights, staff(), one).worker_id for one in autumn] == [
        *("wk_ann", "wk_ben", "wk_ben", "wk_ann", "wk_ann", "wk_ben")
    ]
    assert set(autumn) >= set(
        turns(nights, utc + timedelta(minutes=1), utc + timedelta(minutes=91))
    )


REFUSED = {
    "two spans of one name": ([span("a", "09:00", "10:00"), span("a", "11:00", "12:00")], []),
    "an overlap": ([span("a", "09:00", "12:00"), span("b", "11:59", "13:00")], []),
    "an overlap from a day to the next": (
        [span("a", "17:00", "09:00", ["sunday"]), span("b", "08:00", "12:00", ["monday"])],
        [],
    ),
    "an overlap where the second begins the day before": (
        [span("a", "08:00", "12:00", ["monday"]), span("b", "17:00", "09:00", ["sunday"])],
        [],
    ),
    "an overlap if the day after is a bank holiday": (
        [span("a", "17:00", "09:00", ["tuesday"]), span("b", "08:00", "12:00", ["bank_holiday"])],
        [],
    ),
    "no such time": ([span("a", "24:00", "09:00")], []),
    "nobody": ([{"name": "a", "start": "09:00", "end": "10:00", "days": ["monday"]}], []),
    "a stand-in for themselves": (
        [span("a", "09:00", "10:00", worker_id="wk_ann", stand_in_id="wk_ann")],
        [],
    ),
    "an exception about no span": (
        [span("a", "09:00", "10:00")],
        [{"on": "2026-06-05", "span": "b", "worker_id": "wk_ben"}],
    ),
    "an exception on another day": (
        [span("a", "09:00", "10:00", ["monday"])],
        [{"on": "2026-06-05", "span": "a", "worker_id": "wk_ben"}],
    ),
    "an exception on a day without an end": (
        [span("a", "09:00", "10:00")],
        [{"on": "9999-12-31", "span": "a", "worker_id": "wk_ben"}],
    ),
    "two exceptions about one span": (
        [span("a", "09:00", "10:00")],
        [{"on": "2026-06-05", "span": "a", "worker_id": one} for one in STAFF[:2]],
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_rota_that_is_not_clear_is_refused(case: str) -> None:
    spans, exceptions = REFUSED[case]

    with pytest.raises((Malformed, ValidationError)):
        rota(*spans, exceptions=exceptions)


def test_an_overlap_says_where() -> None:
    with pytest.raises(Malformed) as refused:
        rota(span("a", "09:00", "12:00"), span("b", "11:00", "13:00"))

    assert (refused.value.pointer, refused.value.message) == ("/spans/1", "It overlaps /spans/0.")


POSTS = st.fixed_dictionaries(
    {"worker_id": st.sampled_from(STAFF)},
    optional={"cover": st.sampled_from(["operators", "hub:hub_south", "worker:wk_cat"])},
)


@st.composite
def rotas(draw: st.DrawFn) -> Rota:
    """Each kind of day cut into pieces of which some are spans; some nights run into the morning."""
    spans = []
    first = {}
    for kind in KINDS:
        cuts = sorted(draw(st.sets(st.integers(1, 95), min_size=2, max_size=4)))
        first[kind] = cuts[0]
        for start, end in itertools.pairwise(cuts):
            if draw(st.booleans()):
                spans.append((kind, start, end))
    for kind in draw(st.sets(st.sampled_from(KINDS))):
        last = max([end for one, _, end in spans if one == kind], default=95)
        spans.append((kind, last, draw(st.integers(0, min(first.values())))))
    made = [
        span(f"s{number}", _clock(start), _clock(end), [kind], **draw(POSTS))
        for number, (kind, start, end) in enumerate(spans or [("monday", 36, 68)])
    ]
    return rota(*made, nation=draw(st.sampled_from(["england", "scotland"])))


def _clock(quarter: int) -> str:
    return f"{quarter // 4:02}:{quarter % 4 * 15:02}"


@st.composite
def leaves(draw: st.DrawFn, year: int) -> list[dict[str, str]]:
    start = date(year, 1, 1) + timedelta(days=draw(st.integers(0, 364)))
    return [{"start": str(start), "to": str(start + timedelta(days=draw(st.integers(0, 40))))}]


def expected(one: Rota, workers: dict[str, Worker], when: datetime) -> str | None:
    """Another way to the same: every span of yesterday and today on the wall, and who is there."""
    wall = when.astimezone(LONDON).replace(tzinfo=None)
    found = []
    for day in (wall.date() - timedelta(days=1), wall.date()):
        kind = "bank_holiday" if is_bank_holiday(day, one.nation) else KINDS[day.weekday()]
        for each in one.spans:
            start, end = (time.fromisoformat(t) for t in (each.start, each.end))
            ends_on = day if end > start else day + timedelta(days=1)
            begins, ends = datetime.combine(day, start), datetime.combine(ends_on, end)
            if kind in each.days and begins <= wall < ends:
                found.append(each)
    assert len(found) <= 1, "two spans at once"
    if not found:
        return None
    cover = found[0].cover or ""
    for name in (found[0].worker_id, cover.removeprefix("worker:")):
        there = workers.get(name or "")
        if there and not any(p.start <= wall.date() <= (p.to or wall.date()) for p in there.leave):
            return name
    return cover if cover in ("operators", "hub:hub_south") else None


@settings(max_examples=max(10, EXAMPLES // 4))  # each is a year
@given(st.data())
def test_at_every_moment_of_a_year_one_is_on_duty_or_it_is_a_listed_gap(
    data: st.DataObject,
) -> None:
    one, year = data.draw(rotas()), data.draw(st.integers(2025, 2032))
    workers = staff(**{w: {"leave": data.draw(leaves(year))} for w in STAFF[:2]})
    start = datetime(year, 1, 1, tzinfo=UTC)
    end = datetime(year + 1, 1, 1, tzinfo=UTC)

    listed = gaps(one, workers, start, end)

    assert all(g.until is None or g.start < g.until for g in listed)
    assert all(a.until is not None and a.until < b.start for a, b in itertools.pairwise(listed))
    second = timedelta(seconds=1)
    some = data.draw(st.randoms(use_true_random=False)).sample(listed, min(40, len(listed)))
    edges = [m for g in some for e in (g.start, g.until or end) for m in (e - second, e)]
    anywhere = data.draw(st.lists(st.integers(0, 365 * 24 * 60 - 1), min_size=30, max_size=30))
    # The nights in which the clock may change, at 01:00 UTC.
    changed = [
        start + timedelta(days=d, minutes=15 * q) for d in (87, 88, 297, 298) for q in range(16)
    ]
    begins = [g.start for g in listed]
    for moment in (*edges, *changed, *(start + timedelta(minutes=m) for m in anywhere)):
        if not start <= moment < end:
            continue
        found = on_duty(one, workers, moment)
        assert (found.worker_id or found.cover) == expected(one, workers, moment)
        assert found.worker_id == next(iter(in_turn(one, workers, moment)), None)
        before = listed[bisect.bisect_right(begins, moment) - 1 :][:1] if begins else []
        in_gap = [g for g in before if g.start <= moment < (g.until or end)]
        assert len(in_gap) == int(found.nobody), f"{moment}: {found}, {in_gap}"
