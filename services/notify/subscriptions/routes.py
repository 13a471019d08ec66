"""HTTP in: how a recipient wants to be told."""

import hmac
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import StringConstraints

from services.notify.access import (
    Development,
    NotifyStores,
    desk_is_there,
    may_subscribe,
    movable_subscription,
    own_subscription,
    recipient_of,
)
from services.notify.store import Stores
from services.notify.subscriptions.limiting import spend_guess, spend_proofs
from services.notify.subscriptions.registration import new_secret, register
from services.notify.subscriptions.subscription import (
    Incoming,
    Subscription,
    SubscriptionEntry,
    verified,
)
from shared.errors import Refused
from shared.web.access import may
from shared.web.tokens import AnyCaller

router = APIRouter(tags=["subscriptions"])

RecipientId = Annotated[str, Path(max_length=40)]


class SubscriptionView(SubscriptionEntry):
    """How you are told. Keep the secret: it verifies our signatures (Standard Webhooks). It is told
    once: with your first webhook, and when you make a new one.

    `url_verified`: the webhook has answered our challenge; `email_confirmed`: the code came back.
    """

    url_verified: bool
    email_confirmed: bool
    secret: str | None = None
    overlap_until: datetime | None = None


class Confirmation(Incoming):
    """The code that was mailed."""

    code: Annotated[str, StringConstraints(pattern=r"^[A-Z2-7]{10}$")]


def view(stores: Stores, subscription: Subscription, *, secret: bool = False) -> SubscriptionView:
    """As its recipient sees it, with the secret or without."""
    fields = subscription.model_dump(include=set(SubscriptionView.model_fields))
    return SubscriptionView(**fields, secret=stores.secrets.of(subscription) if secret else None)


@router.put("/v1/subscriptions/{recipient_id}", dependencies=[may("subscribe")])
async def put_subscription(
    recipient_id: RecipientId,
    entry: SubscriptionEntry,
    caller: AnyCaller,
    stores: NotifyStores,
    lenient: Development,
) -> SubscriptionView:
    """Say how you want to be told, or change it. An agency's webhook is first sent a `challenge`
    that it must answer with the same; an e-mail address is first sent a code."""
    await movable_subscription(stores, caller, recipient_id)
    may_subscribe(caller, entry, development=lenient)
    await desk_is_there(stores, entry)
    recipient, at = recipient_of(caller), stores.clock()
    await spend_proofs(stores, *recipient, entry, at)
    stored, first = await register(
        stores, *recipient, entry, at, by=caller.origin(), account=caller.account
    )
    return view(stores, stored, secret=first)


@router.get("/v1/subscriptions/{recipient_id}", dependencies=[may("subscribe")])
async def get_subscription(
    recipient_id: RecipientId, caller: AnyCaller, stores: NotifyStores
) -> SubscriptionView:
    """How you are told."""
    return view(stores, await stores.subscriptions.get(own_subscription(caller, recipient_id)))


@router.post("/v1/subscriptions/{recipient_id}/secret", dependencies=[may("rotate_secret")])
async def post_secret(
    recipient_id: RecipientId, caller: AnyCaller, stores: NotifyStores
) -> SubscriptionView:
    """A new signing secret. For a day every call carries both signatures, so that you can switch
    when it suits you; within that day there is no other, and this one is not told again."""
    key = await movable_subscription(stores, caller, recipient_id, "rotate_secret")
    stored, made = await new_secret(stores, key, stores.clock(), by=caller.origin())
    return view(stores, stored, secret=made)


@router.post("/v1/subscriptions/{recipient_id}/confirmation", dependencies=[may("subscribe")])
async def post_mailbox_confirmation(
    recipient_id: RecipientId,
    body: Confirmation,
    caller: AnyCaller,
    stores: NotifyStores,
) -> SubscriptionView:
    """Send back the code that was mailed: from then on the address is used."""
    own = await movable_subscription(stores, caller, recipient_id)
    await spend_guess(stores, subscription := await stores.subscriptions.get(own))
    right = stores.secrets.confirmation_code(subscription)
    if subscription.email is None or not hmac.compare_digest(right, body.code):
        raise Refused("wrong_code", "That is not the code we have sent to that address.")
    address = subscription.email
    stored = await stores.subscriptions.change(
        subscription.id, lambda s: verified(s, "email", address), by=caller.origin()
    )
    return view(stores, stored)
