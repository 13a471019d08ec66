"""Whose a notification still is: what the young person says now is for those alone. Pure."""

from services.notify.notification import OVER, Notification
from services.notify.projections.cases import CaseState
from shared.events.notify import NotificationKind

# To whoever stands in for somebody: a desk reads nothing, but is asked to reach people.
STANDING_IN: frozenset[NotificationKind] = frozenset(
    {"cover_called", "urgent_out_of_hours", "unopened_urgent", "phone_them"}
)


def is_over(notification: Notification) -> bool:
    """Whether nothing more is said with it, whoever it went to: retracted, withheld, a retraction."""
    return notification.status in OVER or notification.ground == "retraction"


def still_theirs(notification: Notification, case: CaseState) -> bool:
    """Whether the recipient has to do with the case as it is now: who sent it, the worker who has or
    holds it, its Hub; whoever stands in, while that Hub has it and they have not said what they did;
    the operators, while no Hub has it. For a partner the decision says it, not this."""
    if case.erased or is_over(notification):
        return False
    kind, one = notification.recipient_kind, notification.recipient_id
    hub_id = case.hub_id or notification.hub_id
    if kind == "agency":
        return notification.ground != "sharing" and case.agency_id == one
    if (kind == "worker" and one in (case.worker_id, case.holder_id)) or (
        kind == "hub" and one == hub_id
    ):
        return True
    if notification.status == "acted":
        return False
    if notification.kind in STANDING_IN:
        return hub_id == notification.hub_id
    return notification.kind == "referral_area_unknown" and case.hub_id is None
