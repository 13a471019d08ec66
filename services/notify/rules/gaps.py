"""A rota has gaps: the Hub's managers are told, once for all that are new together."""

from services.notify.notification import Notification
from services.notify.rules.notices import notify_internally
from services.notify.store import Stores
from services.notify.subscriptions.subscription import key_of
from shared.events import Event
from shared.events.rota import RotaGapsChanged
from shared.ids import derived_id
from shared.origin import Origin


async def tell_of_gaps(stores: Stores, event: Event[RotaGapsChanged]) -> None:
    """Not about a referral. Due when the first of them comes; `detail` has it. Safe to repeat."""
    if not event.data.opened:
        return
    first, hub_id = min(event.data.opened, key=lambda gap: gap.start), event.data.hub_id
    draft = Notification(
        id=derived_id("ntf", "event", event.id, "rota_gap", "hub", hub_id),
        referral_id=None,
        event_id=event.id,
        event_type=event.type,
        recipient=key_of("hub", hub_id),
        recipient_kind="hub",
        recipient_id=hub_id,
        kind="rota_gap",
        purpose="oversight",
        action="mend_the_rota",
        detail=f"{first.start:%Y-%m-%dT%H:%MZ}",
        ground="hub_oversight",
        hub_id=hub_id,
        due_at=first.start,
        created_at=stores.clock(),
    )
    await notify_internally(stores, draft, Origin.of_event("notify", event))
