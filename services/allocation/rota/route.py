"""HTTP in: a Hub's rota, and where nobody is on duty."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from services.allocation.access import manages_hub
from services.allocation.callers import EntryId, OnStores
from services.allocation.rota.command import gaps_of, put_rota_entry
from services.allocation.rota.plan import Rota
from services.allocation.rota.rule import Gap
from shared.clock import now
from shared.errors import NotFound
from shared.web.access import may
from shared.web.etags import IfMatch, tagged
from shared.web.problems import CONDITIONAL
from shared.web.tokens import AnyCaller

router = APIRouter(tags=["hubs"])
Ahead = Annotated[int, Query(ge=1, le=92)]


class Gaps(BaseModel):
    """Where nobody is on duty, in order. A gap without `until` lasts longer than was asked for."""

    gaps: list[Gap]


@router.put("/v1/hubs/{hub_id}/rota", responses=CONDITIONAL, dependencies=[may("put_rota")])
async def put_rota(
    hub_id: EntryId,
    entry: Rota,
    caller: AnyCaller,
    stores: OnStores,
    match: IfMatch,
    response: Response,
) -> Rota:
    """Set who is on duty when: from now on the rota counts, not the one duty worker.

    The first one needs `If-Match: *`. Spans that overlap are refused, and so is who is not of the
    Hub. Cover by another Hub, or by its worker, an operator arranges; a manager may keep it.
    """
    manages_hub("put_rota", caller, hub_id)
    stored = await put_rota_entry(stores, hub_id, entry, caller, match)
    tagged(response, stored.rota_revision)
    return stored.rota or entry


@router.get("/v1/hubs/{hub_id}/rota", dependencies=[may("view_rota")])
async def get_rota(
    hub_id: EntryId, caller: AnyCaller, stores: OnStores, response: Response
) -> Rota:
    """The rota, for the Hub's own; 404 where it has only its one duty worker."""
    manages_hub("view_rota", caller, hub_id)
    hub = await stores.hubs.get(hub_id)
    if hub.rota is None:
        raise NotFound
    tagged(response, hub.rota_revision)
    return hub.rota


@router.get("/v1/hubs/{hub_id}/rota/gaps", dependencies=[may("view_rota")])
async def get_rota_gaps(
    hub_id: EntryId, caller: AnyCaller, stores: OnStores, days: Ahead = 7
) -> Gaps:
    """Where nobody will be on duty in these days: no span, or all of it away or gone."""
    manages_hub("view_rota", caller, hub_id)
    hub, at = await stores.hubs.get(hub_id), now()
    return Gaps(gaps=await gaps_of(stores, hub, at, at + timedelta(days=days)))
