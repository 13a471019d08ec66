"""Events of the directory: that an entry has changed, and never what it says."""

from typing import ClassVar, Literal

from shared.events import EventData
from shared.events.declared import Parties, listed

CardPart = Literal["name", "phone", "email", "times", "helps", "host"]


class WorkerCardChanged(EventData):
    """What a worker shows of themselves was changed. `shown`: the directory shows it now."""

    event_type: ClassVar[str] = "worker.directory_entry_changed"

    worker_id: str
    hub_id: str
    revision: int
    shown: bool
    held_back: bool = False
    parts: tuple[CardPart, ...] = ()

    def says(self, by: str) -> str:
        held = ", held back by a manager" if self.held_back else ""
        state = "shown" if self.shown else "not shown"
        return (
            f"{by} set {self.worker_id}'s entry in the directory, revision {self.revision}:"
            f" {state}{held}, with {listed(self.parts, 'nothing')}."
        )

    def parties(self) -> Parties:
        return Parties(workers=(self.worker_id,), hubs=(self.hub_id,))


class HubCardChanged(EventData):
    """What a Hub says of its desk was changed. `public`: also without signing in."""

    event_type: ClassVar[str] = "hub.directory_entry_changed"

    hub_id: str
    revision: int
    public: bool

    def says(self, by: str) -> str:
        state = "for everybody" if self.public else "for who signs in"
        return (
            f"{by} set the entry of {self.hub_id} in the directory, revision {self.revision}:"
            f" {state}."
        )

    def parties(self) -> Parties:
        return Parties(hubs=(self.hub_id,))
