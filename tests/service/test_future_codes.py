"""A rolling update: a newer referral service writes codes that this allocation does not know."""

import json
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient

from shared.messaging.bus import Message
from tests.harness.mongo import Mongo, drop
from tests.harness.room import a_referral, opened


async def test_a_referral_with_codes_from_the_future_is_allocated_and_not_parked(
    client: "AsyncMongoClient[Any]", mongo: Mongo, prefix: str, tmp_path: Path
) -> None:
    database = f"test_{prefix.strip('.')}"
    event = a_referral("future", "missing_episodes")
    raw = json.loads(event.body())
    raw["data"] |= {"urgency": "within_the_hour", "settings_avoided": ["youth_justice"]}
    raw["data"]["concerns"][0]["recency"] = "yesterday"

    async with opened(client, mongo.url, database, tmp_path) as room:
        await room.hub()
        await room.worker("wk_1")
        await room.bus.publish(Message.of(json.dumps(raw)))

        allocation = await room.stands(event.subject, "offered", "wk_1")

    assert allocation.urgency == "immediate"
    await drop(client, database)
