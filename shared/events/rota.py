"""Events of a Hub's rota: who is on duty when. No word of the rota itself: its spans' names are words."""

from typing import ClassVar

from shared.events import EventData
from shared.events.declared import Parties, listed


class RotaChanged(EventData):
    """A Hub's rota is as it was put. `worker_ids`: all whom it names, for a day at least."""

    event_type: ClassVar[str] = "hub.rota_changed"
    heard_by: ClassVar[tuple[str, ...]] = ("allocation.capacity",)

    hub_id: str
    revision: int
    worker_ids: tuple[str, ...]

    def says(self, by: str) -> str:
        names = listed(self.worker_ids, "no worker")
        return f"{by} set the rota of {self.hub_id}, revision {self.revision}: with {names}."

    def parties(self) -> Parties:
        return Parties(hubs=(self.hub_id,), workers=self.worker_ids)
