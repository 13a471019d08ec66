"""Referrals stored before it was noted since when they stand as they do: noted when a release starts."""

from datetime import datetime
from typing import Any

from services.referral.store import Stores

# Also what an older replica stores meanwhile: the next start finds it.
EARLIER = {"stands_since": None}
TIMES = ("received_at", "changed_at", "erased_at")


async def note_since(stores: Stores) -> None:
    """Since when each referral of before stands as it does: its last change that is known. Says nothing
    new, so there is no event. Every replica may do it at once, and again."""
    collection = stores.referrals.collection
    async for found in collection.find(EARLIER, {**dict.fromkeys(TIMES, 1), "amendments.at": 1}):
        since = {"stands_since": last_change(found)}
        await collection.update_one({"_id": found["_id"], **EARLIER}, {"$set": since})


def last_change(document: dict[str, Any]) -> datetime:
    """When what a referral says last changed. Pure."""
    times: list[datetime | None] = [document.get(name) for name in TIMES]
    times += [each["at"] for each in document.get("amendments", ())]
    return max(at for at in times if at is not None)
