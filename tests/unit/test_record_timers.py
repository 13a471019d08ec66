"""A time is said once, in a field of the record: the timer follows from it."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.storage.records import Change, New, Record, timers_moved, timers_of_new

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
LATER = AT + timedelta(days=1)


class Clockwork(Record):
    """Rings at a time, or never."""

    ring_at: datetime | None = None
    wound: int = 0

    def timers(self) -> dict[str, datetime | None]:
        return {"ring_due": self.ring_at}


@pytest.mark.parametrize(
    ("before", "after", "moved"),
    [
        (AT, LATER, {"ring_due": LATER}),
        (None, AT, {"ring_due": AT}),
        (AT, None, {"ring_due": None}),
        (AT, AT, {}),  # it may be claimed, or have stopped: what does not change is left alone
        (None, None, {}),
    ],
)
def test_a_timer_moves_with_its_field_and_only_with_it(
    before: datetime | None, after: datetime | None, moved: dict[str, datetime | None]
) -> None:
    change = Change(Clockwork(id="c_1", ring_at=after, wound=1))

    assert timers_moved(Clockwork(id="c_1", ring_at=before), change) == moved


def test_what_a_change_says_of_a_timer_itself_goes_first() -> None:
    after = Clockwork(id="c_1", ring_at=LATER)
    change = Change(after, due={"ring_due": None, "other_due": AT})

    assert timers_moved(Clockwork(id="c_1", ring_at=AT), change) == {
        "ring_due": None,
        "other_due": AT,
    }


def test_the_timers_of_a_new_record_run_from_its_fields() -> None:
    assert timers_of_new(New(Clockwork(id="c_1", ring_at=AT), ())) == {"ring_due": AT}
    assert timers_of_new(New(Clockwork(id="c_1"), (), {"other_due": AT})) == {"other_due": AT}
