"""HTTP in: a worker's own cases."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from services.referral.acting import Asker
from services.referral.callers import ByViewer, OnStores
from services.referral.cases.command import list_cases
from services.referral.cases.line import CaseLine
from services.referral.documents import Purpose
from shared.web.access import may
from shared.web.tokens import AnyCaller

router = APIRouter(tags=["referrals"])


class CasePage(BaseModel):
    """The newest first; pass `next` as `cursor` for the page behind it."""

    cases: list[CaseLine]
    next: str | None


@router.get("/v1/cases", dependencies=[may("list_cases")])
async def get_cases(
    caller: AnyCaller,
    viewer: ByViewer,
    stores: OnStores,
    response: Response,
    purpose: Annotated[Purpose, Query(description="What you need it for.")] = "direct_work",
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 25,
) -> CasePage:
    """The open cases that you have, or hold while they wait, with the young people's names. That you
    saw each name is recorded. What each case needs next, and by when, says `next_step` of the
    allocation of the same id (`GET /v1/allocations`)."""
    asker = Asker(caller, viewer)
    found, following = await list_cases(stores, asker, purpose, cursor, limit)
    response.headers["Cache-Control"] = "no-store"
    return CasePage(cases=found, next=following)
