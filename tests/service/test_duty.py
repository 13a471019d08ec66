"""Who is on duty when somebody is needed: by the rota, with stand-ins; else the Hub's managers."""

import asyncio
import random as chance
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest_asyncio
from pymongo import AsyncMongoClient

from services.allocation.hubs.hub import DUTY_DUE
from services.allocation.rota.standing import watch_gaps
from shared.clock import now
from shared.origin import Origin
from tests.harness.mongo import Mongo, drop
from tests.harness.room import HUB, Room, opened
from tests.harness.waiting import until
from tests.service.test_rota import away, put, span

DUTY: dict[str, Any] = {"worker_role": "hub_manager"}  # gets a case only because they are on duty
SUBJECT = {name: f"sub_{name}" for name in ("one", "two")}


@pytest_asyncio.fixture
async def room(
    client: "AsyncMongoClient[Any]", mongo: Mongo, prefix: str, tmp_path: Path
) -> AsyncIterator[Room]:
    database = f"test_{prefix.strip('.')}"
    async with opened(client, mongo.url, database, tmp_path) as started:
        await started.hub(duty_worker_id="wk_fixed")
        for worker_id in ("wk_fixed", "wk_one", "wk_two"):
            await started.worker(worker_id, **DUTY)
        yield started
    await drop(client, database)


async def on_rota(room: Room, **changes: Any) -> None:
    (await put(room, span(stand_in_id="wk_two", **changes))).raise_for_status()


async def urgent(room: Room, key: str) -> str:
    return await room.refer(key, urgency="immediate", subject=SUBJECT["one"])


async def held_by(room: Room, referral_id: str, holder_id: str | None) -> None:
    async def there() -> bool:
        return (await room.stores.allocations.get(referral_id)).holder_id == holder_id

    await until(there, deadline=20, what=f"{referral_id} being held by {holder_id}")


async def set_again(room: Room) -> None:
    """Until the timer of the next turn runs."""

    async def later() -> bool:
        found = await room.stores.hubs.collection.find_one({"_id": HUB})
        return bool(found and found[DUTY_DUE].timestamp() > now().timestamp() + 60)

    await until(later, deadline=20, what="the timer of the next turn")


async def test_without_a_rota_the_duty_worker_takes_it_and_with_one_who_is_on_duty(
    room: Room,
) -> None:
    await room.stands(await urgent(room, "before"), "accepted", "wk_fixed")
    await on_rota(room)

    referral = await room.refer("after", urgency="immediate", subject=SUBJECT["two"])

    has_it = await room.stands(referral, "accepted", "wk_one")
    assert "duty_manager" in has_it.flags


async def test_who_is_away_or_has_left_or_is_unsafe_takes_nothing_and_the_stand_in_does(
    room: Room,
) -> None:
    await on_rota(room)
    await room.put_worker("wk_one", "*", leave=away(-1, 1), **DUTY)
    await room.stands(await urgent(room, "away"), "accepted", "wk_two")

    await room.put_worker("wk_one", "*", **DUTY)
    await room.mark(SUBJECT["two"], "worker:wk_one")
    marked = await room.refer("marked", urgency="immediate", subject=SUBJECT["two"])
    await room.stands(marked, "accepted", "wk_two")

    await room.ask("manager", "DELETE", "/v1/workers/wk_one", headers={"If-Match": "*"})
    await room.stands(await room.refer("left", urgency="immediate"), "accepted", "wk_two")


async def test_the_stand_in_takes_what_the_first_one_has_no_room_for_at_all(room: Room) -> None:
    await on_rota(room)
    await room.put_worker("wk_one", "*", cap=0, **DUTY)

    await room.stands(await urgent(room, "urgent"), "accepted", "wk_two")


async def test_where_nobody_is_on_duty_the_managers_hear_at_once_and_who_comes_takes_it(
    room: Room,
) -> None:
    (await put(room, span(cover="operators"))).raise_for_status()
    await room.put_worker("wk_one", "*", leave=away(-1, 1), **DUTY)

    referral = await urgent(room, "urgent")

    assert (await room.stands(referral, "waiting")).holder_id is None
    (waits,) = await room.told("allocation.waiting")
    assert (waits["data"]["hub_id"], waits["data"]["holder_id"]) == (HUB, None)
    assert [e["data"]["reason"] for e in await room.told("allocation.escalated")] == [
        "immediate_without_worker"
    ]
    await room.put_worker("wk_one", "*", **DUTY)
    await room.stands(referral, "accepted", "wk_one")


async def test_what_waits_changes_hands_when_duty_does_and_is_never_with_who_is_unsafe(
    room: Room,
) -> None:
    await on_rota(room)
    first = await room.refer("first", subject=SUBJECT["one"])
    assert (await room.stands(first, "waiting")).holder_id == "wk_one"
    await room.mark(SUBJECT["two"], "worker:wk_one")
    second = await room.refer("second", subject=SUBJECT["two"])
    assert (await room.stands(second, "waiting")).holder_id == "wk_two"

    await room.mark(SUBJECT["one"], "worker:wk_one")
    await held_by(room, first, "wk_two")
    await room.mark(SUBJECT["one"], version=3)
    await room.put_worker("wk_two", "*", leave=away(-1), **DUTY)
    await held_by(room, first, "wk_one")
    await held_by(room, second, None)


async def test_at_its_turn_the_next_one_has_what_waits_and_the_timer_is_set_again(
    room: Room,
) -> None:
    await on_rota(room)
    waits = await room.refer("waits")
    assert (await room.stands(waits, "waiting")).holder_id == "wk_one"
    # As it will be at a later time: nothing was put, and no event says so. The version moves on, so
    # that nobody who has read the Hub before writes over it.
    past = now() - timedelta(minutes=1)
    later = {"rota.spans.0.worker_id": "wk_two", "rota.spans.0.stand_in_id": None}
    moved = {"$set": {**later, DUTY_DUE: past, "duty_at": past}, "$inc": {"version": 1}}
    await room.stores.hubs.collection.update_one({"_id": HUB}, moved)
    room.stores.hubs.claims.wake(DUTY_DUE).soon()

    await held_by(room, waits, "wk_two")
    await set_again(room)


async def test_who_covers_from_another_hub_holds_what_waits_and_gets_no_case(room: Room) -> None:
    await room.put_worker("wk_south", by="operator", hub_id="hub_south", areas=["s"], **DUTY)
    covered = await put(room, span(cover="worker:wk_south"), by="operator")
    covered.raise_for_status()
    await room.put_worker("wk_one", "*", leave=away(-1), **DUTY)

    referral = await urgent(room, "urgent")

    waits = await room.stands(referral, "waiting")
    assert (waits.holder_id, waits.worker_id) == ("wk_south", None)
    read = await room.ask("wk_south", "GET", f"/v1/allocations/{referral}")
    assert read.status_code == 200


async def gaps_told(room: Room, count: int) -> list[dict[str, Any]]:
    return [event["data"] for event in await room.told("hub.rota_gaps_changed", count)]


async def test_leave_that_opens_a_gap_is_told_at_once_and_once_and_its_end_too(room: Room) -> None:
    (await put(room, span())).raise_for_status()
    await room.put_worker("wk_one", "*", leave=away(40, 41), **DUTY)

    (opened,) = await gaps_told(room, 1)

    assert (len(opened["opened"]), opened["closed"]) == (1, [])
    for _ in range(2):
        await room.run_out(room.stores.hubs, HUB, DUTY_DUE, "duty_at")
        await set_again(room)
    await room.put_worker("wk_one", "*", **DUTY)
    _, closed = await gaps_told(room, 2)
    assert (closed["opened"], closed["closed"]) == ([], opened["opened"])


async def test_what_nobody_was_planned_for_is_told_days_before_it_comes(room: Room) -> None:
    days = {"days": ["monday"], "start": "09:00", "end": "17:00", "cover": "operators"}
    (await put(room, span("monday", **days), warn_days=1)).raise_for_status()

    (event,) = await gaps_told(room, 1)

    starts = [datetime.fromisoformat(gap["start"]) for gap in event["opened"]]
    assert starts, "a rota of Mondays has a gap every other day"
    assert all(start < now() + timedelta(days=1) for start in starts)


async def test_a_gap_that_has_come_in_sight_is_told_by_the_timer(room: Room) -> None:
    (await put(room, span())).raise_for_status()
    await set_again(room)
    # As it will look at a later time: nothing was put, and no event says so.
    gone = {"$set": {"active": False}}
    await room.stores.workers.collection.update_one({"_id": "wk_one"}, gone)

    await room.run_out(room.stores.hubs, HUB, DUTY_DUE, "duty_at")

    (event,) = await gaps_told(room, 1)
    assert [gap["until"] for gap in event["opened"]] == [None]


async def test_two_replicas_tell_of_a_gap_once(room: Room) -> None:
    (await put(room, span())).raise_for_status()
    away_now = {"active": False}
    await room.stores.workers.collection.update_one({"_id": "wk_one"}, {"$set": away_now})
    hub = await room.stores.hubs.get(HUB)

    by = Origin.of_service("allocation")
    await asyncio.gather(*(watch_gaps(room.stores, hub, by) for _ in range(8)))

    assert len((await room.stores.hubs.get(HUB)).gaps_known) == 1
    assert len(await gaps_told(room, 1)) == 1


async def test_a_desk_that_covers_is_called_to_all_that_waits_and_to_each_case_once(
    room: Room,
) -> None:
    south = {"name": "South", "areas": ["southby"]}
    (await room.ask("operator", "PUT", "/v1/hubs/hub_south", json=south)).raise_for_status()
    (await put(room, span())).raise_for_status()
    await room.put_worker("wk_one", "*", leave=away(-1, 1), **DUTY)
    kinds = [chance.choice(("immediate", "same_day", "five_working_days")) for _ in range(4)]
    waits = [await room.refer(f"gap{n}", urgency=kind) for n, kind in enumerate(kinds)]
    for one in waits:
        await room.stands(one, "waiting")
    assert await called(room, 0) == set(), "a gap has no desk"

    for cover in ("operators", "hub:hub_south", "operators"):
        (await put(room, span(cover=cover), by="operator")).raise_for_status()
        waits.append(await room.refer(f"while {cover} {len(waits)}", urgency="immediate"))
        await room.stands(waits[-1], "waiting")
        await set_again(room)
    expected = {(one, "operators") for one in waits}
    expected |= {(one, "hub:hub_south") for one in waits[:-1]}
    assert await called(room, len(expected)) == expected
    past = await room.run_out(room.stores.hubs, HUB, DUTY_DUE, "duty_at")
    assert past < now()
    await set_again(room)
    assert len(await room.told("allocation.cover_called", len(expected))) == len(expected)
    assert {
        each.holder_id for each in [await room.stores.allocations.get(one) for one in waits]
    } == {None}, "a desk holds nothing"

    told = [e["data"]["covering"] for e in await room.told("hub.rota_changed", 4)]
    assert told == [[], ["operators"], ["hub:hub_south"], ["operators"]]


async def called(room: Room, count: int) -> set[tuple[str, str]]:
    found = await room.told("allocation.cover_called", count) if count else room.events
    calls = [e for e in found if e["type"] == "allocation.cover_called"]
    return {(e["subject"], e["data"]["cover"]) for e in calls}
