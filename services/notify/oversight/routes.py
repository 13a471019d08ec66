"""HTTP in, for Hub managers, auditors and operators: who has what, and sending again."""

from typing import Annotated

from fastapi import APIRouter, Query

from services.notify.access import (
    NotifyStores,
    ledger_scope,
    replay_scope,
)
from services.notify.oversight.by_event import EventsHeard, by_event
from services.notify.oversight.ledger import Ledger, ledger_of
from services.notify.oversight.replay import Replay, Replayed, replay_window
from shared.web.access import may
from shared.web.tokens import AnyCaller

router = APIRouter(tags=["oversight"])


@router.get("/v1/notifications/recipients", dependencies=[may("view_recipients")])
async def get_recipients(
    referral_id: Annotated[str, Query(max_length=60)], caller: AnyCaller, stores: NotifyStores
) -> Ledger:
    """Who has what: for the managers of the Hub that shared it, and has it, and for auditors."""
    return await ledger_of(
        stores, referral_id, await ledger_scope(stores, caller, referral_id), caller
    )


@router.get("/v1/notifications/by-event", dependencies=[may("view_recipients")])
async def get_by_event(
    referral_id: Annotated[str, Query(max_length=60)], caller: AnyCaller, stores: NotifyStores
) -> EventsHeard:
    """Who was told of each event of a referral, who was not, and why: for the managers of the Hub
    that shared it, and has it, and for auditors."""
    return await by_event(
        stores, referral_id, await ledger_scope(stores, caller, referral_id), caller
    )


@router.post("/v1/notifications/replays", dependencies=[may("replay_notifications")])
async def post_notification_replay(
    body: Replay, caller: AnyCaller, stores: NotifyStores
) -> Replayed:
    """Send again what this recipient was sent in a window of time: new attempts, same ids. What
    is withheld, retracted or still waiting is left alone, and every ground is looked at again."""
    scope = replay_scope(caller, body.recipient_kind, body.recipient_id)
    return await replay_window(stores, body, scope, caller)
