"""Messages in: everything that somebody must hear of becomes a notification."""

from typing import Any

from services.notify.domain import DELIVERY_DUE, create, recipients
from services.notify.store import Desk
from shared.clock import now
from shared.dispatch import Handlers
from shared.errors import AlreadyThere, NotFound
from shared.events import Event
from shared.origin import Origin


def handlers(desk: Desk) -> Handlers:
    """Queue → event type → handler."""

    async def on_any(event: Event[Any]) -> None:
        for rule, recipient_id in recipients(event):
            webhook = rule.recipient_kind == "agency" and await _has_webhook(desk, recipient_id)
            at = now()
            notification, created = create(event, rule, recipient_id, webhook=webhook, at=at)
            try:
                await desk.notifications.add(
                    notification,
                    created,
                    by=Origin.of_event("notify", event),
                    due={DELIVERY_DUE: at} if webhook else None,
                )
            except AlreadyThere:
                continue  # the event came before; the notification is there

    return {
        "notify.referrals": {"referral.received": on_any},
        "notify.allocations": {"allocation.made": on_any, "allocation.waiting": on_any},
    }


async def _has_webhook(desk: Desk, agency_id: str) -> bool:
    try:
        return (await desk.subscriptions.get(agency_id)).active
    except NotFound:
        return False
