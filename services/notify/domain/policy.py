"""The table of who hears what, and what may differ per Hub. Read from a policy file. Pure."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.calendars import Nation
from shared.events import Event
from shared.events.codes import Urgency
from shared.events.notify import NotificationKind
from shared.sharing import Category

Audience = Literal["referrer", "worker", "hub", "partners"]


class _Policy(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Row(_Policy):
    """On this event, tell these, what for, and ask them to do that. See the policy file."""

    on: str
    when: dict[str, tuple[str, ...]] = {}
    tell: Audience
    who: str = "worker_id"
    kind: NotificationKind
    purpose: str
    categories: tuple[Category, ...] = ()
    action: str = "none"
    due: str | None = None
    detail: str | None = None
    once: bool = False
    urgent: Literal["never", "by_urgency", "always"] = "never"


class HubPolicy(_Policy):
    """What a Hub may decide for itself. Times in minutes, reminders in working days."""

    nation: Nation = "england"
    open_within: dict[Urgency, int] = {}
    escalate_within: int = Field(30, ge=1)
    remind_after: tuple[int, ...] = ()
    mute: tuple[NotificationKind, ...] = ()


class HearingPolicy(_Policy):
    """A whole policy file."""

    version: str
    hears: tuple[Row, ...]
    default: HubPolicy
    hub: dict[str, dict[str, Any]] = {}

    def of_hub(self, hub_id: str | None) -> HubPolicy:
        """The policy of a Hub: the default, but for what it has decided otherwise."""
        own = self.hub.get(hub_id or "", {})
        return HubPolicy.model_validate({**self.default.model_dump(), **own})

    def rows(self, event: Event[Any]) -> list[Row]:
        """The rows that this event sets off, in the order of the table."""
        return [row for row in self.hears if row.on == event.type and _applies(row, event.data)]


def _applies(row: Row, data: Any) -> bool:
    return all(getattr(data, name) in allowed for name, allowed in row.when.items())


def open_within(row: Row, urgency: Urgency | None, policy: HubPolicy) -> int | None:
    """Minutes until it must have been opened; None where nothing urgent is about it."""
    if row.urgent == "never" or urgency is None:
        return None
    minutes = policy.open_within.get(urgency)
    return policy.escalate_within if minutes is None and row.urgent == "always" else minutes
