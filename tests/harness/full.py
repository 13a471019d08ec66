"""Records that have grown to what one document can hold."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

import bson

from tests.harness.network import Network

# What a document of the store holds at most, and so much is left of it.
MOST, LEFT = 16 * 1024 * 1024, 40
PADDING = "of_another_release"
Full = tuple[str, str, str]


@asynccontextmanager
async def full(network: Network, ids: Collection[str]) -> AsyncIterator[dict[Full, Any]]:
    """Within the block the records of these ids, and of the young people whom they are about, are
    full. Gives them as they are then."""
    found: dict[Full, Any] = {}
    for service in ("referral", "allocation", "notify"):
        database = network.mongo_of(service)
        for name in await database.list_collection_names():
            about = [
                {"_id": {"$in": sorted(ids)}},
                *({f"facts.{i}": {"$exists": True}} for i in ids),
            ]
            where = {"$or": about, "outbox": {"$exists": True}}
            async for document in database[name].find(where):
                room = MOST - len(bson.encode({**document, PADDING: ""})) - LEFT
                padding = {"$set": {PADDING: "x" * room}}
                await database[name].update_one({"_id": document["_id"]}, padding)
                found[service, name, document["_id"]] = _state(document)
    try:
        yield found
    finally:
        for service, name, one in found:
            await network.mongo_of(service)[name].update_one(
                {"_id": one}, {"$unset": {PADDING: ""}}
            )


async def as_they_are(network: Network, these: Collection[Full]) -> dict[Full, Any]:
    """These records now."""
    return {
        (service, name, one): _state(
            await network.mongo_of(service)[name].find_one({"_id": one}, {PADDING: 0}) or {}
        )
        for service, name, one in these
    }


def _state(document: dict[str, Any]) -> dict[str, Any]:
    """Without what is on its way, and the timers of who sends it."""
    passing = ("outbox", "outbox_due", "outbox_tries", "sent", "sent_at")
    return {name: value for name, value in document.items() if name not in passing}
