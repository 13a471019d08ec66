"""One write, shielded, and its faults in our own words: the server's messages quote documents."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from pymongo.errors import DocumentTooLarge, DuplicateKeyError, WriteError

from shared.errors import AlreadyThere, Outage, RecordFull
from shared.storage.documents import Collection

# "BSONObjectTooLarge", and that of an update that made it so: a document has at most 16 MiB.
TOO_LARGE = (10334, 17419)
# So many bytes of events, on their way or in no tally yet, are a backlog.
MOST_WAITING = 2_000_000

T = TypeVar("T")


async def written(write: Coroutine[Any, Any, T], name: str) -> T:
    """What the store answers, once it has. Raises `AlreadyThere`, `RecordFull`; nothing was written
    then."""
    fault: Exception = AlreadyThere(name)
    try:
        return await asyncio.shield(write)
    except DuplicateKeyError:
        pass
    except (DocumentTooLarge, WriteError) as error:
        if not isinstance(error, DocumentTooLarge) and error.code not in TOO_LARGE:
            raise
        fault = RecordFull(name)
    # Out here, so that nothing is chained: the server's message quotes the value of the key.
    raise fault


async def heed_backlog(collection: Collection, record_id: str) -> None:
    """Raises `Outage` where it is events that fill a document: they go, and there is room again."""
    found = await collection.find_one({"_id": record_id}, {"outbox": 1, "sent": 1}) or {}
    waiting = [*found.get("outbox", ()), *found.get("sent", ())]
    if sum(len(entry["body"]) for entry in waiting) > MOST_WAITING:
        raise Outage("outbox_full")
