"""Caps on a day, what is left of them, and reserving that never passes them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.allocation.caseload.capacity import (
    Limit,
    amend_worker,
    available,
    follow_hub,
    hard_cap,
    keep,
    refresh,
    register_worker,
    release,
    reserve,
    room,
    soft_cap,
)
from services.allocation.caseload.worker import (
    CAPACITY_DUE,
    LEAVE_DUE,
    SUPERVISION_DUE,
    UNAVAILABLE,
    Worker,
    WorkerEntry,
    worker_entry,
)
from shared.errors import Refused
from shared.events.workers import CaseloadChanged, WorkerRegistered
from shared.storage.records import Change
from tests.unit.allocation.given import AT, hub, later, outcome, taking, worker


def holding(weight: int, at_round: int = 1, **changes: Any) -> Worker:
    return reserve(
        worker(**changes), taking("ref_1", weight, at_round), limit="exceed", at=AT
    ).after


@pytest.mark.parametrize(
    ("changes", "cap"),
    [
        ({}, 20),
        ({"fte_percent": 50}, 10),
        ({"non_case_percent": 25}, 15),
        ({"fte_percent": 50, "non_case_percent": 25}, 7),
        ({"reductions": [{"start": "2026-03-02", "percent": 20, "reason": "new_in_post"}]}, 16),
        (
            {
                "reductions": [
                    {"start": "2026-01-01", "to": "2026-03-01", "percent": 20, "reason": "health"}
                ]
            },
            20,
        ),
        ({"non_case_percent": 100}, 0),
        ({"cap": None}, 40),
    ],
)
def test_the_cap_is_what_hours_other_duties_and_reductions_leave(
    changes: dict[str, Any], cap: int
) -> None:
    one = worker(**changes)

    assert (hard_cap(one, AT), soft_cap(one, AT)) == (cap, cap * 80 // 100)


def test_who_is_on_leave_has_no_room_whatever_the_cap() -> None:
    away = worker(leave=[{"start": "2026-03-02", "to": "2026-03-03", "kind": "annual"}])

    assert (available(away, AT), room(away, AT), away.room) == (False, UNAVAILABLE, UNAVAILABLE)
    assert room(away, later(days=2)) == 16


def test_the_day_is_the_day_in_london() -> None:
    away = worker(leave=[{"start": "2026-06-01", "to": "2026-06-01"}])

    # British Summer Time: 23:30 in UTC is half past midnight of the next day there.
    assert not available(away, datetime(2026, 5, 31, 23, 30, tzinfo=UTC))
    assert available(away, datetime(2026, 6, 1, 23, 30, tzinfo=UTC))


def test_the_clock_is_set_to_the_next_day_on_which_capacity_changes() -> None:
    entry = worker_entry(worker(leave=[{"start": "2026-03-10", "to": "2026-03-12"}]))
    made, _ = register_worker("wk_one", entry, hub(), AT)

    begins = refresh(made, datetime(2026, 3, 10, tzinfo=UTC))
    ends = refresh(begins.after, datetime(2026, 3, 13, tzinfo=UTC))

    assert made.timers()[CAPACITY_DUE] == datetime(2026, 3, 10, tzinfo=UTC)
    assert (begins.after.room, begins.after.timers()[CAPACITY_DUE]) == (
        UNAVAILABLE,
        datetime(2026, 3, 13, tzinfo=UTC),
    )
    assert (ends.after.room, ends.after.timers()[CAPACITY_DUE]) == (16, None)
    assert refresh(ends.after, later(days=30)).events == (), "each clock has one effect"


@pytest.mark.parametrize(("limit", "weight"), [("soft", 16), ("hard", 20), ("exceed", 50)])
def test_reserving_goes_up_to_its_limit_and_no_further(limit: Limit, weight: int) -> None:
    taken = reserve(worker(), taking("ref_1", weight, 1), limit=limit, at=AT)

    assert taken.after.caseload == weight
    if limit != "exceed":
        with pytest.raises(Refused, match="no_capacity"):
            reserve(worker(), taking("ref_1", weight + 1, 1), limit=limit, at=AT)


def test_a_worker_who_has_left_takes_nothing_not_even_by_two_managers() -> None:
    with pytest.raises(Refused, match="no_capacity"):
        reserve(worker(active=False), taking("ref_1", 1, 1), limit="exceed", at=AT)


def test_the_event_says_when_a_cap_is_exceeded() -> None:
    (event,) = reserve(worker(), taking("ref_1", 21, 1), limit="exceed", at=AT).events

    assert isinstance(event, CaseloadChanged)
    assert (event.caseload, event.cap, event.exceeds) == (21, 20, True)


def test_reserving_twice_is_once_and_a_later_round_takes_the_place_of_an_earlier() -> None:
    once = holding(3)

    assert reserve(once, taking("ref_1", 3, 1), limit="soft", at=AT).events == ()
    again = reserve(once, taking("ref_1", 5, 2), limit="soft", at=AT).after
    assert [(c.weight, c.round) for c in again.cases] == [(5, 2)]


def test_of_two_weights_for_one_round_the_greater_holds_until_the_case_is_settled() -> None:
    heavier = reserve(holding(2), taking("ref_1", 3, 1), limit="soft", at=AT).after

    assert reserve(heavier, taking("ref_1", 2, 1), limit="soft", at=AT).events == ()
    settled = keep(heavier, "ref_1", 2, AT)
    assert settled.after.caseload == 2
    assert keep(settled.after, "ref_1", 2, AT).events == ()


def test_what_is_reserved_for_a_round_to_come_is_not_given_back() -> None:
    held = holding(3, at_round=2)

    assert release(held, "ref_1", 1, AT).events == ()
    assert release(held, "ref_1", 2, AT).after.caseload == 0
    assert release(held, "ref_2", 9, AT).events == ()


def test_amending_keeps_cases_also_over_a_lowered_cap() -> None:
    held = holding(10)
    entry = worker_entry(held).model_copy(update={"cap": 5})

    after = amend_worker(held, entry, hub(), AT).after

    assert (after.caseload, after.cap, after.room, after.revision) == (10, 5, -6, 2)
    assert amend_worker(after, entry, hub(), AT).events == ()


def test_a_worker_with_open_cases_does_not_move_to_another_hub() -> None:
    held = holding(3)
    moved = worker_entry(held).model_copy(update={"hub_id": "hub_south"})

    with pytest.raises(Refused, match="worker_has_cases"):
        amend_worker(held, moved, hub(), AT)


def test_the_policy_of_the_hub_reaches_its_workers() -> None:
    of_hub, own = worker(cap=None), worker(cap=12)
    after = hub(caps={"hub_worker": 10}, soft_percent=50, supervision_days=14)

    assert follow_hub(of_hub, after, AT).after.room == 5
    assert follow_hub(own, after, AT).after.room == 6
    assert follow_hub(own, hub(), AT).events == ()


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["reserve", "release", "keep"]),
            st.sampled_from(["ref_1", "ref_2", "ref_3", "ref_4", "ref_5", "ref_6"]),
            st.integers(1, 6),
            st.integers(1, 3),
        ),
        max_size=30,
    )
)
def test_no_sequence_passes_the_cap_and_room_is_always_right(
    steps: list[tuple[str, str, int, int]],
) -> None:
    one = worker(cap=12)
    for step, referral, weight, number in steps:
        try:
            if step == "reserve":
                one = reserve(one, taking(referral, weight, number), limit="hard", at=AT).after
            elif step == "release":
                one = release(one, referral, number, AT).after
            else:
                one = keep(one, referral, weight, AT).after
        except Refused:
            pass
        assert one.caseload <= hard_cap(one, AT)
        assert one.room == room(one, AT)
        assert len({c.referral_id for c in one.cases}) == len(one.cases)


def test_an_entry_is_read_back_as_it_was_put() -> None:
    entry = WorkerEntry.model_validate(
        {
            "hub_id": "hub_north",
            "worker_role": "spoke_worker",
            "areas": ["northtown"],
            "host_setting": "police",
            "host_agency_id": "ag_police",
            "leave": [{"start": "2026-04-01", "to": "2026-04-02", "kind": "study"}],
            "conflicts": [{"kind": "agency", "id": "ag_school"}],
            "newly_qualified_from": "2026-01-05",
        }
    )

    made, _ = register_worker("wk_one", entry, hub(), AT)

    stored = Worker.model_validate({**dict(made), "id": "wk_one"})
    assert worker_entry(stored) == entry


def capacity_said(hard: int, soft: int, available: bool = True) -> dict[str, Any]:
    capacity = {"hard_cap": hard, "soft_cap": soft, "caseload": 3, "available": available}
    return {"worker.capacity_changed": {"worker_id": "wk_one", "hub_id": "hub_north", **capacity}}


def test_amending_says_the_entry_and_sets_both_clocks_anew() -> None:
    held = holding(3)
    leave = [{"start": "2026-03-10", "to": "2026-03-12"}]
    entry = WorkerEntry.model_validate(
        {
            **worker_entry(held).model_dump(),
            "cap": 10,
            "leave": leave,
            "newly_qualified_from": AT.date(),
        }
    )

    change = amend_worker(held, entry, hub(), later(days=1))

    registered = change.events[0]
    assert [event.event_type for event in change.events] == ["worker.registered"]
    assert isinstance(registered, WorkerRegistered)
    assert (registered.worker_id, registered.cap, registered.revision) == ("wk_one", 10, 2)
    at = datetime(2026, 3, 10, tzinfo=UTC)
    assert change.after.timers() == {CAPACITY_DUE: at, SUPERVISION_DUE: at, LEAVE_DUE: None}
    assert (change.after.room, change.after.revision, change.after.cases) == (5, 2, held.cases)
    assert amend_worker(change.after, entry, hub(), later(days=1)) == Change(change.after)


def test_the_policy_of_the_hub_is_said_once_and_a_running_clock_runs_on() -> None:
    held = holding(3, cap=None).but(supervision_at=later(days=40))
    smaller, sooner = hub(caps={"hub_worker": 10}, soft_percent=50), hub(supervision_days=14)

    capped, told = (follow_hub(held, policy, AT) for policy in (smaller, sooner))

    assert outcome(held, capped) == {
        "changed": {"cap": 10, "soft_percent": 50, "room": 2},
        "said": capacity_said(10, 5),
    }
    due = datetime(2026, 3, 17, tzinfo=UTC)
    assert outcome(held, told)["changed"] == {"supervision_days": 14, "supervision_at": due}
    assert follow_hub(capped.after, smaller, AT) == Change(capped.after)


def test_the_day_of_a_leave_says_what_is_left() -> None:
    held = holding(3, leave=[{"start": "2026-03-10", "to": "2026-03-12"}])
    begins, ends = datetime(2026, 3, 10, tzinfo=UTC), datetime(2026, 3, 13, tzinfo=UTC)

    change = refresh(held, begins)

    assert outcome(held, change) == {
        "changed": {"room": UNAVAILABLE, "capacity_at": ends},
        "said": capacity_said(20, 16, available=False),
    }
    for early in (held, held.but(capacity_at=None)):
        assert refresh(early, later(days=1)) == Change(early)


def test_each_taking_and_giving_back_says_the_sum_it_leaves() -> None:
    held = holding(3)

    def said(change: str, weight: int, caseload: int) -> dict[str, Any]:
        whose = {"worker_id": "wk_one", "referral_id": "ref_1"}
        sums = {"change": change, "weight": weight, "caseload": caseload, "cap": 20}
        return {"worker.caseload_changed": {**whose, **sums}}

    for before, change, expected, caseload in (
        (
            held,
            reserve(held, taking("ref_1", 5, 1), limit="soft", at=AT),
            said("reserved", 5, 5),
            5,
        ),
        (held, release(held, "ref_1", 1, AT), said("released", 3, 0), 0),
        (held, keep(held, "ref_1", 1, AT), said("released", 2, 1), 1),
    ):
        whole = outcome(before, change)
        assert whole["said"] == expected
        assert set(whole["changed"]) == {"cases", "room"}
        assert (change.after.caseload, change.after.room) == (caseload, 16 - caseload)


@pytest.mark.parametrize("limit", ["soft", "hard", "exceed"])
def test_what_does_not_apply_leaves_the_worker_as_they_are(limit: Limit) -> None:
    held = holding(3, at_round=2)

    assert reserve(held, taking("ref_1", 9, 1), limit=limit, at=AT) == Change(held), (
        "a later round has it"
    )
    assert reserve(held, taking("ref_1", 3, 2), limit=limit, at=AT) == Change(held)
    assert release(held, "ref_1", 1, AT) == Change(held)
    assert keep(held, "ref_1", 3, AT) == keep(held, "ref_9", 1, AT) == Change(held)


def test_a_refusal_has_a_code_for_programs() -> None:
    held = holding(3)
    moved = worker_entry(held).model_copy(update={"hub_id": "hub_south"})

    with pytest.raises(Refused) as stays:
        amend_worker(held, moved, hub(), AT)
    with pytest.raises(Refused) as full:
        reserve(held, taking("ref_2", 90, 1), limit="hard", at=AT)

    assert (stays.value.code, full.value.code) == ("worker_has_cases", "no_capacity")
    assert amend_worker(worker(), moved, hub(), AT).after.hub_id == "hub_south"
