"""What of a subscription may be asked for only so often: codes tried, mails with a code, challenges."""

from datetime import datetime

from services.notify.store import Stores
from services.notify.subscriptions.subscription import (
    CONFIRM_DUE,
    VERIFY_DUE,
    Subscription,
    SubscriptionEntry,
    amend,
    key_of,
    subscribe,
)
from shared.events.notify import RecipientKind


async def spend_proofs(
    stores: Stores,
    kind: RecipientKind,
    recipient_id: str,
    entry: SubscriptionEntry,
    at: datetime,
) -> None:
    """Returns if no challenge and no mail with a code follow from this entry, or one more may.
    Raises `TooMany`."""
    known = await stores.subscriptions.of(kind, recipient_id)
    due = amend(known, entry, at).due if known else subscribe(kind, recipient_id, entry, at)[2]
    if due.get(VERIFY_DUE) is not None:
        await stores.quotas.spend("challenges", key_of(kind, recipient_id), at)
    if entry.email is None or due.get(CONFIRM_DUE) is None:
        return
    await stores.quotas.spend("mails", key_of(kind, recipient_id), at)
    await stores.quotas.spend("mailbox", entry.email.lower(), at)


async def spend_guess(stores: Stores, subscription: Subscription) -> None:
    """Count a code that is tried, right or wrong. Raises `TooMany`."""
    await stores.quotas.spend("mail_codes", subscription.id, stores.clock())
