"""A Hub's rota through the outside: set, refused, and where nobody is on duty."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest_asyncio
from pymongo import AsyncMongoClient

from shared.clock import now
from tests.harness.mongo import Mongo, drop
from tests.harness.room import HUB, Room, opened
from tests.harness.tags import record_of

DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
ALL = [*DAYS, "bank_holiday"]


@pytest_asyncio.fixture
async def room(
    client: "AsyncMongoClient[Any]", mongo: Mongo, prefix: str, tmp_path: Path
) -> AsyncIterator[Room]:
    database = f"test_{prefix.strip('.')}"
    async with opened(client, mongo.url, database, tmp_path) as started:
        await started.hub()
        await started.worker("wk_one")
        yield started
    await drop(client, database)


def span(name: str = "always", **changes: Any) -> dict[str, Any]:
    always = {"name": name, "days": ALL, "start": "00:00", "end": "00:00", "worker_id": "wk_one"}
    return {**always, **changes}


async def put(
    room: Room, *spans: dict[str, Any], by: str = "manager", tag: str = "*", **changes: Any
) -> httpx2.Response:
    rota = {"spans": list(spans), **changes}
    headers = {"If-Match": tag}
    return await room.ask(by, "PUT", f"/v1/hubs/{HUB}/rota", json=rota, headers=headers)


async def gaps(room: Room, days: int = 7) -> list[dict[str, Any]]:
    answer = await room.ask("manager", "GET", f"/v1/hubs/{HUB}/rota/gaps", params={"days": days})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["gaps"]
    return found


def away(first: int, last: int | None = None) -> list[dict[str, Any]]:
    """A leave from so many days on, to so many; without an end until further notice."""
    end = None if last is None else str((now() + timedelta(days=last)).date())
    return [{"start": str((now() + timedelta(days=first)).date()), "to": end}]


async def test_a_rota_is_set_and_read_and_nobody_overwrites_what_they_have_not_seen(
    room: Room,
) -> None:
    read = f"/v1/hubs/{HUB}/rota"
    assert (await room.ask("manager", "GET", read)).status_code == 404

    first = await put(room, span())
    second = await put(room, span("other"), tag=first.headers["ETag"])

    assert (first.status_code, second.status_code) == (200, 200), second.text
    assert (await put(room, span(), tag=first.headers["ETag"])).status_code == 412
    again = await put(room, span("other"), tag=first.headers["ETag"])
    assert again.status_code == 200, "the same again is no conflict"
    answer = await room.ask("manager", "GET", read)
    assert record_of(answer.headers["ETag"]) == second.headers["ETag"]
    assert [each["name"] for each in answer.json()["spans"]] == ["other"]
    told = await room.told("hub.rota_changed", 2)
    assert [tuple(e["data"]["worker_ids"]) for e in told] == [("wk_one",)] * 2


async def test_who_is_not_of_the_hub_is_on_its_rota_only_as_cover_that_an_operator_arranged(
    room: Room,
) -> None:
    await room.put_worker("wk_south", by="operator", hub_id="hub_south", areas=["southtown"])
    codes = []
    for who in ({"worker_id": "wk_south"}, {"worker_id": "wk_nobody"}, {"stand_in_id": "wk_south"}):
        codes.append((await put(room, span(**who))).json()["code"])
    assert codes == ["worker_not_here"] * 3

    covered = span(cover="worker:wk_south")
    assert (await put(room, covered)).json()["code"] == "cover_is_arranged"
    assert (await put(room, span(cover="hub:hub_south"))).json()["code"] == "cover_is_arranged"
    assert (await put(room, span(cover="operators"))).status_code == 200
    assert (await put(room, covered, by="operator")).status_code == 200
    assert (await put(room, {**covered, "name": "kept"})).status_code == 200, "it may be kept"


async def test_an_overlap_is_refused_and_says_of_what(room: Room) -> None:

    night = span("night", start="17:00", end="09:30")
    answer = await put(room, night, span("morning", start="09:00", end="12:00"))

    assert answer.status_code == 422
    (fault,) = answer.json()["errors"]
    assert (fault["pointer"], fault["message"]) == ("/spans/1", "It overlaps /spans/0.")


async def test_where_nobody_is_on_duty_is_listed(room: Room) -> None:
    assert len(await gaps(room)) == 1, "neither a rota nor a duty worker"
    entry = {"name": "North Hub", "areas": ["northtown"], "duty_worker_id": "wk_one"}
    tag = {"If-Match": "*"}
    named = await room.ask("manager", "PUT", f"/v1/hubs/{HUB}", json=entry, headers=tag)
    assert named.status_code == 200, named.text
    assert await gaps(room) == [], "the one duty worker"

    await put(room, span(stand_in_id=None))
    assert await gaps(room) == []
    await room.worker("wk_two")
    await room.put_worker("wk_one", tag="*", leave=away(2, 3))
    (gap,) = await gaps(room)
    assert gap["start"] < gap["until"]

    await put(room, span(stand_in_id="wk_two"))
    assert await gaps(room) == []
    await room.ask("manager", "DELETE", "/v1/workers/wk_two", headers={"If-Match": "*"})
    assert len(await gaps(room)) == 1
    await room.put_worker("wk_one", tag="*", leave=away(2))
    assert [each["until"] for each in await gaps(room, 30)] == [None]
