"""What the routes of this service share: the desk, who may call, and whose things are whose."""

from typing import Annotated

from fastapi import Depends, Path, Query, Request

from services.allocation.domain.allocations import Allocation
from services.allocation.domain.hubs import Code
from services.allocation.store import Desk
from shared.errors import NotFound
from shared.tokens import Caller, only

MAX_PAGE = 200


def desk(request: Request) -> Desk:
    """The stores, as `app.py` wired them."""
    found: Desk = request.app.state.allocation
    return found


OnDesk = Annotated[Desk, Depends(desk)]
FromRegistrar = Annotated[Caller, only("operator", "hub_manager")]
FromHub = Annotated[Caller, only("worker", "hub_manager")]
FromManager = Annotated[Caller, only("hub_manager")]
FromWorker = Annotated[Caller, only("worker")]
FromAnyone = Annotated[Caller, only("operator", "hub_manager", "worker")]
EntryId = Annotated[Code, Path()]
AllocationId = Annotated[str, Path(pattern=r"^ref_[0-9a-f]{32}$")]
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE)]
Cursor = Annotated[
    str | None,
    Query(
        max_length=100, description="`next` of the page before; leave it out for the first page."
    ),
]


def own_hub(caller: Caller, hub_id: str | None) -> None:
    """Returns for operators and for the Hub's own managers; to others it isn't there."""
    if caller.role == "hub_manager" and caller.hub_id != hub_id:
        raise NotFound


async def theirs(desk: Desk, allocation_id: str, caller: Caller) -> Allocation:
    """The allocation, for its worker and its Hub's managers. Raises `NotFound` for anyone else."""
    allocation = await desk.allocations.get(allocation_id)
    if caller.role == "worker" and allocation.worker_id != caller.worker_id:
        raise NotFound
    own_hub(caller, allocation.hub_id)
    return allocation
