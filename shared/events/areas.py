"""Events of the register of areas (owned by the referral service)."""

from typing import ClassVar

from shared.events import EventData
from shared.events.declared import Parties


class AreaRegistered(EventData):
    """An area's entry as it is now. Its names are counted only; the code is the operator's."""

    event_type: ClassVar[str] = "area.registered"
    heard_by: ClassVar[tuple[str, ...]] = ("referral.follow_up",)

    area: str
    names: int
    retired: bool = False

    def says(self, by: str) -> str:
        names = "1 name" if self.names == 1 else f"{self.names} names"
        state = ", retired" if self.retired else ""
        return f"{by} registered the area {self.area}: {names}{state}."

    def parties(self) -> Parties:
        return Parties()
