"""Workers stored by a release before it was noted from when a supervision is overdue."""

from services.allocation.caseload.worker import Worker
from shared.storage.store import Store


async def note_overdue(workers: Store[Worker]) -> None:
    """Note it of every worker. It tells nothing new, so there is no event. Safe to repeat; who is
    changed meanwhile has it noted by that."""
    async for found in workers.collection.find({"overdue_from": {"$exists": False}}, {"_id": 1}):
        worker = await workers.get(found["_id"])
        same = {"_id": worker.id, "version": worker.version}
        await workers.collection.update_one(same, {"$set": {"overdue_from": worker.overdue_from}})
