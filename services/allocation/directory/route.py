"""HTTP in: looking into the directory."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from services.allocation.callers import Cursor, Limit, OnStores
from services.allocation.directory.card import HelpKind
from services.allocation.directory.listing import Asked, desks_of, people_of, public_desks
from services.allocation.directory.view import (
    DeskPage,
    PersonPage,
    PublicPage,
    desk_view,
    person_view,
    public_view,
)
from services.allocation.documents import Code
from shared.clock import now
from shared.web.access import may
from shared.web.questions import only_known

router = APIRouter(tags=["directory"])
KEPT = "public, max-age=60"


def asked(
    area: Annotated[Code | None, Query(description="Only who is there for this area.")] = None,
    need: Annotated[HelpKind | None, Query(description="Only who gives this kind of help.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Asked:
    """What of the directory is asked for."""
    return Asked(area, need, cursor, limit)


WhatIsAsked = Annotated[Asked, Depends(asked)]


@router.get("/v1/directory", dependencies=[may("view_directory")])
async def get_directory(stores: OnStores, asked: WhatIsAsked) -> PersonPage:
    """Who can be asked: workers who show themselves, what they show, and whether they are away. On
    which cases they work, and why they are away, is said to nobody."""
    found, hubs = await people_of(stores, asked)
    at = now()
    people = [person_view(worker, hubs, at) for worker in found]
    return PersonPage(people=people, next=asked.following(found))


@router.get("/v1/directory/hubs", dependencies=[may("view_directory")])
async def get_desks(stores: OnStores, asked: WhatIsAsked) -> DeskPage:
    """The Hubs: which areas they are for, how their desk is reached, and who is on duty now."""
    found = await desks_of(stores, asked, now())
    following = asked.following([desk.hub for desk in found])
    return DeskPage(desks=[desk_view(desk) for desk in found], next=following)


@router.get("/v1/directory/public", include_in_schema=False)
async def get_public_directory(
    request: Request, response: Response, stores: OnStores, asked: WhatIsAsked
) -> PublicPage:
    """Hubs that are there for everybody, without a token: who has none needs it most."""
    only_known(request)
    response.headers["Cache-Control"] = KEPT
    found = await public_desks(stores, asked)
    return PublicPage(desks=[public_view(hub) for hub in found], next=asked.following(found))
