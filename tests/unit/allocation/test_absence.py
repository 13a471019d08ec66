"""Random years of asking for leave and deciding on it: the entry and the requests never disagree."""

import random
from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from services.allocation.absence import rule
from services.allocation.absence.request import LeaveEntry
from services.allocation.caseload.capacity import amend_worker
from services.allocation.caseload.periods import Leave
from services.allocation.caseload.worker import Worker, day_of, worker_entry
from services.allocation.rota.plan import KINDS, Rota
from services.allocation.rota.rule import left_open, on_duty
from shared.errors import Refused
from shared.events.absence import LeaveDecided, LeaveRequested, LeaveUndecided
from shared.ids import new_id
from shared.storage.records import Change
from tests.unit.allocation.given import AT, worker

ENDS = {
    "waiting": {"approved", "declined", "withdrawn", "cancelled", "lapsed"},
    "approved": {"withdrawn", "cancelled"},
}


def test_the_entry_has_what_is_approved_and_each_turn_is_said_once() -> None:
    turns: Counter[str] = Counter()
    for _ in range(60):
        turns += _a_year(random.Random(random.random()))
    assert set(turns) >= {"approved", "declined", "withdrawn", "cancelled", "lapsed"}, turns


def _a_year(dice: random.Random) -> Counter[str]:
    one, at = worker(), AT
    said: dict[str, str] = {}
    turns: Counter[str] = Counter()
    for _ in range(dice.randint(20, 60)):
        at += timedelta(days=dice.choice((0, 0, 1, 5, 30)))
        try:
            change = _act(dice, one, at)
        except Refused:
            continue
        for event in change.events:
            if isinstance(event, LeaveRequested):
                said[event.request_id] = "waiting"
            if isinstance(event, LeaveDecided):
                assert said[event.request_id] == event.before
                assert event.status in ENDS[event.before], event
                said[event.request_id] = event.status
                turns[event.status] += 1
        assert change.events or change.after == one, "nothing changes in silence"
        assert bool(change.after.revision - one.revision) == (change.after.leave != one.leave)
        one = change.after
        _holds(one, said, at)
    return turns


def _act(dice: random.Random, one: Worker, at: datetime) -> Change[Worker]:
    request = dice.choice(one.requests).id if one.requests else ""
    who = dice.choice(("asker", "boss", "second"))
    act = dice.choice(("ask", "ask", "approve", "approve", "decline", "withdraw", "remind", "put"))
    if act == "remind":
        return rule.remind(one, at)
    if act == "put":
        kept = tuple(leave for leave in one.leave if dice.random() < 0.8)
        entry = worker_entry(one).model_copy(update={"leave": kept})
        amended = amend_worker(one, entry, None, at)
        followed = rule.follow_entry(one, amended.after, who, at)
        return Change(followed.after, (*amended.events, *followed.events))
    if act == "ask" or not request:
        start = day_of(at) + timedelta(days=dice.randint(0, 60))
        entered = LeaveEntry(start=start, to=start + timedelta(days=dice.randint(0, 20)))
        return rule.ask(one, new_id("lv"), entered, "asker", at)
    if act == "approve":
        return rule.approve(one, request, who, at)
    if act == "decline":
        return rule.decline(one, request, "no_cover", who, at)
    return rule.withdraw(one, request, "asker", at)


def _holds(one: Worker, said: dict[str, str], at: datetime) -> None:
    today = day_of(at)
    kept = {request.id: request for request in one.requests}
    assert {i: r.status for i, r in kept.items()} == {i: said[i] for i in kept}
    approved = [r for r in kept.values() if r.status == "approved"]
    assert all(r.decided_by != r.asked_by for r in approved)
    coming = {(leave.start, leave.to) for leave in one.leave if leave.to and leave.to >= today}
    assert {(r.start, r.to) for r in approved if r.to >= today} == coming
    leaves = sorted((leave.start, leave.to or leave.start) for leave in one.leave)
    assert all(first[1] < second[0] for first, second in pairwise(leaves)), "no day twice"
    waits = [request for request in kept.values() if request.status == "waiting"]
    assert (one.undecided_at is not None) == bool(waits), "somebody is reminded of what waits"
    assert set(said) - set(kept) <= {i for i, status in said.items() if status != "waiting"}
    assert len(one.requests) <= rule.MOST


def test_what_a_manager_entered_meanwhile_is_in_the_way_of_an_approval() -> None:
    start = day_of(AT) + timedelta(days=10)
    entered = LeaveEntry(start=start, to=start + timedelta(days=5))
    asked = rule.ask(worker(), new_id("lv"), entered, "asker", AT).after
    for first, last in ((-3, 0), (5, 9), (1, 2), (-3, None)):
        to = None if last is None else start + timedelta(days=last)
        sick = Leave(start=start + timedelta(days=first), to=to, kind="sickness")
        entry = worker_entry(asked).model_copy(update={"leave": (sick,)})
        away = amend_worker(asked, entry, None, AT).after

        with pytest.raises(Refused) as refused:
            rule.approve(away, asked.requests[0].id, "boss", AT)

        assert refused.value.code == "leave_overlaps"


def test_what_a_leave_leaves_open_is_each_time_that_it_opens_and_no_other() -> None:
    for seed in range(60):
        dice = random.Random(seed)
        staff = {one: worker(one) for one in ("wk_one", "wk_two")}
        rota, start = _rota(dice), AT
        first = day_of(AT) + timedelta(days=dice.randint(-2, 4))
        leave = Leave(start=first, to=first + timedelta(days=dice.randint(0, 6)))
        away = staff["wk_one"].but(leave=(leave,))
        end = start + timedelta(days=8)

        found = left_open(rota, staff, away, start, end)

        for hour in range(8 * 24):
            at = start + timedelta(hours=hour, minutes=7)
            opened = any(gap.start <= at and (gap.until is None or at < gap.until) for gap in found)
            then = on_duty(rota, {**staff, "wk_one": away}, at).nobody
            assert opened == (then and not on_duty(rota, staff, at).nobody), f"seed {seed}, {at}"
        assert all(one.until and one.until < other.start for one, other in pairwise(found))


def _rota(dice: random.Random) -> Rota:
    hours = sorted(dice.sample(range(24), 6))
    spans = [
        {
            **{"name": f"s{number}", "days": dice.sample(KINDS, dice.randint(1, len(KINDS)))},
            **{"start": f"{hours[2 * number]:02}:00", "end": f"{hours[2 * number + 1]:02}:00"},
            **{"worker_id": dice.choice(("wk_one", "wk_two"))},
            **{"stand_in_id": dice.choice((None, "wk_three"))},
            **{"cover": dice.choice((None, None, "operators"))},
        }
        for number in range(3)
    ]
    return Rota.model_validate({"spans": spans})


def test_each_leave_that_begins_soon_is_said_and_of_what_is_far_the_first_one() -> None:
    one = worker()
    for first, last in ((1, 1), (3, 4), (9, 9), (30, 40)):
        start = day_of(AT) + timedelta(days=first)
        entered = LeaveEntry(start=start, to=start + timedelta(days=last - first))
        one = rule.ask(one, new_id("lv"), entered, "asker", AT).after
    ids = [request.id for request in one.requests]

    def said(at: datetime) -> list[str]:
        events = rule.remind(one.but(undecided_at=at), at).events
        return [event.request_id for event in events if isinstance(event, LeaveUndecided)]

    assert said(AT) == ids[:2]
    assert said(AT + timedelta(days=4)) == ids[1:2], "the first one has lapsed"
    assert said(AT + timedelta(days=6)) == ids[2:3]
    assert said(AT + timedelta(days=12)) == ids[3:], "the first of what is far"
