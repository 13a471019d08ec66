"""Nobody is shown who did not say so, and of who is away nothing but until when."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.allocation.caseload.capacity import amend_worker
from services.allocation.caseload.worker import WorkerEntry, day_of, worker_entry
from services.allocation.directory.card import HubCard, WorkerCard
from services.allocation.directory.rule import (
    absence,
    hold_back,
    is_listed,
    put_hub_card,
    put_worker_card,
)
from services.allocation.directory.view import person_view
from shared.errors import Refused
from tests.unit.allocation.given import AT, hub, worker

CARD = WorkerCard(shown=True, name="Sample Worker", phone="020 7946 0000")
TODAY = day_of(AT)


def leave(start: int, to: int | None) -> dict[str, Any]:
    end = None if to is None else str(TODAY + timedelta(days=to))
    return {"start": str(TODAY + timedelta(days=start)), "to": end, "kind": "sickness"}


def test_nobody_is_listed_who_has_not_said_so() -> None:
    unsaid = worker(name="Sample Worker")
    hidden = put_worker_card(unsaid, WorkerCard(name="Sample Worker")).after

    assert [is_listed(unsaid), is_listed(hidden)] == [False, False]
    assert is_listed(put_worker_card(unsaid, CARD).after)


def test_the_same_again_changes_nothing_and_no_event_has_a_word_of_it() -> None:
    first = put_worker_card(worker(), CARD)

    assert put_worker_card(first.after, CARD).events == ()
    (event,) = first.events
    assert event.model_dump()["parts"] == ("name", "phone")
    assert "Sample" not in event.model_dump_json() + event.says("worker:wk_one")
    assert "7946" not in event.model_dump_json()


def test_what_a_manager_holds_back_stays_so_whatever_the_worker_says() -> None:
    held = hold_back(put_worker_card(worker(), CARD).after, held_back=True).after
    said_again = put_worker_card(held, CARD.model_copy(update={"phone": None})).after

    assert not is_listed(said_again)
    assert is_listed(hold_back(said_again, held_back=False).after)


@pytest.mark.parametrize("change", [{"active": False}, {"hub_id": "hub_south"}])
def test_who_leaves_or_goes_to_another_hub_leaves_no_word_behind(change: dict[str, Any]) -> None:
    listed = put_worker_card(worker(), CARD).after
    entry = WorkerEntry.model_validate({**worker_entry(listed).model_dump(), **change})

    left = amend_worker(listed, entry, hub(), AT)

    assert left.after.card is None
    assert [type(e).event_type for e in left.events] == [
        "worker.registered",
        "worker.directory_entry_changed",
    ]


def test_of_who_has_left_nothing_is_taken() -> None:
    with pytest.raises(Refused) as refusal:
        put_worker_card(worker(active=False), CARD)

    assert refusal.value.code == "worker_not_in_post"


@given(
    st.lists(
        st.tuples(st.integers(-9, 9), st.integers(0, 9), st.booleans()).map(
            lambda one: leave(one[0], one[0] + one[1] if one[2] or one[1] else None)
        ),
        max_size=6,
    )
)
def test_who_is_away_is_back_on_the_first_day_without_leave(leaves: list[dict[str, Any]]) -> None:
    away = worker(leave=leaves)

    found = absence(away, AT)

    def there(day: date) -> bool:
        return not any(each.covers(day) for each in away.leave)

    days = [day for n in range(90) if there(day := TODAY + timedelta(days=n))]
    assert found.away is not there(TODAY)
    assert found.back_on == (days[0] if found.away and days else None)


def test_a_leave_that_ends_at_the_end_of_time_breaks_nothing() -> None:
    for last in ("9999-12-31", "9999-12-30"):
        try:
            away = worker(leave=[{"start": str(TODAY), "to": last}])
        except ValidationError:
            continue  # no day that is taken
        assert absence(away, AT).away


def test_why_somebody_is_away_and_what_they_work_on_is_in_no_view() -> None:
    listed = put_worker_card(worker(leave=[leave(0, 3)], host_agency_id="ag_school"), CARD).after

    shown = person_view(listed, {}, AT)

    assert (shown.away, shown.back_on) == (True, TODAY + timedelta(days=4))
    assert not {"caseload", "cases", "leave", "kind", "room"} & set(shown.model_dump())
    assert (shown.host_agency_id, shown.host_setting) == (None, None)


@pytest.mark.parametrize(
    "card",
    [
        {"shown": True},
        {"start": "09:00"},
        {"start": "12:00", "end": "12:00"},
        {"phone": "call me"},
        {"email": "a b@example.org"},
        {"helps": ["everything"]},
        {"days": ["monday"] * 9},
        {"home": "1 Sample Street"},
    ],
)
def test_what_is_no_entry_is_refused(card: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        WorkerCard.model_validate(card)


@pytest.mark.parametrize("lacks", [{"places": None}, {"phone": None}])
def test_a_desk_is_public_only_with_its_places_and_a_way_to_reach_it(lacks: dict[str, Any]) -> None:
    said = {"public": True, "places": "Northtown", "phone": "020 7946 0000"}
    changed = put_hub_card(hub(), HubCard.model_validate(said))

    assert (changed.after.card_revision, changed.after.revision) == (1, 1)
    with pytest.raises(ValidationError):
        HubCard.model_validate({**said, **lacks})
