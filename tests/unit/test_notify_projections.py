"""Projections of notify: a history in any order, with repeats, ends in the same state."""

import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.projections.cases import CaseState, evolve
from services.notify.projections.directory import (
    Agency,
    Agreement,
    Hub,
    Subject,
    Worker,
    evolve_agency,
    evolve_agreement,
    evolve_hub,
    evolve_subject,
    evolve_worker,
)
from shared.events import Event
from shared.events.catalogue import event_types
from tests.golden.__main__ import sample

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SUBJECTS = ("sub_1", "sub_2", "sub_3")
History = list[Event[Any]]
Table = dict[str, dict[str, list[Any]]]


@cache
def sampled(event_type: str) -> Event[Any]:
    return sample(event_types()[event_type])


def event(event_type: str, version: int, *, hours: float = 0, **changes: Any) -> Event[Any]:
    """An event of that version of its aggregate; the rest is a sample."""
    made = sampled(event_type)
    data = type(made.data).model_validate({**dict(made.data), **changes})
    time = AT + timedelta(hours=hours)
    return made.model_copy(update={"version": version, "time": time, "data": data})


def fold(start: Any, step: Callable[[Any, Event[Any]], Any], history: History) -> Any:
    """The state after all of them, in that order."""
    state = start
    for each in history:
        state = step(state, each)
    return state


REFERRAL: Table = {
    "referral.amended": {"area": ["north", "south"], "urgency": ["immediate", "same_day"]},
    "referral.status_changed": {
        "status": ["accepted", "entered_in_error", "closed"],
        "reason": [None, "wrong_person", "raised_in_error"],
    },
    "referral.overdue": {},
    "referral.match_suspected": {},
    "referral.erased": {},
}
ALLOCATION: Table = {
    "allocation.made": {"worker_id": ["wk_1", "wk_2"], "hub_id": ["hub_1", "hub_2"]},
    "allocation.waiting": {"hub_id": [None, "hub_1", "hub_2"]},
    **{
        f"allocation.{step}": {"worker_id": [None, "wk_1"], "hub_id": [None, "hub_1", "hub_2"]}
        for step in ("accepted", "declined", "lapsed", "handed_over", "escalated", "closed")
    },
}


@st.composite
def of_one_aggregate(draw: st.DrawFn, table: Table) -> History:
    """What one aggregate may publish: its versions are 1, 2, 3 … without gaps."""
    types = draw(st.lists(st.sampled_from(sorted(table)), max_size=5))
    return [
        event(kind, n, **{f: draw(st.sampled_from(v)) for f, v in table[kind].items()})
        for n, kind in enumerate(types, start=1)
    ]


@st.composite
def relinkings(draw: st.DrawFn) -> History:
    """A referral goes from one young person to the next; both have the event, at one time."""
    ways, at, versions = [], SUBJECTS[0], Counter[str]()
    for hour, to in enumerate(draw(st.lists(st.sampled_from(SUBJECTS), max_size=4))):
        if to == at:
            continue
        for subject_id in (to, at):
            versions[subject_id] += 1
            fields = {"subject_id": subject_id, "from_subject_id": at, "to_subject_id": to}
            ways.append(
                event("subject.relinked", versions[subject_id], hours=hour + 1e-6, **fields)
            )
        at = to
    return ways


@st.composite
def case_history(draw: st.DrawFn) -> History:
    """All that the other services say about one case, each source in its own order."""
    received = [event("referral.received", 1, subject_id=SUBJECTS[0])]
    own = draw(of_one_aggregate(REFERRAL))
    later = [each.model_copy(update={"version": each.version + 1}) for each in own]
    return [*received, *later, *draw(of_one_aggregate(ALLOCATION)), *draw(relinkings())]


@given(case_history(), st.data())
def test_a_case_ends_the_same_whatever_order_its_history_comes_in(
    history: History, data: st.DataObject
) -> None:
    in_order = fold(CaseState(), evolve, history)
    again = data.draw(st.lists(st.sampled_from(history)))
    shuffled = data.draw(st.permutations([*history, *again]))

    assert fold(CaseState(), evolve, shuffled) == in_order


@given(case_history())
def test_an_event_that_comes_again_changes_nothing(history: History) -> None:
    state = fold(CaseState(), evolve, history)

    assert all(evolve(state, each) == state for each in history)


@given(case_history(), st.data())
def test_a_case_survives_being_stored_between_any_two_events(
    history: History, data: st.DataObject
) -> None:
    shuffled, state = data.draw(st.permutations(history)), CaseState()
    for each in shuffled:
        state = CaseState.model_validate(evolve(state, each).model_dump())

    assert state == fold(CaseState(), evolve, history)


def test_the_newest_hub_that_was_named_counts_when_it_comes_late() -> None:
    made = event("allocation.made", 1, hub_id="hub_1", worker_id="wk_1")
    waiting = event("allocation.waiting", 2, hub_id=None)

    state = fold(CaseState(), evolve, [waiting, made])

    assert (state.hub_id, state.worker_id) == ("hub_1", None)


def test_a_case_stored_before_hubs_had_a_version_is_not_moved_by_an_old_event() -> None:
    stored = {"hub_id": "hub_2", "worker_id": "wk_2", "allocation_version": 4}

    state = evolve(CaseState.model_validate(stored), event("allocation.made", 1, hub_id="hub_1"))

    assert (state.hub_id, state.worker_id) == ("hub_2", "wk_2")


def test_until_its_snapshot_has_come_a_referral_is_no_case() -> None:
    state = evolve(CaseState(), event("referral.status_changed", 2))

    assert state.case("ref_1") is None
    assert evolve(state, event("referral.received", 1)).case("ref_1") is not None


def alike(*types: str, **fields: list[Any]) -> Table:
    """Events that all carry these fields."""
    return dict.fromkeys(types, fields)


SHARING = [{"unsafe_agencies": ("ag_1",)}, {"age_band": "16_to_17"}]
AREAS = [("north",), ("north", "south")]
ONE_SOURCE: list[tuple[Any, Callable[[Any, Event[Any]], Any], Table]] = [
    (
        Agency(),
        evolve_agency,
        alike("agency.registered", "agency.amended", active=[True, False], areas=AREAS),
    ),
    (Agreement(), evolve_agreement, alike("agreement.proposed", "agreement.signed")),
    (Hub(), evolve_hub, alike("hub.registered", areas=AREAS)),
    (
        Worker(),
        evolve_worker,
        alike("worker.registered", hub_id=["hub_1", "hub_2"], active=[True, False]),
    ),
    (
        Subject(),
        evolve_subject,
        alike("subject.linked", "consent.recorded", "sharing.safety_marked", sharing=SHARING),
    ),
]


@pytest.mark.parametrize(("start", "step", "table"), ONE_SOURCE, ids=lambda v: type(v).__name__)
@given(data=st.data())
def test_whatever_has_one_source_ends_as_its_newest_event_says(
    start: Any,
    step: Callable[[Any, Event[Any]], Any],
    table: Table,
    data: st.DataObject,
) -> None:
    history = data.draw(of_one_aggregate(table))
    again = [*history, *random.sample(history, len(history) // 2)]

    ended = fold(start, step, data.draw(st.permutations(again)))

    assert ended == fold(start, step, history)
    assert ended.version == len(history)
