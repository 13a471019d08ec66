"""Numbers for Hubs and funders: whole finished quarters, small counts withheld."""

from typing import Annotated

from fastapi import APIRouter, Query

from services.allocation.domain.numbers import Numbers, count, quarter_bounds
from services.allocation.domain.workers import day_of
from services.allocation.routes.common import EntryId, OnDesk, own_hub
from shared.clock import now
from shared.tokens import Caller, only

router = APIRouter(tags=["numbers"])

Reader = Annotated[Caller, only("hub_manager", "auditor", "operator")]


@router.get("/v1/hubs/{hub_id}/numbers")
async def get_numbers(
    hub_id: EntryId,
    caller: Reader,
    desk: OnDesk,
    quarter: Annotated[str, Query(max_length=10, examples=["2026-Q1"])],
) -> Numbers:
    """What a Hub did in a quarter. There are no other filters, on purpose: they could be subtracted."""
    own_hub(caller, hub_id)
    start, end = quarter_bounds(quarter, day_of(now()))
    await desk.hubs.get(hub_id)
    return count(hub_id, quarter, await desk.rows(hub_id, start, end), start, end)
