"""What the routes have in common: the stores, who calls, and the case a request is about."""

from typing import Annotated

from fastapi import Depends, Path, Query, Request

from services.allocation.access import has_case
from services.allocation.documents import Code
from services.allocation.records import Allocation
from services.allocation.safety.asking import host_of
from services.allocation.store import Stores
from shared.errors import NotFound, NotTheirs
from shared.rules.access_table import Action
from shared.web.access import person
from shared.web.tokens import Caller

MAX_PAGE = 200


def stores(request: Request) -> Stores:
    """The stores, as `app.py` wired them."""
    found: Stores = request.app.state.allocation
    return found


OnStores = Annotated[Stores, Depends(stores)]


async def has_left(stores: Stores, caller: Caller) -> bool:
    """Whether an agency is inactive, a worker was removed, or nobody registered the Hub that a manager
    names. Of an agency that was last heard of before it was kept, it is not known."""
    if caller.role == "agency":
        return not (await stores.agencies.get(caller.agency_id or "")).get("active", True)
    if caller.role == "hub_manager":
        return await stores.hub(caller.hub_id) is None
    if caller.role != "worker":
        return False
    try:
        return not (await stores.workers.get(caller.worker_id or "")).active
    except NotFound:
        return False


EntryId = Annotated[Code, Path()]
AllocationId = Annotated[str, Path(pattern=r"^ref_[0-9a-f]{32}$")]
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE)]
Cursor = Annotated[
    str | None,
    Query(
        max_length=100, description="`next` of the page before; leave it out for the first page."
    ),
]


async def their_case(
    stores: Stores, allocation_id: str, caller: Caller, action: Action
) -> Allocation:
    """The allocation, for who may do this to it. Raises `NotTheirs` for anyone else, for who is marked
    as unsafe for the young person, and where there is none, for which as much is read."""
    found = await stores.allocations.find({"_id": allocation_id}, limit=1)
    unsafe = await stores.marks.unsafe_for(found[0].subject_id if found else allocation_id)
    if not found:
        raise NotTheirs("not_there")
    host = await host_of(stores, caller) if unsafe else None
    has_case(action, person(caller, host_agency_id=host), found[0], unsafe)
    return found[0]
