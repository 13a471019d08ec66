"""The hand-over plans of a Hub, for its managers."""

from typing import Any

from services.allocation.handover.plan import Plan, PlanStatus
from services.allocation.safety.asking import hidden_from
from services.allocation.store import Stores
from shared.web.cursors import behind, cursor_of
from shared.web.tokens import Caller


async def list_plans(
    stores: Stores, caller: Caller, status: PlanStatus | None, cursor: str | None, limit: int
) -> tuple[list[Plan], str | None]:
    """A page of the caller's Hub's plans, the newest first, and the cursor of the next one. A plan
    that moves the case of a young person for whom the caller is marked is not there, in no page."""
    where: dict[str, Any] = {"hub_id": caller.hub_id} | ({"status": status} if status else {})
    if hidden := await hidden_from(stores, caller):
        where["moves.referral_id"] = {"$nin": await _about(stores, hidden)}
    if cursor is not None:
        where = {"$and": [where, behind(cursor, "proposed_at", newest_first=True)]}
    sort = [("proposed_at", -1), ("_id", -1)]
    found = await stores.plans.find(where, sort=sort, limit=limit)
    last = found[-1] if len(found) == limit else None
    return found, cursor_of(last.proposed_at, last.id) if last else None


async def _about(stores: Stores, subject_ids: list[str]) -> list[str]:
    cases = stores.allocations.collection.find({"subject_id": {"$in": subject_ids}}, {"_id": 1})
    return sorted([str(found["_id"]) async for found in cases])
