"""Events of leave that workers ask for: days and codes; never why, nor what kind of leave it is."""

from datetime import date
from typing import ClassVar

from shared.events import EventData
from shared.events.codes import LeaveRefusal, LeaveStatus
from shared.events.declared import Parties, plain


class _AboutLeave(EventData):
    worker_id: str
    hub_id: str
    request_id: str
    start: date
    to: date

    @property
    def days(self) -> str:
        """From when to when, in words."""
        return f"from {self.start:%d %B %Y} to {self.to:%d %B %Y}"

    def parties(self) -> Parties:
        return Parties(workers=(self.worker_id,), hubs=(self.hub_id,))


class LeaveRequested(_AboutLeave):
    """A worker asks for leave. It changes nothing until a manager approves it."""

    event_type: ClassVar[str] = "worker.leave_requested"
    heard_by: ClassVar[tuple[str, ...]] = ("notify.allocations",)

    def says(self, by: str) -> str:
        return f"{by} asked {self.hub_id} for leave of {self.worker_id} {self.days}."


class LeaveDecided(_AboutLeave):
    """What became of a leave that was asked for. `before`: how it stood until then."""

    event_type: ClassVar[str] = "worker.leave_decided"
    heard_by: ClassVar[tuple[str, ...]] = ("notify.allocations", "allocation.safety")

    status: LeaveStatus
    before: LeaveStatus
    reason: LeaveRefusal | None = None

    def says(self, by: str) -> str:
        why = f" ({plain(self.reason)})" if self.reason else ""
        return f"{by}: the leave of {self.worker_id} {self.days} is {plain(self.status)}{why}."


class LeaveUndecided(_AboutLeave):
    """A leave still waits for a manager. Said again every third day; every day when it is near."""

    event_type: ClassVar[str] = "worker.leave_undecided"
    heard_by: ClassVar[tuple[str, ...]] = ("notify.allocations",)

    def says(self, _: str) -> str:
        return f"Nobody has decided on the leave of {self.worker_id} {self.days}."
