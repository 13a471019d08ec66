"""HTTP in: the wall."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from services.referral.acting import Asker
from services.referral.callers import ByViewer, OnStores
from services.referral.documents import Code
from services.referral.intelligence.normal import Strength
from services.referral.intelligence.walling import WallView, wall_of
from shared.rules.values import Instant
from shared.web.access import may
from shared.web.tokens import AnyCaller

router = APIRouter(tags=["intelligence"])


@router.get("/v1/wall", dependencies=[may("view_wall")])
async def get_wall(
    caller: AnyCaller,
    viewer: ByViewer,
    stores: OnStores,
    response: Response,
    area: Annotated[
        Code | None, Query(description="One of your areas; all of them without.")
    ] = None,
    since: Annotated[Instant | None, Query(description="What was reported from then on.")] = None,
    strength: Annotated[
        Strength | None,
        Query(description="`certain`: no possible links; `possible`: only what has one."),
    ] = None,
) -> WallView:
    """Children, what was mentioned of them, and places, with where it all meets: as nodes and lines
    that stand where they can be drawn. For the coordinator of the area and the manager of its Hub.
    Each report of which a word is shown is recorded as looked at."""
    response.headers["Cache-Control"] = "no-store"
    return await wall_of(stores, Asker(caller, viewer), area, since, strength)
