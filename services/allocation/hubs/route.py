"""Hubs and their policy."""

from fastapi import APIRouter, Response
from pydantic import BaseModel

from services.allocation.access import manages_hub
from services.allocation.callers import Cursor, EntryId, Limit, OnStores
from services.allocation.hubs.command import put_hub_entry
from services.allocation.hubs.hub import HubEntry, hub_entry
from shared.web.access import may
from shared.web.etags import IfMatch, tagged
from shared.web.problems import CONDITIONAL
from shared.web.tokens import AnyCaller

router = APIRouter(tags=["hubs"])


class HubView(HubEntry):
    """A Hub's entry with its id and revision; the ETag is made from the revision."""

    id: str
    revision: int


class HubPage(BaseModel):
    """Hubs by id; `next` is the cursor of the next page, if there is one."""

    hubs: list[HubView]
    next: str | None


@router.put("/v1/hubs/{hub_id}", responses=CONDITIONAL, dependencies=[may("put_hub")])
async def put_hub(
    hub_id: EntryId,
    entry: HubEntry,
    caller: AnyCaller,
    stores: OnStores,
    match: IfMatch,
    response: Response,
) -> HubEntry:
    """Register a Hub, or amend its entry. The same entry again changes nothing.

    An operator registers a Hub and gives it its areas; an area has one Hub (`409 area_taken` names
    the one that has it). A manager of the Hub changes all the rest.
    """
    manages_hub("put_hub", caller, hub_id)
    stored = await put_hub_entry(stores, hub_id, entry, caller, match)
    tagged(response, stored.revision)
    return hub_entry(stored)


@router.get("/v1/hubs/{hub_id}", dependencies=[may("view_hub")])
async def get_hub(
    hub_id: EntryId, caller: AnyCaller, stores: OnStores, response: Response
) -> HubView:
    """A Hub and its policy. Policies are no secret within the network."""
    hub = await stores.hubs.get(hub_id)
    tagged(response, hub.revision)
    return HubView(id=hub.id, revision=hub.revision, **hub_entry(hub).model_dump())


@router.get("/v1/hubs", dependencies=[may("list_hubs")])
async def get_hubs(
    caller: AnyCaller, stores: OnStores, limit: Limit = 50, cursor: Cursor = None
) -> HubPage:
    """All Hubs, by id."""
    found = await stores.hubs.find({"_id": {"$gt": cursor or ""}}, sort=[("_id", 1)], limit=limit)
    views = [
        HubView(id=hub.id, revision=hub.revision, **hub_entry(hub).model_dump()) for hub in found
    ]
    return HubPage(hubs=views, next=found[-1].id if len(found) == limit else None)
