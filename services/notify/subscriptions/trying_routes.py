"""HTTP in: a test of how one is told, and what was sent lately."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from services.notify.access import Development, NotifyStores, own_subscription
from services.notify.delivery.history import Deliveries, deliveries
from services.notify.delivery.trial import WITHIN, Trial, try_out
from services.notify.delivery.webhook import Caller
from shared.web.access import may
from shared.web.tokens import AnyCaller, OneOfFew

router = APIRouter(tags=["subscriptions"])

RecipientId = Annotated[str, Path(max_length=40)]


@router.post("/v1/subscriptions/{recipient_id}/test", dependencies=[may("subscribe")])
async def post_subscription_test(
    recipient_id: RecipientId,
    caller: AnyCaller,
    stores: NotifyStores,
    lenient: Development,
    _: OneOfFew,
) -> Trial:
    """Send a test to your webhook and your mailbox now, and hear what came of it. It is about nobody,
    and counts for nothing; an address that isn't proved yet gets none."""
    subscription = await stores.subscriptions.get(own_subscription(caller, recipient_id))
    sender = Caller(development=lenient, timeout=WITHIN)
    return await try_out(stores, sender, subscription, caller.origin())


@router.get("/v1/subscriptions/{recipient_id}/attempts", dependencies=[may("subscribe")])
async def get_delivery_attempts(
    recipient_id: RecipientId,
    caller: AnyCaller,
    stores: NotifyStores,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> Deliveries:
    """What was sent to your webhook and your mailbox, or tried, the newest first. Pass `next` as
    `cursor` for the page behind it."""
    return await deliveries(stores, caller, own_subscription(caller, recipient_id), cursor, limit)
