"""Who is marked arranges nothing of the Hub that has the case, not from the side of another Hub."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from pymongo import AsyncMongoClient

from shared.clock import now
from tests.harness.mongo import Mongo, drop
from tests.harness.room import Room, opened


@pytest_asyncio.fixture
async def room(
    client: "AsyncMongoClient[Any]", mongo: Mongo, prefix: str, tmp_path: Path
) -> AsyncIterator[Room]:
    database = f"test_{prefix.strip('.')}"
    async with opened(client, mongo.url, database, tmp_path) as started:
        yield started
    await drop(client, database)


async def test_a_marked_operator_takes_no_worker_away_to_another_hub(room: Room) -> None:
    await room.hub()
    south = {"name": "South Hub", "areas": ["southby"]}
    (await room.ask("operator", "PUT", "/v1/hubs/hub_south", json=south)).raise_for_status()
    await room.worker("wk_one")
    await room.worker("wk_free", cap=1)
    case = await room.refer("case", subject="sub_marked")
    await room.stands(case, "offered", "wk_one")
    await room.mark("sub_marked", f"account:{room.account('operator')}")

    here = await room.put_worker("wk_free", "*", by="operator", cap=2)
    away = await room.put_worker("wk_free", "*", by="operator", hub_id="hub_south")
    stranger = await room.put_worker("wk_free", "*", by="stranger", hub_id="hub_south")

    assert (here.status_code, here.json()["code"]) == (409, "somebody_else")
    assert (away.status_code, away.json()["code"]) == (409, "somebody_else")
    assert stranger.status_code in (404, 422)
    entry = (await room.ask("manager", "GET", "/v1/workers/wk_free")).json()["entry"]
    assert (entry["hub_id"], entry["cap"]) == ("hub_north", 1)


async def test_who_is_marked_notes_no_supervision_and_nobody_can_be_given_the_case_by_it(
    room: Room,
) -> None:
    await room.hub()
    await room.worker("wk_one")
    case = await room.refer("case", subject="sub_marked")
    await room.stands(case, "offered", "wk_one")
    await room.mark("sub_marked", f"account:{room.account('manager')}")
    held = {"kind": "case", "held_on": str(now().date())}
    path = "/v1/workers/wk_one/supervisions"

    refused = await room.ask("manager", "POST", path, json=held)
    noted = await room.ask("second", "POST", path, json=held)

    assert (refused.status_code, refused.json()["code"]) == (409, "somebody_else")
    assert noted.status_code == 200
