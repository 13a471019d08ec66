"""Events of a case that somebody had to do with who is unsafe for the young person, or has left."""

from typing import ClassVar

from shared.events.allocation import AllocationEvent
from shared.events.codes import HolderReason, RemovalReason
from shared.events.declared import plain


class _Removed(AllocationEvent):
    """Somebody who is marked as unsafe for the young person, or has left, had to do with the case."""

    from_worker_id: str
    reason: RemovalReason

    def _because(self) -> str:
        return "has left" if self.reason == "left" else "is unsafe for the young person"

    def _others(self) -> tuple[str | None, ...]:
        return (self.from_worker_id,)


class AllocationTakenAway(_Removed):
    """The worker is unsafe for the young person, or left without having accepted: they have the case
    no longer, and another is looked for."""

    event_type: ClassVar[str] = "allocation.taken_away"
    heard_by: ClassVar[tuple[str, ...]] = (
        "referral.allocations",
        "allocation.follow_up",
        "notify.allocations",
    )

    def says(self, by: str) -> str:
        return (
            f"{self.referral_id} was taken away from {self.from_worker_id}, who {self._because()}."
        )


class AllocationHolderChanged(AllocationEvent):
    """A waiting case is held by somebody else: the duty worker changed, is away, has left, or is
    unsafe for the young person. `holder_id` None: the Hub's managers hold it."""

    event_type: ClassVar[str] = "allocation.holder_changed"
    heard_by: ClassVar[tuple[str, ...]] = ("referral.allocations", "notify.allocations")

    from_worker_id: str | None
    reason: HolderReason
    holder_id: str | None = None

    def says(self, by: str) -> str:
        before, after = (
            one or "the Hub's managers" for one in (self.from_worker_id, self.holder_id)
        )
        return (
            f"{self.referral_id} is held by {after}, no longer by {before}: {plain(self.reason)}."
        )

    def _others(self) -> tuple[str | None, ...]:
        return (self.from_worker_id, self.holder_id)


class AllocationCoverCalled(AllocationEvent):
    """A case waits while nobody of the Hub is on duty: the desk that covers then is told, `operators`
    or `hub:` and a Hub. The Hub's managers hold it as before."""

    event_type: ClassVar[str] = "allocation.cover_called"
    heard_by: ClassVar[tuple[str, ...]] = ("notify.allocations",)

    cover: str

    def says(self, by: str) -> str:
        desk = "the operators' desk" if self.cover == "operators" else self.cover[4:]
        return f"{self.referral_id} waits, and {desk} covers for {self.hub_id}."


class AllocationTakenUp(AllocationEvent):
    """The worker who had left is back, and goes on with the case that nobody was given meanwhile."""

    event_type: ClassVar[str] = "allocation.taken_up"

    def says(self, by: str) -> str:
        return f"{self.worker_id} is back and has {self.referral_id} again."
