"""HTTP in: what a worker has closed."""

from fastapi import APIRouter
from pydantic import BaseModel

from services.allocation.callers import Cursor, Limit, OnStores
from services.allocation.casework.closed import ClosedCase, closed_cases
from shared.clock import now
from shared.web.access import may
from shared.web.tokens import AnyCaller

router = APIRouter(tags=["allocations"])


class ClosedPage(BaseModel):
    """The newest end first; pass `next` as `cursor` for the page behind it."""

    cases: list[ClosedCase]
    next: str | None


@router.get("/v1/closed-cases", dependencies=[may("list_closed_cases")])
async def get_closed_cases(
    caller: AnyCaller, stores: OnStores, limit: Limit = 50, cursor: Cursor = None
) -> ClosedPage:
    """Cases that ended with you, for 90 days: how, and whether a debrief is open. No names, and
    nothing of the record."""
    found, following = await closed_cases(stores, caller, now(), cursor, limit)
    return ClosedPage(cases=[ClosedCase.model_validate(each) for each in found], next=following)
