"""Each gap of a rota is told once: however often somebody looks, and over any course of leaves."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.allocation.hubs.hub import Hub
from services.allocation.rota.rule import Gap
from services.allocation.rota.warning import note_gaps
from shared.events.rota import RotaGapsChanged
from tests.unit.allocation.given import hub

AT = datetime(2026, 6, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def gap(start: int, until: int | None) -> Gap:
    return Gap(start=AT + start * HOUR, until=None if until is None else AT + until * HOUR)


def look(of: Hub, *found: Gap, at: int = 0, end: int = 100) -> tuple[Hub, list[RotaGapsChanged]]:
    change = note_gaps(of, found, AT + at * HOUR, AT + end * HOUR, of.rota_revision)
    events = [event for event in change.events if isinstance(event, RotaGapsChanged)]
    return change.after, events


def starts(events: list[RotaGapsChanged]) -> list[datetime]:
    return [each.start for event in events for each in event.opened]


def test_a_gap_is_told_once_until_it_grows_or_is_filled_and_comes_again() -> None:
    known, first = look(hub(), gap(10, 20))
    assert starts(first) == [gap(10, 20).start]
    for at, found in ((1, gap(10, 20)), (12, gap(12, 20)), (15, gap(15, 18))):
        assert look(known, found, at=at)[1] == [], "it is known"
    assert starts(look(known, gap(10, 21))[1]) == [gap(10, 21).start]

    filled, said = look(known)
    assert [len(event.closed) for event in said] == [1]
    assert starts(look(filled, gap(10, 20))[1]) == [gap(10, 20).start]


def test_a_gap_without_an_end_is_told_again_when_the_time_has_come_that_was_looked_to() -> None:
    known, _ = look(hub(), gap(10, None), end=100)

    assert look(known, gap(50, None), at=50, end=150)[1] == []
    assert look(known, gap(50, 120), at=50, end=150)[1] == [], "when it ends is good news"
    assert starts(look(known, gap(100, None), at=100, end=200)[1]) == [gap(100, None).start]


def test_of_two_looks_at_a_gap_that_runs_the_earlier_one_that_comes_second_says_nothing() -> None:
    known, first = look(hub(), gap(10, 20), at=10)

    assert len(first) == 1
    assert look(known, gap(9, 20), at=9)[1] == []
    assert look(known, gap(9, None), at=9, end=20)[1] != [], "that it has no end is news"


def test_a_look_at_a_rota_that_is_none_any_more_says_nothing() -> None:
    change = note_gaps(hub(), [gap(1, 2)], AT, AT + 9 * HOUR, revision=7)

    assert not change.events


HOURS = st.sets(st.integers(0, 60), max_size=20)


def gaps_of(missing: set[int], at: int, end: int) -> list[Gap]:
    """Whole gaps of these hours as somebody sees them who looks from `at` to `end`."""
    found: list[Gap] = []
    for hour in sorted(h for h in missing if at <= h < end):
        follows = bool(found) and found[-1].until == AT + hour * HOUR
        start = found.pop().start if follows else AT + hour * HOUR
        found.append(Gap(start=start, until=AT + (hour + 1) * HOUR))
    if found and found[-1].until == AT + end * HOUR:
        found[-1] = Gap(start=found[-1].start)
    return found


@given(st.lists(st.tuples(st.integers(0, 3), HOURS), min_size=1, max_size=12))
def test_after_each_look_every_gap_is_known_and_the_same_look_again_says_nothing(
    looks: list[tuple[int, set[int]]],
) -> None:
    known, at = hub(), 0
    for later, missing in looks:
        at += later
        found = gaps_of(missing, at, at + 30)
        known, events = look(known, *found, at=at, end=at + 30)

        told = [(k.start, k.reach) for k in known.gaps_known]
        assert all(any(a <= g.start < b for a, b in told) for g in found)
        assert set(starts(events)) <= {g.start for g in found}
        assert look(known, *found, at=at, end=at + 30)[1] == []
        sooner = gaps_of(missing, at + 1, at + 30)  # an hour later, as another replica would
        assert starts(look(known, *sooner, at=at + 1, end=at + 30)[1]) == []
