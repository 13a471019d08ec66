"""Many documents into one collection, in their order."""

import asyncio
from collections.abc import Sequence
from typing import Any

from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError, WriteError

DUPLICATE = 11000

Collection = AsyncCollection[dict[str, Any]]


async def insert_in_order(
    collection: Collection, documents: Sequence[dict[str, Any]]
) -> frozenset[int]:
    """Insert what is not there yet. Returns the places of those that were refused as doubled.

    Whatever a crash cuts off, what is stored is the beginning: a document never stands without
    those before it. Raises `WriteError` for any other fault, quoting nothing.
    """
    doubled: set[int] = set()
    start = 0
    while start < len(documents):
        place = await _insert_up_to_doubled(collection, documents[start:])
        if place is None:
            break
        doubled.add(start + place)
        start += place + 1
    return frozenset(doubled)


async def _insert_up_to_doubled(
    collection: Collection, documents: Sequence[dict[str, Any]]
) -> int | None:
    try:
        await asyncio.shield(collection.insert_many(documents, ordered=True))
        return None
    except BulkWriteError as error:
        faults = error.details["writeErrors"]
        late = bool(error.details["writeConcernErrors"])
    # Out here, so that nothing is chained: the server's message quotes whole documents.
    codes = {fault["code"] for fault in faults}
    if late or codes != {DUPLICATE}:
        others = codes - {DUPLICATE}
        raise WriteError(f"insert_many: {sorted(others)}", min(others, default=None))
    return int(faults[0]["index"])
