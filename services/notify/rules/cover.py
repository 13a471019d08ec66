"""Who covers for a Hub hears of it when the rota names them first."""

from services.notify.notification import Notification
from services.notify.rules.audience import desk_of
from services.notify.rules.notices import notify_internally
from services.notify.store import Stores
from services.notify.subscriptions.subscription import key_of
from shared.events import Event
from shared.events.rota import RotaChanged
from shared.ids import derived_id
from shared.origin import Origin


async def tell_of_cover(stores: Stores, event: Event[RotaChanged]) -> None:
    """Not about a referral; `detail` has the Hub. Safe to repeat."""
    for cover in event.data.covering:
        kind, one = desk_of(cover)
        if one is None:
            continue
        draft = Notification(
            id=derived_id("ntf", "event", event.id, "cover_arranged", kind, one),
            referral_id=None,
            event_id=event.id,
            event_type=event.type,
            recipient=key_of(kind, one),
            recipient_kind=kind,
            recipient_id=one,
            kind="cover_arranged",
            purpose="oversight",
            action="none",
            detail=event.data.hub_id,
            ground="operations",
            hub_id=event.data.hub_id,
            created_at=stores.clock(),
        )
        await notify_internally(stores, draft, Origin.of_event("notify", event))
