"""`/numbers…`: what the Hub did, quarter by quarter."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.responses import Response

from services.web.managing.looking import names_of, workers_of
from services.web.managing.numbers import around, charts, quarter_of, typical
from services.web.visit import Visit, Visiting, to
from shared.clock import now

router = APIRouter()
Quarter = Annotated[str, Path(pattern=r"^[1-9][0-9]{3}-Q[1-4]$")]


@router.get("/numbers")
async def get_numbers(_: Visiting) -> Response:
    """To those of the quarter that runs."""
    return to(f"/numbers/{quarter_of(now().date())}")


@router.get("/numbers/{quarter}")
async def get_quarter(visit: Visiting, quarter: Quarter) -> Response:
    """Those of a quarter, as charts."""
    return visit.page("managing/numbers.html", **await _numbers(visit, quarter))


@router.get("/numbers/{quarter}/csv")
async def get_csv(visit: Visiting, quarter: Quarter) -> Response:
    """The same as a file, as the API has it."""
    path = f"/v1/hubs/{visit.person.hub_id}/numbers"
    asked = {"quarter": quarter, "format": "csv"}
    found = await visit.api.ask("allocation", "GET", path, params=asked)
    named = {"Content-Disposition": f'attachment; filename="numbers-{quarter}.csv"'}
    return Response(found.content, headers=named, media_type=found.kind)


async def _numbers(visit: Visit, quarter: str) -> dict[str, Any]:
    path = f"/v1/hubs/{visit.person.hub_id}/numbers"
    numbers, workers = await asyncio.gather(
        visit.api.get("allocation", path, quarter=quarter), workers_of(visit)
    )
    names = names_of(workers)
    before, after = around(quarter, now().date())
    shown = {"charts": charts(numbers, names), "typical": typical(numbers)}
    return {"numbers": numbers, "before": before, "after": after, **shown}
