"""Who caused a write: a caller of the API, or an event handled by a service."""

from dataclasses import dataclass
from typing import Any

from shared.events import Event
from shared.events.codes import Role


@dataclass(frozen=True)
class Origin:
    """`actor` is `kind:id` (`agency:ag_1`, `worker:wk_7`, `service:allocation`)."""

    actor: str
    role: Role
    causation_id: str | None = None
    correlation_id: str | None = None

    @classmethod
    def of_event(cls, service: str, event: Event[Any]) -> "Origin":
        """The service itself acts, because of this event."""
        return cls(f"service:{service}", "service", event.id, event.correlationid)

    @classmethod
    def of_service(cls, service: str, correlation_id: str | None = None) -> "Origin":
        """The service itself acts, because time has passed."""
        return cls(f"service:{service}", "service", None, correlation_id)


def account_of(actor: str) -> str:
    """The account, agency or worker of an actor, without its kind."""
    return actor.partition(":")[2]
