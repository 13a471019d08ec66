"""Hubs and their policy."""

from fastapi import APIRouter, Response
from pydantic import BaseModel

from services.allocation.domain.hubs import HubEntry, amend_hub, hub_entry, register_hub
from services.allocation.routes.common import (
    Cursor,
    EntryId,
    FromAnyone,
    FromRegistrar,
    Limit,
    OnDesk,
    own_hub,
)
from shared.etags import IfMatch, tagged
from shared.problems import CONDITIONAL

router = APIRouter(tags=["hubs"])


class HubView(HubEntry):
    """A Hub's entry with its id and revision; the ETag is made from the revision."""

    id: str
    revision: int


class HubPage(BaseModel):
    """Hubs by id; `next` is the cursor of the next page, if there is one."""

    hubs: list[HubView]
    next: str | None


@router.put("/v1/hubs/{hub_id}", responses=CONDITIONAL)
async def put_hub(
    hub_id: EntryId,
    entry: HubEntry,
    caller: FromRegistrar,
    desk: OnDesk,
    match: IfMatch,
    response: Response,
) -> HubEntry:
    """Register a Hub, or amend its entry. The same entry again changes nothing."""
    own_hub(caller, hub_id)
    hub, event = register_hub(hub_id, entry)
    stored = await desk.hubs.add_or_change(
        hub,
        event,
        rule=match.guard(lambda h: amend_hub(h, entry), lambda h: h.revision),
        by=caller.origin(),
    )
    tagged(response, stored.revision)
    return hub_entry(stored)


@router.get("/v1/hubs/{hub_id}")
async def get_hub(hub_id: EntryId, caller: FromAnyone, desk: OnDesk, response: Response) -> HubView:
    """A Hub and its policy. Policies are no secret within the network."""
    hub = await desk.hubs.get(hub_id)
    tagged(response, hub.revision)
    return HubView(id=hub.id, revision=hub.revision, **hub_entry(hub).model_dump())


@router.get("/v1/hubs")
async def get_hubs(
    caller: FromAnyone, desk: OnDesk, limit: Limit = 50, cursor: Cursor = None
) -> HubPage:
    """All Hubs, by id."""
    found = await desk.hubs.find({"_id": {"$gt": cursor or ""}}, sort=[("_id", 1)], limit=limit)
    views = [
        HubView(id=hub.id, revision=hub.revision, **hub_entry(hub).model_dump()) for hub in found
    ]
    return HubPage(hubs=views, next=found[-1].id if len(found) == limit else None)
