"""When supervision is due, and that nothing about its content can be kept."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from services.allocation.caseload.route import SupervisionEntry
from services.allocation.caseload.supervision import flag_overdue, overdue, supervise
from services.allocation.caseload.worker import SUPERVISION_DUE, Noted, due_on, interval, kinds
from services.allocation.casework.request import Debrief
from shared.errors import Refused
from shared.storage.records import Change
from tests.unit.allocation.given import AT, later, outcome, worker

HOSTED: dict[str, Any] = {"worker_role": "spoke_worker", "host_setting": "police"}


def test_who_sits_with_another_agency_also_needs_professional_supervision_by_the_hub() -> None:
    assert kinds(worker()) == ("case",)
    assert kinds(worker(worker_role="spoke_worker")) == ("case",)
    assert kinds(worker(**HOSTED)) == ("case", "professional")


@pytest.mark.parametrize(
    ("newly_qualified_from", "held_on", "next_due"),
    [
        (None, date(2026, 3, 2), date(2026, 4, 2)),
        ("2026-02-20", date(2026, 3, 2), date(2026, 3, 9)),
        ("2026-01-01", date(2026, 3, 2), date(2026, 3, 16)),
        ("2025-06-01", date(2026, 3, 2), date(2026, 4, 2)),
    ],
)
def test_the_newly_qualified_are_supervised_more_often(
    newly_qualified_from: str | None, held_on: date, next_due: date
) -> None:
    one = worker(newly_qualified_from=newly_qualified_from)

    after = supervise(one, "case", held_on, AT).after

    assert due_on(after, "case") == next_due


def test_overdue_is_flagged_once_a_week_until_it_took_place() -> None:
    one = worker(**HOSTED)
    late = datetime(2026, 4, 3, 8, tzinfo=UTC)

    assert overdue(one, datetime(2026, 4, 2, 22, tzinfo=UTC)) == ()
    first = flag_overdue(one, late)
    twice = flag_overdue(first.after, late)

    (event,) = first.events
    assert event.model_dump()["kinds"] == ("case", "professional")
    assert first.after.timers()[SUPERVISION_DUE] == datetime(2026, 4, 10, 8, tzinfo=UTC)
    assert twice.events == ()


def test_supervision_that_took_place_stops_the_flag() -> None:
    late = datetime(2026, 4, 3, 8, tzinfo=UTC)

    held = supervise(worker(), "case", date(2026, 4, 3), late)

    assert overdue(held.after, late) == ()
    assert held.after.timers()[SUPERVISION_DUE] == datetime(2026, 5, 4, 23, tzinfo=UTC), (
        "midnight in summer"
    )
    assert flag_overdue(held.after, late).events == ()
    assert supervise(held.after, "case", date(2026, 4, 1), late).events == ()


def test_only_what_took_place_is_noted() -> None:
    with pytest.raises(Refused, match="supervision_in_future"):
        supervise(worker(), "case", date(2026, 3, 3), AT)


def test_who_has_left_has_no_clock() -> None:
    assert worker(active=False).supervision_at is None
    assert worker().supervision_at is not None
    assert worker(at=later(days=100)).supervision_at != worker().supervision_at


def test_there_is_no_way_to_send_what_was_said() -> None:
    with pytest.raises(ValidationError, match="extra_forbidden"):
        SupervisionEntry.model_validate({"kind": "case", "held_on": "2026-03-02", "notes": "x"})
    with pytest.raises(ValidationError, match="extra_forbidden"):
        Debrief.model_validate({"outcome": "held", "content": "x"})


def test_a_supervision_is_noted_with_the_day_on_which_the_next_is_due() -> None:
    one = worker(**HOSTED)

    change = supervise(one, "case", date(2026, 3, 12), later(days=20), "usr_1")

    noted = (Noted(held_on=date(2026, 3, 12), account="usr_1"),)
    assert outcome(one, change) == {
        "changed": {
            "supervised_on": {"case": date(2026, 3, 12)},
            "supervisions": {"case": noted},
        },
        "said": {
            "worker.supervised": {
                "worker_id": "wk_one",
                "hub_id": "hub_north",
                "kind": "case",
                "held_on": date(2026, 3, 12),
                "next_due_on": date(2026, 4, 12),
            }
        },
    }
    # The other kind is due first; midnight in summer.
    assert change.after.timers()[SUPERVISION_DUE] == datetime(2026, 4, 2, 23, tzinfo=UTC)
    for day in (date(2026, 3, 12), date(2026, 3, 11)):
        assert supervise(change.after, "case", day, later(days=20)) == Change(change.after)


def test_an_overdue_supervision_says_which_and_since_when() -> None:
    late = later(days=39)
    one = supervise(worker(**HOSTED), "case", date(2026, 3, 5), later(days=5)).after
    again = late + timedelta(days=7)

    change = flag_overdue(one, late)

    assert outcome(one, change) == {
        "changed": {"supervision_at": again},
        "said": {
            "worker.supervision_overdue": {
                "worker_id": "wk_one",
                "hub_id": "hub_north",
                "kinds": ("case", "professional"),
                "due_on": date(2026, 4, 2),
            }
        },
    }
    assert flag_overdue(one.but(supervision_at=late), late).events == change.events
    for early in (one.but(supervision_at=None), one.but(supervision_at=again)):
        assert flag_overdue(early, late) == Change(early)
    in_time = worker().but(supervision_at=AT)
    assert flag_overdue(in_time, AT) == Change(in_time)


def test_a_supervision_to_come_is_refused_with_its_code() -> None:
    with pytest.raises(Refused) as refused:
        supervise(worker(), "case", date(2026, 3, 3), AT)
    assert refused.value.code == "supervision_in_future"


@pytest.mark.parametrize(
    ("days", "of_hub", "interval_days"),
    [(0, 31, 7), (41, 31, 7), (42, 31, 14), (182, 31, 14), (183, 31, 31), (0, 5, 5), (42, 10, 10)],
)
def test_the_hub_may_ask_for_more_but_not_for_less_of_the_newly_qualified(
    days: int, of_hub: int, interval_days: int
) -> None:
    new = worker(newly_qualified_from="2026-03-02").but(supervision_days=of_hub)

    assert interval(new, date(2026, 3, 2) + timedelta(days=days)) == timedelta(days=interval_days)
