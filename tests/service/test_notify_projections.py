"""Projections in the store: events that arrive at once on several replicas lose nothing."""

import asyncio
import random
from datetime import timedelta
from typing import Any

import pytest

from services.notify.projections.store import Projections
from shared.events import Event
from shared.storage.store import Database
from tests.service.notifying import HUB, SCHOOL, START, allocated, event_of, referral


def history() -> list[Event[Any]]:
    """A referral that was amended and allocated, and moved between two young people."""
    ways = {"from_subject_id": "sub_1", "to_subject_id": "sub_2"}
    about = {"referral_id": "ref_1", "referral_ids": (), "sharing": {}}
    moved = [
        event_of("subject.relinked", subject_id, 3, subject_id=subject_id, **about, **ways)
        for subject_id in ("sub_1", "sub_2")
    ]
    fields = {name: referral()[name] for name in ("referral_id", "urgency", "due_at")}
    status = {"agency_id": SCHOOL, "hub_id": HUB, "previous": "received", **fields}
    return [
        event_of("referral.received", "ref_1", 1, **referral()),
        event_of("referral.amended", "ref_1", 2, **referral(area="south", amended=("area",))),
        event_of(
            *("referral.status_changed", "ref_1", 3),
            **{"subject_id": "sub_1", "subject_version": 0, "status": "allocated", **status},
        ),
        event_of("allocation.made", "ref_1/a", 1, **allocated()),
        event_of("allocation.made", "ref_1/a", 2, **allocated(worker_id="wk_two")),
        *(e.model_copy(update={"time": START + timedelta(microseconds=1234)}) for e in moved),
    ]


@pytest.mark.parametrize("round_", range(5))
async def test_events_that_come_at_once_twice_and_in_any_order_end_in_one_state(
    database: Database, round_: int
) -> None:
    replicas = [Projections(database), Projections(database)]
    events = [*history(), *history()]
    random.Random(round_).shuffle(events)

    await asyncio.gather(*(random.choice(replicas).cases.apply("ref_1", e) for e in events))

    state = await replicas[0].cases.get("ref_1")
    assert (state.version, state.area, state.seen) == (2, "south", 3)
    assert (state.worker_id, state.allocation_version) == ("wk_two", 2)
    assert (set(state.left), set(state.joined)) == ({"sub_1"}, {"sub_2"})


async def test_what_an_older_release_has_stored_is_read_and_goes_on(database: Database) -> None:
    projections = Projections(database)
    await database["known_cases"].insert_one(
        {"_id": "ref_1", "seen": 2, "worker_id": "wk_old", "hub_id": HUB, "allocation_version": 1}
    )

    await projections.cases.apply("ref_1", history()[0])
    state = await projections.cases.apply("ref_1", history()[4])

    assert (state.area, state.seen, state.worker_id) == ("northtown", 2, "wk_two")
    assert await projections.cases.get("ref_1") == state.model_copy(update={"due_at": state.due_at})
