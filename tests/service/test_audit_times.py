"""A window of time is a range of places: entries are in the order of their times, always."""

import json
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat

import pytest

from services.audit.log.leaf import instant
from shared.storage.store import Database
from tests.harness.trails import OneTrail, body, writer

START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
BATCHES = (1, 3, 1, 40, 2)  # an hour apart; those of one batch have one time


async def told_over_hours(database: Database) -> tuple[OneTrail, list[str]]:
    """A trail, and the time of each of its entries."""
    hour = {"now": START}
    trail = writer(database, clock=lambda: hour["now"])
    await trail.parts.prepare()
    number = 0
    for count in BATCHES:
        await trail.append(*(body(number + n, type=f"t.{(number + n) % 3}") for n in range(count)))
        number += count
        hour["now"] += timedelta(hours=1)
    return trail, [leaf["recorded_at"] for leaf in await trail.leaves()]


WINDOWS = [
    (since, until)
    for since in (None, -1, 0, 1, 1.5, 3, 4, 5)
    for until in (None, -1, 0, 1, 2.5, 4, 5)
]


@pytest.mark.parametrize("missing", [(), (0, 22, 23, 24, 46)])
async def test_a_window_holds_what_was_recorded_in_it_and_nothing_else(
    database: Database, missing: tuple[int, ...]
) -> None:
    """`from` counts, `to` no longer does; a place where an entry is missing leads nowhere else."""
    trail, times = await told_over_hours(database)
    await database["entries"].delete_many({"seq": {"$in": list(missing)}})
    for since, until in WINDOWS:
        asked = {} if since is None else {"from": instant(START + timedelta(hours=since))}
        asked |= {} if until is None else {"to": instant(START + timedelta(hours=until))}
        wanted = [
            seq
            for seq, at in enumerate(times)
            if asked.get("from", "") <= at < asked.get("to", "9") and seq not in missing
        ]

        store = trail.parts.trail
        found = await store.find(asked, start=2, size=45, limit=99)
        page = await store.find(asked, start=2, size=45, limit=5)
        scanned = [d["seq"] async for d in store.scan({**asked, "type": "t.1"}, len(times))]

        between = [seq for seq in wanted if 2 <= seq < 45]
        assert [d["seq"] for d in found] == between
        assert [d["seq"] for d in page] == between[:5]
        assert scanned == [seq for seq in wanted if seq % 3 == 1]


async def test_times_never_go_back_even_where_the_clock_does_within_one_append(
    database: Database,
) -> None:
    back = START - timedelta(hours=1)
    clock = chain([START] * 2, repeat(back))  # for the lease, for the first entry, and from then on
    trail = writer(database, clock=lambda: next(clock))
    await trail.parts.prepare()
    for number in range(3):
        await trail.append(body(number))

    leaves = await trail.leaves()
    assert [leaf["recorded_at"] for leaf in leaves] == [instant(START)] * 3
    assert [json.dumps(leaf.get("clock")) for leaf in leaves] == ["null", '"held"', '"held"']
