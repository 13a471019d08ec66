"""Sending again what a recipient was sent in a window of time."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel

from services.notify.access import hidden_from
from services.notify.notification import TIMER
from services.notify.store import Stores
from services.notify.subscriptions.subscription import Code, Incoming, key_of
from services.notify.transitions import replay
from shared.events.notify import Channel, RecipientKind
from shared.rules.values import Instant
from shared.web.tokens import Caller

MAX_REPLAYED = 500


class Replay(Incoming):
    """What was created in this window of time, for this recipient."""

    recipient_kind: RecipientKind
    recipient_id: Code
    since: Instant
    until: Instant
    channel: Channel = "webhook"


class Replayed(BaseModel):
    """How many are sent again. `more`: the window held more; ask again from `next_since`."""

    replayed: int
    more: bool
    next_since: datetime | None


async def replay_window(
    stores: Stores, window: Replay, scope: Mapping[str, object], caller: Caller
) -> Replayed:
    """New attempts under the same ids, for what the scope reaches. Safe to repeat. Raises `TooMany`
    where the recipient's mails were sent again often enough, by this account or by all: somebody reads
    them."""
    if window.channel == "email":
        who = key_of(window.recipient_kind, window.recipient_id)
        # Their own share first: who has used it up takes nothing of what is left for others.
        await stores.quotas.spend("replays_each", f"{who} by {caller.account}", stores.clock())
        await stores.quotas.spend("replays", who, stores.clock())
    where: dict[str, object] = {
        "recipient": key_of(window.recipient_kind, window.recipient_id),
        "created_at": {"$gte": window.since, "$lt": window.until},
        **scope,
        **(await hidden_from(stores, caller)).where(),
    }
    found = await stores.notifications.find(where, sort=[("created_at", 1)], limit=MAX_REPLAYED)
    count = 0
    for notification in found if window.channel in TIMER else []:
        after = await stores.notifications.change(
            notification.id,
            lambda n: replay(n, window.channel, stores.clock()),
            by=caller.origin(notification.referral_id),
        )
        count += after.version != notification.version
    more = len(found) == MAX_REPLAYED
    return Replayed(replayed=count, more=more, next_since=found[-1].created_at if more else None)
