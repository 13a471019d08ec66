"""Events of a Hub's rota: who is on duty when. No word of the rota itself: its spans' names are words."""

from datetime import datetime
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from shared.events import EventData
from shared.events.declared import Parties, listed


class RotaChanged(EventData):
    """A Hub's rota is as it was put. `worker_ids`: all whom it names, for a day at least."""

    event_type: ClassVar[str] = "hub.rota_changed"
    heard_by: ClassVar[tuple[str, ...]] = ("allocation.capacity", "notify.allocations")

    hub_id: str
    revision: int
    worker_ids: tuple[str, ...]
    # Who covers from now on and did not before: `operators`, `hub:…` or `worker:…`.
    covering: tuple[str, ...] = ()

    def says(self, by: str) -> str:
        names = listed(self.worker_ids, "no worker")
        return f"{by} set the rota of {self.hub_id}, revision {self.revision}: with {names}."

    def parties(self) -> Parties:
        return Parties(hubs=(self.hub_id,), workers=self.worker_ids)


class DutyGap(BaseModel):
    """From a moment to a moment nobody is on duty; without `until` for longer than was looked."""

    model_config = ConfigDict(frozen=True)

    start: datetime
    until: datetime | None = None


class RotaGapsChanged(EventData):
    """Where nobody will be on duty at a Hub: gaps that are new, and such as are filled again."""

    event_type: ClassVar[str] = "hub.rota_gaps_changed"
    heard_by: ClassVar[tuple[str, ...]] = ("notify.allocations",)

    hub_id: str
    opened: tuple[DutyGap, ...]
    closed: tuple[DutyGap, ...] = ()

    def says(self, _: str) -> str:
        opened, closed = (len(gaps) for gaps in (self.opened, self.closed))
        first = f", the first from {self.opened[0].start:%d %B %Y %H:%M} UTC" if opened else ""
        return (
            f"Nobody will be on duty at {self.hub_id} at {opened} times{first};"
            f" {closed} that were known are filled."
        )

    def parties(self) -> Parties:
        return Parties(hubs=(self.hub_id,))
