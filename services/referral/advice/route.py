"""HTTP in: questions of agencies, before there is a case."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from services.referral.acting import Asker
from services.referral.advice.command import ask, close_advice, list_advice, read, write_further
from services.referral.advice.counting import advice_summary
from services.referral.advice.request import (
    AdviceClosure,
    AdviceEntry,
    AdviceLine,
    AdviceMessageEntry,
    AdvicePage,
    AdviceSummary,
    AdviceView,
)
from services.referral.advice.rule import line
from services.referral.callers import ByParty, ByViewer, Key, OnStores
from services.referral.documents import Code
from shared.events.advice import AdviceStatus
from shared.web.access import may
from shared.web.tokens import AnyCaller

router = APIRouter(tags=["advice"])

AdviceId = Annotated[str, Path(pattern=r"^adv_[0-9a-f]{32}$")]


@router.post("/v1/advice", status_code=201, dependencies=[may("ask_advice")])
async def post_advice(
    entry: AdviceEntry,
    caller: AnyCaller,
    viewer: ByViewer,
    stores: OnStores,
    key: Key,
    response: Response,
) -> AdviceLine:
    """Ask the Hub of an area about a worry. Name no child: where one must be named, refer. You hear of
    the answer as of a referral. `409 area_not_served` where no Hub would hear it."""
    advice = await ask(stores, Asker(caller, viewer), entry, key)
    response.headers["Location"] = f"/v1/advice/{advice.id}"
    return line(advice)


@router.get("/v1/advice", dependencies=[may("list_advice")])
async def get_advice(
    viewer: ByParty,
    stores: OnStores,
    status: Annotated[AdviceStatus | None, Query(description="Only those that stand so.")] = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 25,
) -> AdvicePage:
    """Your agency's questions, or those to your Hub, without what is in them."""
    return await list_advice(stores, viewer, status, cursor, limit)


@router.get("/v1/advice/summary", dependencies=[may("view_advice_numbers")])
async def get_advice_summary(
    viewer: ByParty,
    stores: OnStores,
    hub_id: Annotated[
        Code | None, Query(description="Of which Hub; a manager's is theirs.")
    ] = None,
) -> AdviceSummary:
    """What agencies ask a Hub, by theme and by kind of agency, in finished quarters. Small numbers are
    withheld."""
    return await advice_summary(stores, viewer, hub_id)


@router.get("/v1/advice/{advice_id}", dependencies=[may("view_advice")])
async def get_one_advice(
    advice_id: AdviceId, caller: AnyCaller, viewer: ByViewer, stores: OnStores, response: Response
) -> AdviceView:
    """A question with all that was written, for the agency that asked and the Hub that answers. That
    you looked is recorded."""
    response.headers["Cache-Control"] = "no-store"
    return await read(stores, Asker(caller, viewer), advice_id)


@router.post("/v1/advice/{advice_id}/messages", status_code=201, dependencies=[may("write_advice")])
async def post_advice_message(
    advice_id: AdviceId,
    entry: AdviceMessageEntry,
    caller: AnyCaller,
    viewer: ByViewer,
    stores: OnStores,
    key: Key,
) -> AdviceLine:
    """Write further, as who asked or as the Hub. At most 30 messages; then phone."""
    asker = Asker(caller, viewer)
    return line(await write_further(stores, asker, advice_id, entry.text, key))


@router.post("/v1/advice/{advice_id}/closure", dependencies=[may("write_advice")])
async def post_advice_closure(
    advice_id: AdviceId,
    entry: AdviceClosure,
    caller: AnyCaller,
    viewer: ByViewer,
    stores: OnStores,
) -> AdviceLine:
    """What came of it. Where it became a referral, name it: the two are kept together."""
    return line(await close_advice(stores, Asker(caller, viewer), advice_id, entry))
