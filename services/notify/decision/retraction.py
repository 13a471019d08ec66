"""Retracting what an agency was told under a ground that has ended."""

from collections.abc import Sequence

from services.notify.notification import Notification
from services.notify.rules.drafts import notice
from services.notify.rules.notices import hold, notify_internally
from services.notify.store import Stores
from services.notify.transitions import retract
from shared.events.notify import RetractionReason
from shared.operating.failpoints import failpoint
from shared.origin import Origin
from shared.rules.sharing import Category, Decision


async def retract_notification(
    stores: Stores, told: Notification, reason: RetractionReason, by: Origin, decision: Decision
) -> Notification:
    """They are asked to delete it and to confirm; unless they are unsafe: then a person decides.
    Parents who are not to be told hear nothing of it either."""
    unsafe = decision.safety_hold
    if unsafe:
        await hold(stores, told, by)
    elif told.ground == "sharing" and not decision.closed:
        await notify_of_retraction(stores, told, told.permitted, by, detail=reason)
    failpoint("retract.after_notice")
    return await stores.notifications.change(
        told.id,
        lambda n: retract(n, n.permitted, reason, stores.clock(), safety_hold=unsafe),
        by=by,
    )


async def notify_of_retraction(
    stores: Stores,
    told: Notification,
    categories: Sequence[Category],
    by: Origin,
    *,
    detail: RetractionReason = "ground_ended",
) -> None:
    """The notice to those who were told. It names the notification, never why the ground ended."""
    planned = notice(
        told,
        "retraction",
        told.recipient_kind,
        told.recipient_id,
        action="delete_and_confirm",
        ground="retraction",
        at=stores.clock(),
        apart=",".join(sorted(categories)),
        categories=tuple(categories),
        detail=detail,
    )
    await notify_internally(stores, planned, by)
