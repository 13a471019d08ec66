"""Which goals were agreed, as the referral service says: by id and code, without their words."""

from services.allocation.casework.results import KnownGoal
from shared.events import Event
from shared.events.goals import GoalAgreed, GoalClosed
from shared.storage.newest import Newest
from shared.storage.store import Collection


class KnownGoals:
    """The goals of each referral."""

    def __init__(self, collection: Collection) -> None:
        self._newest = Newest(collection)

    async def prepare(self) -> None:
        """Create the index; safe to repeat."""
        await self._newest.collection.create_index("referral_id")

    async def keep(self, event: Event[GoalAgreed] | Event[GoalClosed]) -> None:
        """What the event says, or something newer, is known on return."""
        said = event.data.model_dump(include={"referral_id", "area", "reopenings", "outcome"})
        await self._newest.keep(event.data.goal_id, event.version, said)

    async def of(self, referral_id: str) -> tuple[KnownGoal, ...]:
        """The goals of a referral, in one order."""
        cursor = self._newest.collection.find({"referral_id": referral_id}).sort("_id", 1)
        return tuple(
            [KnownGoal.model_validate({**each, "id": each["_id"]}) async for each in cursor]
        )
