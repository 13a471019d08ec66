"""HTTP in: the register of areas, entry by entry or as a list."""

from typing import Annotated

from fastapi import APIRouter, Body, Query, Response
from pydantic import BaseModel

from services.referral.areas.area_list import ImportReport, import_areas
from services.referral.areas.command import put_area_entry, view_of
from services.referral.areas.request import AreaEntry
from services.referral.areas.rule import AreaView, entry_of, viewed
from services.referral.callers import EntryId, OnStores
from services.referral.documents import Code
from shared.rules.values import File
from shared.web.access import may
from shared.web.etags import IfMatch, tagged
from shared.web.problems import CONDITIONAL
from shared.web.tokens import AnyCaller

router = APIRouter(tags=["areas"])


class AreaPage(BaseModel):
    """Areas by code; pass `next` as `cursor` for the page behind it."""

    areas: list[AreaView]
    next: str | None


@router.put("/v1/areas/{code}", responses=CONDITIONAL, dependencies=[may("put_area")])
async def put_area(
    code: EntryId,
    entry: AreaEntry,
    caller: AnyCaller,
    stores: OnStores,
    match: IfMatch,
    response: Response,
) -> AreaEntry:
    """Register an area; or, with `If-Match`, amend it. The same entry again changes nothing.

    What was referred by one of its names, while nobody knew it, goes to its Hub. A name that two
    areas have means neither.
    """
    stored = await put_area_entry(stores, code, entry, match, caller.origin())
    tagged(response, stored.version)
    return entry_of(stored)


@router.get("/v1/areas/{code}", dependencies=[may("view_areas")])
async def get_area(code: EntryId, stores: OnStores, response: Response) -> AreaView:
    """An area, and the Hub that serves it. One that only a Hub has has no revision."""
    found = await view_of(stores, code)
    if found.revision is not None:
        tagged(response, found.revision)
    return found


@router.get("/v1/areas", dependencies=[may("view_areas")])
async def get_areas(
    stores: OnStores,
    cursor: Annotated[Code | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> AreaPage:
    """All areas, those that only a Hub has as well."""
    found, following = await stores.register.page(cursor, limit)
    return AreaPage(areas=[viewed(*one) for one in found], next=following)


@router.post(
    "/v1/areas/import",
    dependencies=[may("put_area")],
    openapi_extra={
        "requestBody": {"content": {"application/x-ndjson": {"schema": {"type": "string"}}}}
    },
)
async def post_areas_import(
    caller: AnyCaller, stores: OnStores, body: Annotated[File, Body(media_type="text/csv")]
) -> ImportReport:
    """Register or amend many, as CSV (`code,name,aliases,retired,revision`; aliases with semicolons
    between) or NDJSON. Every line stands alone; sending the same list again changes nothing."""
    return await import_areas(stores, body, caller.origin())
