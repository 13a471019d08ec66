"""HTTP in: how a recipient wants to be told."""

import hmac
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import StringConstraints

from services.notify.domain.subscription import (
    Incoming,
    Subscription,
    SubscriptionEntry,
    amend,
    key_of,
    rotate,
    subscribe,
    verified,
)
from services.notify.routes.who import FromRecipient, OnDesk, development, whose
from services.notify.store import Desk
from shared.errors import AlreadyThere, BadRequest, NotFound, Refused
from shared.tokens import Caller, only

router = APIRouter(tags=["subscriptions"])

RecipientId = Annotated[str, Path(max_length=40)]
FromAgency = Annotated[Caller, only("agency")]


class SubscriptionView(SubscriptionEntry):
    """How you are told. Keep the secret: it verifies our signatures (Standard Webhooks).

    `url_verified`: the webhook has answered our challenge; `email_confirmed`: the code came back.
    """

    url_verified: bool
    email_confirmed: bool
    secret: str | None = None
    overlap_until: datetime | None = None


class Confirmation(Incoming):
    """The code that was mailed."""

    code: Annotated[str, StringConstraints(pattern=r"^[A-Z2-7]{10}$")]


def view(desk: Desk, subscription: Subscription) -> SubscriptionView:
    fields = subscription.model_dump(include=set(SubscriptionView.model_fields))
    secret = desk.secret(subscription) if subscription.recipient_kind == "agency" else None
    return SubscriptionView(**fields, secret=secret)


def _key(caller: Caller, recipient_id: str) -> str:
    kind, own = whose(caller)
    if recipient_id != own:
        raise NotFound
    return key_of(kind, own)


@router.put("/v1/subscriptions/{recipient_id}")
async def put_subscription(
    recipient_id: RecipientId,
    entry: SubscriptionEntry,
    caller: FromRecipient,
    desk: OnDesk,
    lenient: Annotated[bool, Depends(development)],
) -> SubscriptionView:
    """Say how you want to be told, or change it. An agency's webhook is first sent a `challenge`
    that it must answer with the same; an e-mail address is first sent a code."""
    key = _key(caller, recipient_id)
    if caller.role != "agency" and (entry.url or entry.kinds or entry.areas):
        raise BadRequest("agencies_only", "Webhooks, kinds and areas are for agencies.")
    if caller.role == "agency" and entry.duty_desk:
        raise BadRequest("no_desk_for_agencies", "Out of hours, the Hub's duty desk is told.")
    if entry.url and not lenient and not entry.url.startswith("https://"):
        raise BadRequest("https_needed", "A webhook must have an https address.")
    at = desk.clock()
    subscription, event, due = subscribe(*whose(caller), entry, at)
    try:
        stored = await desk.subscriptions.add(subscription, event, by=caller.origin(), due=due)
    except AlreadyThere:
        stored = await desk.subscriptions.change(
            key, lambda s: amend(s, entry, at), by=caller.origin()
        )
    return view(desk, stored)


@router.get("/v1/subscriptions/{recipient_id}")
async def get_subscription(
    recipient_id: RecipientId, caller: FromRecipient, desk: OnDesk
) -> SubscriptionView:
    """How you are told."""
    return view(desk, await desk.subscriptions.get(_key(caller, recipient_id)))


@router.post("/v1/subscriptions/{recipient_id}/secret")
async def post_secret(
    recipient_id: RecipientId, caller: FromAgency, desk: OnDesk
) -> SubscriptionView:
    """A new signing secret. For a day every call carries both signatures, so that you can switch
    when it suits you; within that day you get the same new one again."""
    key = _key(caller, recipient_id)
    stored = await desk.subscriptions.change(
        key, lambda s: rotate(s, desk.clock()), by=caller.origin()
    )
    return view(desk, stored)


@router.post("/v1/subscriptions/{recipient_id}/confirmation")
async def post_confirmation(
    recipient_id: RecipientId, body: Confirmation, caller: FromRecipient, desk: OnDesk
) -> SubscriptionView:
    """Send back the code that was mailed: from then on the address is used."""
    subscription = await desk.subscriptions.get(_key(caller, recipient_id))
    right = desk.confirmation_code(subscription)
    if subscription.email is None or not hmac.compare_digest(right, body.code):
        raise Refused("wrong_code", "That is not the code we have sent to that address.")
    address = subscription.email
    stored = await desk.subscriptions.change(
        subscription.id, lambda s: verified(s, "email", address), by=caller.origin()
    )
    return view(desk, stored)
