"""Which Hubs are asked to take a referral over: who is marked arranges nothing there meanwhile."""

from collections.abc import Collection

from shared.events import Event
from shared.events.transfer import ReferralTransferred, TransferEnded, TransferProposed
from shared.storage.newest import Newest
from shared.storage.store import Database


class Proposals:
    """The last proposal of each referral, and the Hub that it waits for."""

    def __init__(self, database: Database) -> None:
        self._newest = Newest(database["known_proposals"])

    async def prepare(self) -> None:
        """Create the index; safe to repeat."""
        await self._newest.collection.create_index([("to_hub_id", 1), ("subject_id", 1)])

    async def keep(
        self, event: Event[TransferProposed] | Event[TransferEnded] | Event[ReferralTransferred]
    ) -> None:
        """What the event says, or something newer, is known on return."""
        asked = event.data.to_hub_id if isinstance(event.data, TransferProposed) else None
        fields = {"to_hub_id": asked, "subject_id": event.data.subject_id}
        await self._newest.keep(event.data.referral_id, event.version, fields)

    async def wait(self, hub_id: str, subject_ids: Collection[str]) -> bool:
        """Whether the Hub is asked to take a referral of one of these young people."""
        where = {"to_hub_id": hub_id, "subject_id": {"$in": sorted(subject_ids)}}
        return await self._newest.collection.find_one(where, {"_id": 1}) is not None
