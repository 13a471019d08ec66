"""What an operator did with a message that was parked (a dead letter)."""

from typing import ClassVar, Literal

from shared.events import EventData
from shared.events.declared import Parties

# Why a parked message is discarded. `superseded`: something newer has the same effect; `by_hand`: a
# person has done what it was to do; `unreadable`: no version can read it; `test`: nobody's.
DiscardReason = Literal["superseded", "by_hand", "unreadable", "test"]


class OfParked(EventData):
    """Which message: `event_id` and `parked_type` of an event of ours, else only its hash."""

    queue: str
    event_id: str | None = None
    parked_type: str | None = None
    sha256: str

    def parties(self) -> Parties:
        return Parties()

    @property
    def which(self) -> str:
        named = f"{self.parked_type} {self.event_id}" if self.event_id else "a message"
        return f"{named} (SHA-256 {self.sha256[:12]}…), parked for {self.queue}"


class DeadLetterReplayed(OfParked):
    """A parked message went back to its queue for a first attempt."""

    event_type: ClassVar[str] = "dead_letter.replayed"

    def says(self, by: str) -> str:
        return f"{by} gave back {self.which}."


class DeadLetterDiscarded(OfParked):
    """A parked message was taken away: nothing will follow from it."""

    event_type: ClassVar[str] = "dead_letter.discarded"

    reason: DiscardReason

    def says(self, by: str) -> str:
        return f"{by} discarded {self.which}: {self.reason}."
