"""HTTP in: hubs, workers, allocations."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel

from services.allocation.domain.records import (
    Allocation,
    Candidate,
    Code,
    HubEntry,
    WorkerEntry,
    amend_hub,
    amend_worker,
    register_hub,
    register_worker,
)
from services.allocation.domain.risk import Assessment
from services.allocation.store import Desk
from shared.errors import NotFound
from shared.events.codes import Urgency
from shared.tokens import Caller, only

router = APIRouter()


def desk(request: Request) -> Desk:
    """The stores, as `app.py` wired them."""
    found: Desk = request.app.state.allocation
    return found


OnDesk = Annotated[Desk, Depends(desk)]
FromRegistrar = Annotated[Caller, only("operator", "hub_manager")]
FromHub = Annotated[Caller, only("worker", "hub_manager")]
EntryId = Annotated[Code, Path()]
AllocationId = Annotated[str, Path(pattern=r"^ref_[0-9a-f]{32}$")]


class AllocationView(BaseModel):
    """An allocation with the whole decision: who was looked at, and why each passed or didn't."""

    id: str
    status: Literal["offered", "waiting"]
    hub_id: str | None
    worker_id: str | None
    urgency: Urgency
    due_at: datetime
    decided_at: datetime
    assessment: Assessment
    candidates: tuple[Candidate, ...]


def view(allocation: Allocation) -> AllocationView:
    return AllocationView(**allocation.model_dump(include=set(AllocationView.model_fields)))


@router.put("/v1/hubs/{hub_id}", tags=["hubs"])
async def put_hub(
    hub_id: EntryId, entry: HubEntry, caller: FromRegistrar, desk: OnDesk
) -> HubEntry:
    """Register a Hub, or amend its entry. The same entry again changes nothing."""
    hub, event = register_hub(hub_id, entry)
    stored = await desk.hubs.add_or_change(
        hub, event, rule=lambda h: amend_hub(h, entry), by=caller.origin()
    )
    return HubEntry(**stored.model_dump(include=set(HubEntry.model_fields)))


@router.put("/v1/workers/{worker_id}", tags=["workers"])
async def put_worker(
    worker_id: EntryId, entry: WorkerEntry, caller: FromRegistrar, desk: OnDesk
) -> WorkerEntry:
    """Register a worker, or amend their entry; open cases stay."""
    worker, event = register_worker(worker_id, entry)
    stored = await desk.workers.add_or_change(
        worker, event, rule=lambda w: amend_worker(w, entry), by=caller.origin()
    )
    return WorkerEntry(**stored.model_dump(include=set(WorkerEntry.model_fields)))


@router.get("/v1/allocations/{allocation_id}", tags=["allocations"])
async def get_allocation(
    allocation_id: AllocationId, caller: FromHub, desk: OnDesk
) -> AllocationView:
    """The allocation of a referral, for its worker and its Hub's managers; else it isn't there."""
    allocation = await desk.allocations.get(allocation_id)
    if caller.role == "worker" and allocation.worker_id != caller.worker_id:
        raise NotFound
    if caller.role == "hub_manager" and allocation.hub_id != caller.hub_id:
        raise NotFound
    return view(allocation)
