"""Whose an area is: an operator's act, refused where another Hub has the area. On a real store."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from pymongo import AsyncMongoClient

from services.allocation.hubs.areas import ABANDONED
from shared.clock import now
from tests.harness.mongo import Mongo, drop
from tests.harness.room import HUB, Room, a_referral, opened

SOUTH = "hub_south"


@pytest_asyncio.fixture
async def room(
    client: "AsyncMongoClient[Any]", mongo: Mongo, prefix: str, tmp_path: Path
) -> AsyncIterator[Room]:
    database = f"test_{prefix.strip('.')}"
    async with opened(client, mongo.url, database, tmp_path) as started:
        await started.hub(areas=["northtown", "westby"])
        yield started
    await drop(client, database)


async def put(
    room: Room, hub_id: str, *areas: str, by: str = "operator", tag: str = "", **changes: Any
) -> httpx2.Response:
    entry = {"name": "A Hub", "areas": list(areas), **changes}
    headers = {"If-Match": tag} if tag else {}
    return await room.ask(by, "PUT", f"/v1/hubs/{hub_id}", json=entry, headers=headers)


async def test_a_manager_registers_no_hub_over_the_area_of_another(room: Room) -> None:
    taken = await put(room, SOUTH, "northtown", by="stranger")
    free = await put(room, SOUTH, "southtown", by="stranger")

    assert (taken.status_code, free.status_code) == (404, 404)
    assert [hub.id for hub in await room.stores.hubs.find({})] == [HUB]


async def test_a_manager_changes_the_policy_and_not_the_areas(room: Room) -> None:
    policy = await put(room, HUB, "westby", "northtown", by="manager", tag='"v1"', soft_percent=70)
    more = await put(room, HUB, "northtown", "westby", "far", by="manager", tag='"v2"')
    less = await put(room, HUB, "northtown", by="manager", tag='"v2"')

    assert policy.status_code == 200
    assert [a.json()["code"] for a in (more, less)] == ["areas_are_given"] * 2
    assert [a.status_code for a in (more, less)] == [409, 409]
    stored = await room.stores.hubs.get(HUB)
    assert (set(stored.areas), stored.soft_percent) == ({"northtown", "westby"}, 70)


async def test_an_overlap_is_refused_with_the_hub_that_has_the_area(room: Room) -> None:
    new = await put(room, SOUTH, "southtown", "westby")
    await put(room, SOUTH, "southtown")
    amended = await put(room, SOUTH, "southtown", "northtown", tag='"v1"')

    for answer, area in ((new, "westby"), (amended, "northtown")):
        assert answer.status_code == 409
        assert {k: answer.json()[k] for k in ("code", "area", "hub")} == {
            "code": "area_taken",
            "area": area,
            "hub": HUB,
        }
    assert (await room.stores.hubs.get(SOUTH)).areas == ("southtown",)


async def test_an_area_is_given_on_once_it_was_taken_back(room: Room) -> None:
    back = await put(room, HUB, "northtown", tag='"v1"')
    given = await put(room, SOUTH, "westby")
    twice = await put(room, SOUTH, "westby", "westby")

    assert [a.status_code for a in (back, given, twice)] == [200, 200, 200]
    assert given.json()["areas"] == twice.json()["areas"] == ["westby"]


async def test_of_many_operators_at_once_one_gets_the_area(room: Room) -> None:
    hubs = [f"hub_{number}" for number in range(12)]
    answers = await asyncio.gather(*(put(room, hub, f"own_{hub}", "same") for hub in hubs))

    won = [hub for hub, answer in zip(hubs, answers, strict=True) if answer.status_code == 200]
    assert len(won) == 1
    assert {a.status_code for a in answers} <= {200, 409, 503}
    lost = [(await put(room, hub, f"own_{hub}", "same")).json() for hub in hubs if hub not in won]
    assert {(a["code"], a["hub"]) for a in lost} == {("area_taken", won[0])}
    registered = {e["data"]["hub_id"] for e in await room.told("hub.registered", 2)}
    assert registered == {HUB, *won}, "a refused Hub is nowhere"


async def test_of_many_who_amend_a_hub_at_once_only_the_one_that_won_has_areas(room: Room) -> None:
    wanted = [f"place_{number}" for number in range(12)]
    answers = await asyncio.gather(*(put(room, HUB, area, tag='"v1"') for area in wanted))

    won = [area for area, a in zip(wanted, answers, strict=True) if a.status_code == 200]
    assert len(won) == 1
    assert {a.status_code for a in answers} <= {200, 412}
    areas = room.stores.hubs.collection.database["areas"]
    held = {held["_id"] async for held in areas.find({"hub_id": HUB})}
    assert held == set(won), "what a refused request reserved is free again"


async def test_hubs_of_an_older_release_keep_their_areas(room: Room) -> None:
    areas = room.stores.hubs.collection.database["areas"]
    await areas.delete_many({})
    await room.stores.prepare()
    await room.stores.prepare()

    refused = await put(room, SOUTH, "westby")

    assert refused.json()["code"] == "area_taken"
    assert {held["_id"]: held["hub_id"] async for held in areas.find({})} == {
        "northtown": HUB,
        "westby": HUB,
    }


async def test_a_refused_entry_reserves_nothing(room: Room) -> None:
    areas = room.stores.hubs.collection.database["areas"]
    before = [held async for held in areas.find({})]

    stale = await put(room, HUB, "northtown", "new", tag='"v7"')
    blind = await put(room, HUB, "northtown", "new")
    taken = await put(room, SOUTH, "new", "westby")

    assert [a.status_code for a in (stale, blind, taken)] == [412, 428, 409]
    assert [held async for held in areas.find({})] == before


async def test_what_a_request_that_died_has_reserved_is_taken_over_when_it_is_old(
    room: Room,
) -> None:
    areas, at = room.stores.areas, now()
    await areas.reserve(SOUTH, ["new"], at)

    early = await put(room, "hub_far", "new")
    assert early.status_code == 503
    collection = room.stores.hubs.collection.database["areas"]
    await collection.update_one({"_id": "new"}, {"$set": {"at": at - ABANDONED}})
    late = await put(room, "hub_far", "new")
    own = await put(room, SOUTH, "new")

    assert (late.status_code, own.status_code) == (200, 409)
    assert own.json()["hub"] == "hub_far"


READS = (
    "hubs",
    f"hubs/{HUB}",
    "workers",
    "workers/wk_one",
    "allocations",
    f"hubs/{HUB}/numbers?quarter=2025-Q4",
)


@pytest.mark.parametrize("path", READS)
async def test_who_manages_no_registered_hub_reads_nothing(room: Room, path: str) -> None:
    answer = await room.ask("stranger", "GET", f"/v1/{path}")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_who_manages_no_registered_hub_writes_nothing(room: Room) -> None:
    await room.worker("wk_one")
    tag = {"If-Match": '"v1"'}
    entry = {"hub_id": SOUTH, "worker_role": "hub_worker", "areas": ["a"], "host_setting": "hub"}
    plan = {"worker_id": "wk_one", "reason": "workload"}
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("PUT", "workers/wk_new", {"json": entry}),
        ("PUT", "workers/wk_one", {"json": entry, "headers": tag}),
        ("DELETE", "workers/wk_one", {"headers": tag}),
        ("POST", "workers/import", {"content": b"worker_id\n"}),
        (
            "POST",
            "workers/wk_one/supervisions",
            {"json": {"kind": "case", "held_on": "2026-01-05"}},
        ),
        ("POST", "handover-plans", {"json": plan}),
        ("PUT", f"hubs/{SOUTH}", {"json": {"name": "Mine", "areas": ["a"]}}),
    ]

    for method, path, options in asked:
        answer = await room.ask("stranger", method, f"/v1/{path}", **options)
        assert answer.status_code == 404, f"{method} {path}: {answer.text}"
    workers = await room.stores.workers.find({})
    assert [(worker.id, worker.hub_id, worker.active) for worker in workers] == [
        ("wk_one", HUB, True)
    ]


async def test_a_duty_worker_of_another_hub_gets_no_case(room: Room) -> None:
    await put(room, SOUTH, "southtown")
    await room.put_worker("wk_foreign", by="operator", hub_id=SOUTH, areas=["southtown"])
    await put(
        room, HUB, "northtown", "westby", by="manager", tag='"v1"', duty_worker_id="wk_foreign"
    )

    referral = await room.refer("one", urgency="immediate")

    assert (await room.stands(referral, "waiting")).worker_id is None


async def test_what_waits_without_a_hub_goes_to_the_one_that_gets_its_area(room: Room) -> None:
    alone = await room.refer("alone", area="southtown")
    served = await room.refer("served", area="fartown")
    since = (await room.stands(alone, "waiting")).waiting_since
    await room.stands(served, "waiting")
    await room.put_worker("wk_far", by="operator", hub_id="hub_far", areas=["fartown"])

    await put(room, SOUTH, "southtown")
    await put(room, "hub_far", "fartown")

    await room.stands(served, "offered", "wk_far")
    waits = [e for e in await room.told("allocation.waiting", 3) if e["subject"] == alone]
    assert [e["data"]["hub_id"] for e in waits] == [None, SOUTH]
    stands = await room.stores.allocations.get(alone)
    assert (stands.hub_id, stands.status) == (SOUTH, "waiting")
    assert stands.waiting_since == since, "it has waited since it came"
    seen = await room.ask("stranger", "GET", f"/v1/allocations/{alone}")
    assert seen.status_code == 200, "the Hub's managers see it now"


async def test_a_referral_whose_area_is_corrected_is_found_by_its_hub(room: Room) -> None:
    await room.refer("typo", area="northtwon")
    referral = a_referral("typo").subject
    await room.stands(referral, "waiting")
    await room.worker("wk_one")

    await room.amend("typo", version=2, area="northtown")

    await room.stands(referral, "offered", "wk_one")
