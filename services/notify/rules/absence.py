"""Leave that workers ask for: their Hub's managers hear of it, and they hear what became of it."""

from datetime import datetime, time

from services.notify.notification import Notification
from services.notify.rules.notices import notify_internally
from services.notify.store import Stores
from services.notify.subscriptions.subscription import key_of
from shared.events import Event
from shared.events.absence import LeaveDecided, LeaveRequested, LeaveUndecided
from shared.events.notify import NotificationKind, RecipientKind
from shared.ids import derived_id
from shared.origin import Origin
from shared.rules.calendars import LONDON

OfLeave = LeaveRequested | LeaveUndecided | LeaveDecided


async def tell_of_leave(stores: Stores, event: Event[OfLeave]) -> None:
    """Not about a referral. What waits is due when it begins. A worker is not told what they did
    themselves; their Hub is, where approved leave was withdrawn. Safe to repeat."""
    leave = event.data
    if not isinstance(leave, LeaveDecided):
        await _tell(stores, event, "hub", leave.hub_id, "leave_requested", "decide_on_leave")
    elif leave.status != "withdrawn":
        await _tell(stores, event, "worker", leave.worker_id, "leave_decided", "none")
    elif leave.before == "approved":
        await _tell(stores, event, "hub", leave.hub_id, "leave_decided", "none")


async def _tell(
    stores: Stores,
    event: Event[OfLeave],
    kind: RecipientKind,
    one: str,
    notice: NotificationKind,
    action: str,
) -> None:
    leave = event.data
    begins = datetime.combine(leave.start, time(0), LONDON)
    draft = Notification(
        id=derived_id("ntf", "event", event.id, notice, kind, one),
        referral_id=None,
        event_id=event.id,
        event_type=event.type,
        recipient=key_of(kind, one),
        recipient_kind=kind,
        recipient_id=one,
        kind=notice,
        purpose="oversight",
        action=action,
        detail=leave.status if isinstance(leave, LeaveDecided) else None,
        ground="hub_oversight" if kind == "hub" else "operations",
        hub_id=leave.hub_id,
        due_at=None if isinstance(leave, LeaveDecided) else begins,
        created_at=stores.clock(),
    )
    await notify_internally(stores, draft, Origin.of_event("notify", event))
