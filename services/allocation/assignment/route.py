"""HTTP in: allocations: how they stand, why so, and whether the rules would decide the same again."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from services.allocation.access import listed_allocations
from services.allocation.assignment.choice import replay
from services.allocation.assignment.explanation import Explanation, explain
from services.allocation.assignment.showing import all_shown, shown
from services.allocation.assignment.view import AllocationPage, AllocationView, Replay
from services.allocation.assignment.waiting import QUEUE_ORDER
from services.allocation.callers import (
    AllocationId,
    Cursor,
    Limit,
    OnStores,
    their_case,
)
from services.allocation.casework.next_step import Only, found_by
from services.allocation.records import Status
from services.allocation.safety.asking import hidden_from
from services.allocation.store import Stores
from shared.clock import now
from shared.errors import BadRequest, NotFound
from shared.web.access import may
from shared.web.etags import tagged
from shared.web.tokens import AnyCaller, Caller

router = APIRouter(tags=["allocations"])


@router.get("/v1/allocations/{allocation_id}", dependencies=[may("view_allocation")])
async def get_allocation(
    allocation_id: AllocationId, caller: AnyCaller, stores: OnStores, response: Response
) -> AllocationView:
    """The allocation of a referral, for its worker and its Hub's managers; else it isn't there."""
    allocation = await their_case(stores, allocation_id, caller, "view_allocation")
    tagged(response, allocation.version)
    return await shown(stores, allocation)


@router.get("/v1/allocations", dependencies=[may("list_allocations")])
async def get_allocations(
    caller: AnyCaller,
    stores: OnStores,
    status: Annotated[Status | None, Query()] = None,
    only: Annotated[
        Only | None,
        Query(
            description="`waiting`: without a worker; `unaccepted`: a worker has not answered yet; "
            "`overdue`: a step was not taken in time."
        ),
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> AllocationPage:
    """A worker's own, or the Hub's: the queue's order, which is level, urgency, waiting longest.
    `next_step` says what each needs, and by when."""
    asked = [await listed(stores, caller)]
    if status is not None:
        asked.append({"status": status})
    if only is not None:
        asked.append(found_by(only, now()))
    if cursor is not None:
        asked.append(await _after(stores, cursor, caller))
    found = await stores.allocations.find({"$and": asked}, sort=QUEUE_ORDER, limit=limit)
    views = await all_shown(stores, found)
    return AllocationPage(allocations=views, next=found[-1].id if len(found) == limit else None)


@router.get("/v1/allocations/{allocation_id}/explanation", dependencies=[may("explain_allocation")])
async def get_explanation(
    allocation_id: AllocationId, caller: AnyCaller, stores: OnStores
) -> Explanation:
    """Why this worker, why not each other, why this level: in sentences and as data."""
    allocation = await their_case(stores, allocation_id, caller, "explain_allocation")
    return explain(allocation, await stores.decided(allocation), stores.policy)


@router.post("/v1/allocations/{allocation_id}/replay", dependencies=[may("replay_allocation")])
async def post_decision_replay(
    allocation_id: AllocationId, caller: AnyCaller, stores: OnStores
) -> Replay:
    """Decide again from the stored inputs. Changes nothing.

    A decision that was altered in the store is different, too: its id is of its content.
    """
    allocation = await their_case(stores, allocation_id, caller, "replay_allocation")
    again = [replay(decision).id for decision in await stores.decided(allocation)]
    same = [new == stored for new, stored in zip(again, allocation.decisions, strict=True)]
    return Replay(same=all(same), decisions=["same" if one else "different" for one in same])


async def listed(stores: Stores, caller: Caller) -> dict[str, Any]:
    """What a list shows: without the young people for whom the caller is marked as unsafe."""
    hidden = await hidden_from(stores, caller)
    return listed_allocations(caller) | ({"subject_id": {"$nin": hidden}} if hidden else {})


async def _after(stores: Stores, cursor: str, caller: Caller) -> dict[str, Any]:
    try:
        last = await their_case(stores, cursor, caller, "view_allocation")
    except NotFound:
        raise BadRequest("cursor_invalid", "This page is gone; start again.") from None
    values = (last.level_rank, last.urgency_rank, last.waiting_since, last.id)
    steps: list[dict[str, Any]] = []
    same: dict[str, Any] = {}
    for (field, direction), value in zip(QUEUE_ORDER, values, strict=True):
        beyond = {"$lt": value} if direction < 0 else {"$gt": value}
        if value is not None:
            steps.append({**same, field: beyond})
        else:  # no time of waiting sorts before every time
            steps.append({**same, field: {"$ne": None}})
        same[field] = value
    return {"$or": steps}
