"""Saying how one wants to be told, for the first time or anew."""

from datetime import datetime

from services.notify.store import Stores
from services.notify.subscriptions.subscription import (
    Subscription,
    SubscriptionEntry,
    amend,
    key_of,
    subscribe,
)
from shared.errors import AlreadyThere
from shared.events.notify import RecipientKind
from shared.origin import Origin


async def register(
    stores: Stores,
    kind: RecipientKind,
    recipient_id: str,
    entry: SubscriptionEntry,
    at: datetime,
    *,
    by: Origin,
    account: str | None = None,
) -> tuple[Subscription, bool]:
    """The recipient's subscription as the entry says, and whether its secret is told now: with its
    first webhook. Its new addresses are to be proved first."""
    known = await stores.subscriptions.of(kind, recipient_id)
    subscription, event, due = subscribe(kind, recipient_id, entry, at, account)
    try:
        stored = await stores.subscriptions.add(subscription, event, by=by, due=due)
    except AlreadyThere:
        key = key_of(kind, recipient_id)
        stored = await stores.subscriptions.change(
            key, lambda s: amend(s, entry, at, account), by=by
        )
    return stored, stored.secret_shown and not (known is not None and known.secret_shown)
