"""A supervision that a worker noted for themselves does not count: their Hub's managers hear of it."""

from services.notify.notification import Notification
from services.notify.rules.notices import notify_internally
from services.notify.store import Stores
from services.notify.subscriptions.subscription import key_of
from shared.events import Event
from shared.events.notify import NotificationKind
from shared.events.workers import SupervisionTakenBack
from shared.ids import derived_id
from shared.origin import Origin

NOTICE: NotificationKind = "supervision_taken_back"


async def tell_of_supervision(stores: Stores, event: Event[SupervisionTakenBack]) -> None:
    """Not about a referral. Safe to repeat."""
    hub_id = event.data.hub_id
    draft = Notification(
        id=derived_id("ntf", "event", event.id, NOTICE, "hub", hub_id),
        referral_id=None,
        event_id=event.id,
        event_type=event.type,
        recipient=key_of("hub", hub_id),
        recipient_kind="hub",
        recipient_id=hub_id,
        kind=NOTICE,
        purpose="oversight",
        action="review",
        ground="hub_oversight",
        hub_id=hub_id,
        created_at=stores.clock(),
    )
    await notify_internally(stores, draft, Origin.of_event("notify", event))
