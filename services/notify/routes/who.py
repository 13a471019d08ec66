"""Which stores, and whose inbox."""

from typing import Annotated

from fastapi import Depends, Path, Request

from services.notify.domain.subscription import key_of
from services.notify.store import Desk
from shared.events.notify import RecipientKind
from shared.tokens import Caller, only


def desk(request: Request) -> Desk:
    """The stores, as `app.py` wired them."""
    found: Desk = request.app.state.notify
    return found


def development(request: Request) -> bool:
    """Whether plain http addresses may be registered."""
    allowed: bool = request.app.state.development
    return allowed


def whose(caller: Caller) -> tuple[RecipientKind, str]:
    """The kind and id under which the caller is told things."""
    if caller.role == "worker":
        return "worker", caller.worker_id or ""
    if caller.role == "hub_manager":
        return "hub", caller.hub_id or ""
    if caller.role == "operator":
        return "operator", "operator"
    return "agency", caller.agency_id or ""


def inbox_of(caller: Caller) -> str:
    """`kind:id`."""
    return key_of(*whose(caller))


OnDesk = Annotated[Desk, Depends(desk)]
FromRecipient = Annotated[Caller, only("agency", "worker", "hub_manager", "operator")]
NotificationId = Annotated[str, Path(pattern=r"^ntf_[0-9a-f]{32}$")]
