"""Saying how one wants to be told, for the first time or anew."""

from datetime import datetime

from services.notify.store import Stores
from services.notify.subscriptions.subscription import (
    Subscription,
    SubscriptionEntry,
    amend,
    key_of,
    rotate,
    subscribe,
)
from shared.errors import AlreadyThere
from shared.events.notify import RecipientKind
from shared.origin import Origin
from shared.storage.records import Change


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
    first webhook, to whoever stored that. Its new addresses are to be proved first."""
    subscription, event, due = subscribe(kind, recipient_id, entry, at, account)
    try:
        stored = await stores.subscriptions.add(subscription, event, by=by, due=due)
    except AlreadyThere:
        return await _amended(stores, key_of(kind, recipient_id), entry, at, by, account)
    return stored, stored.secret_shown


async def new_secret(
    stores: Stores, key: str, at: datetime, *, by: Origin
) -> tuple[Subscription, bool]:
    """The subscription with a new signing secret, and whether it is this call that made it: of several
    at one moment one tells it."""
    made = False

    def rule(known: Subscription) -> Change[Subscription]:
        nonlocal made
        change = rotate(known, at)
        made = bool(change.events)
        return change

    return await stores.subscriptions.change(key, rule, by=by), made


async def _amended(
    stores: Stores,
    key: str,
    entry: SubscriptionEntry,
    at: datetime,
    by: Origin,
    account: str | None,
) -> tuple[Subscription, bool]:
    first = False

    def rule(known: Subscription) -> Change[Subscription]:
        nonlocal first
        change = amend(known, entry, at, account)
        first = change.after.secret_shown and not known.secret_shown
        return change

    return await stores.subscriptions.change(key, rule, by=by), first
