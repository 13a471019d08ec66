"""What workers are called."""

from collections.abc import Iterable

from services.allocation.store import Stores


async def names_of(stores: Stores, worker_ids: Iterable[str | None]) -> dict[str | None, str]:
    """The names of these workers, where they have one, in one reading."""
    ids = sorted({worker_id for worker_id in worker_ids if worker_id is not None})
    if not ids:
        return {}
    cursor = stores.workers.collection.find({"_id": {"$in": ids}}, {"name": 1})
    return {found["_id"]: found["name"] async for found in cursor if found.get("name")}
