"""HTTP in: the problem profile of an area."""

import csv
import io
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from services.referral.callers import ByViewer, OnStores
from services.referral.documents import Code
from services.referral.intelligence.profile import Profile, lines
from services.referral.intelligence.profiling import profile_of
from shared.web.access import may

router = APIRouter(tags=["intelligence"])


@router.get(
    "/v1/problem-profile",
    dependencies=[may("view_profile")],
    response_model=Profile,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def get_problem_profile(
    viewer: ByViewer,
    stores: OnStores,
    area: Annotated[Code, Query(description="The area, by its code.")],
    quarter: Annotated[str, Query(max_length=10, examples=["2026-Q1"])],
    form: Annotated[
        Literal["json", "csv"],
        Query(alias="format", description="`csv`: one line for each number, `table,code,number`."),
    ] = "json",
) -> Profile | Response:
    """What an area knows of a quarter that has ended, in numbers without persons: for its coordinator,
    the manager of its Hub, and an agency by an agreement with the Hub that covers `intelligence`. It
    is counted once and stays so. There are no filters, on purpose: they could be subtracted."""
    found = await profile_of(stores, viewer, area, quarter)
    if form == "json":
        return found
    written = io.StringIO()
    csv.writer(written).writerows(lines(found))
    return Response(written.getvalue(), media_type="text/csv; charset=utf-8")
