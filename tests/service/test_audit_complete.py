"""Any lost event is found, by its id, asked of its owner, and nothing is accused wrongly."""

import json
import random
from datetime import timedelta
from itertools import pairwise
from typing import Any

from shared.clock import now
from shared.storage.store import Database
from tests.harness.trails import OneTrail, body, writer


def tally(number: int, *ids: str, service: str = "referral") -> bytes:
    """A service's tally of these."""
    event = json.loads(body(number, type="trail.tallied", actor=f"service:{service}"))
    event |= {"source": f"/services/{service}", "data": {"event_ids": list(ids)}}
    return json.dumps(event).encode()


def id_of(raw: bytes) -> str:
    return str(json.loads(raw)["id"])


async def asked(trail: OneTrail) -> list[dict[str, Any]]:
    """What was asked for, in order."""
    found = [e["body"] async for d in trail.database["losses"].find() for e in d["outbox"]]
    return [json.loads(one)["data"] for one in found]


class Later:
    """A clock that is ahead of that of the trail's writer by as much as it is set."""

    ahead = timedelta(minutes=1)

    def __call__(self) -> Any:
        return now() + self.ahead


async def looking(database: Database) -> tuple[OneTrail, Later]:
    trail, clock = writer(database), Later()
    await trail.parts.prepare()
    trail.parts.complete._clock = clock
    return trail, clock


async def missing(trail: OneTrail) -> dict[int, set[str]]:
    await trail.parts.complete.look()
    return {loss.tally: set(loss.event_ids) for loss in await trail.parts.complete.missing()}


async def test_whatever_is_lost_is_found_by_its_id_and_nothing_else(database: Database) -> None:
    trail, _ = await looking(database)
    chance = random.Random(random.random())
    expected: dict[int, set[str]] = {}
    lost: dict[str, bytes] = {}
    number, before = 0, dict[str, str]()
    sequence = 0
    for _ in range(25):
        service = chance.choice(("referral", "allocation"))
        events = [body(number + n) for n in range(chance.randint(0, 12))]
        number += len(events) + 1
        said = tally(number - 1, *map(id_of, events), *filter(None, [before.get(service)]),
                     service=service)  # fmt: skip
        before[service] = id_of(said)
        gone = [raw for raw in events if chance.random() < 0.2]
        kept = [raw for raw in events if raw not in gone]
        lost |= {id_of(raw): raw for raw in gone}
        await trail.append(*kept, said)
        sequence += len(kept)
        if gone:
            expected[sequence] = set(map(id_of, gone))
        sequence += 1
        if chance.random() < 0.3:
            await trail.parts.complete.look()

    assert await missing(trail) == expected
    assert [one["event_ids"] for one in await asked(trail)] == [
        sorted(ids) for _, ids in sorted(expected.items())
    ]

    back = chance.sample(sorted(lost), len(lost) // 2)
    await trail.append(*(lost[one] for one in back))
    left = {tally: ids - set(back) for tally, ids in expected.items()}
    assert await missing(trail) == {tally: ids for tally, ids in left.items() if ids}
    await trail.append(*lost.values())
    assert await missing(trail) == {}


async def test_a_lost_tally_is_found_by_the_next(database: Database) -> None:
    trail, _ = await looking(database)
    first, second = tally(1), tally(2)
    third = tally(3, id_of(second))
    await trail.append(first, third)

    assert await missing(trail) == {1: {id_of(second)}}


async def test_what_is_on_its_way_is_not_missed_yet(database: Database) -> None:
    trail, clock = await looking(database)
    clock.ahead = timedelta(seconds=5)
    await trail.append(tally(2, id_of(body(1))))
    assert await missing(trail) == {}
    await trail.append(body(1))
    clock.ahead = timedelta(minutes=5)

    assert await missing(trail) == {}
    assert not await asked(trail)
    told = await trail.parts.complete.told()
    assert {one.service: one.entry for one in told if one.entry is not None} == {"referral": 0}


async def test_what_nobody_has_any_more_is_asked_for_ever_more_seldom(database: Database) -> None:
    trail, clock = await looking(database)
    await trail.append(tally(2, id_of(body(1))))
    times = []
    for minute in range(1, 600, 3):
        clock.ahead = timedelta(minutes=minute)
        count = len(await asked(trail))
        await trail.parts.complete.look()
        if len(await asked(trail)) > count:
            times.append(minute)

    gaps = [b - a for a, b in pairwise(times)]
    assert 4 <= len(times) <= 8
    assert gaps == sorted(gaps)


async def test_a_service_that_never_tallied_is_as_silent_as_one_that_stopped(
    database: Database,
) -> None:
    trail, clock = await looking(database)
    await trail.append(tally(1, service="referral"))
    clock.ahead = timedelta(minutes=1)
    await trail.parts.complete.look()
    clock.ahead = timedelta(minutes=90)
    await trail.append(tally(2, service="referral"))
    again = writer(database, same=trail)
    again.parts.complete._clock = clock
    await again.parts.complete.look()

    told = {one.service: one for one in await again.parts.complete.told()}
    silent = {name: clock() - one.since for name, one in told.items() if one.entry is None}
    assert told["referral"].entry is not None
    assert set(silent) == {"allocation", "audit", "notify"}
    assert min(silent.values()) > timedelta(minutes=80), "counted from the first look on"


async def test_a_restart_goes_on_where_it_was(database: Database) -> None:
    trail, _ = await looking(database)
    await trail.append(tally(2, id_of(body(1))))
    assert await missing(trail) == {0: {id_of(body(1))}}
    again = writer(database, same=trail)
    again.parts.complete._clock = Later()

    told = {one.service: one.entry for one in await again.parts.complete.told()}
    assert told["referral"] == 0
    assert await missing(again) == {0: {id_of(body(1))}}
    await again.append(body(1))
    assert await missing(again) == {}
    assert len(await asked(again)) == 2, "that it lacks, and that it lacks no more"
