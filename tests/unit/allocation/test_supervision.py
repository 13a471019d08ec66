"""When supervision is due, and that nothing about its content can be kept."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from services.allocation.domain.supervision import (
    SUPERVISION_DUE,
    due_on,
    flag_overdue,
    kinds,
    overdue,
    supervise,
)
from services.allocation.routes.life import Debrief
from services.allocation.routes.workers import SupervisionEntry
from shared.errors import Refused
from tests.unit.allocation.given import AT, later, worker

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
    assert first.due[SUPERVISION_DUE] == datetime(2026, 4, 10, 8, tzinfo=UTC)
    assert twice.events == ()


def test_supervision_that_took_place_stops_the_flag() -> None:
    late = datetime(2026, 4, 3, 8, tzinfo=UTC)

    held = supervise(worker(), "case", date(2026, 4, 3), late)

    assert overdue(held.after, late) == ()
    assert held.due[SUPERVISION_DUE] == datetime(2026, 5, 4, 23, tzinfo=UTC), "midnight in summer"
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
