"""Numbers for Hubs and funders: whole quarters, small counts withheld."""

import csv
import io
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from services.allocation.access import manages_hub
from services.allocation.callers import EntryId, OnStores
from services.allocation.numbers.published import numbers_of
from services.allocation.numbers.quarter import Numbers
from services.allocation.numbers.table import lines
from shared.web.access import may
from shared.web.tokens import AnyCaller

router = APIRouter(tags=["numbers"])


@router.get(
    "/v1/hubs/{hub_id}/numbers",
    dependencies=[may("view_numbers")],
    response_model=Numbers,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def get_numbers(
    hub_id: EntryId,
    caller: AnyCaller,
    stores: OnStores,
    quarter: Annotated[str, Query(max_length=10, examples=["2026-Q1"])],
    form: Annotated[
        Literal["json", "csv"],
        Query(alias="format", description="`csv`: one line for each number, `table,code,number`."),
    ] = "json",
) -> Numbers | Response:
    """What a Hub did in a quarter. A finished one is counted once and stays so; the present one is
    provisional, up to the last Monday, and says how things stand now. There are no filters, on
    purpose: they could be subtracted."""
    manages_hub("view_numbers", caller, hub_id)
    numbers = await numbers_of(stores, hub_id, quarter)
    if form == "json":
        return numbers
    written = io.StringIO()
    csv.writer(written).writerows([("table", "code", "number"), *lines(numbers)])
    return Response(written.getvalue(), media_type="text/csv; charset=utf-8")
