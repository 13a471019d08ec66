"""Deciding again: withheld where nobody was reached, retracted where somebody may have been."""

from services.notify.decision.current import answer_for, retraction_reason
from services.notify.decision.decide import Answer, lost
from services.notify.decision.retraction import notify_of_retraction, retract_notification
from services.notify.delivery.attempts import Attempt
from services.notify.notification import Notification
from services.notify.rules.notices import hold
from services.notify.store import Stores
from services.notify.transitions import redecide, withhold
from shared.events.notify import RetractionReason, Stage
from shared.operating.failpoints import failpoint
from shared.origin import Origin


async def re_evaluate(
    stores: Stores, notification: Notification, stage: Stage, *, attempt: Attempt | None = None
) -> tuple[bool, Notification]:
    """Whether the recipient may be told now, and the notification as it is after the decision.

    Nobody reached yet: it becomes withheld. Perhaps reached: it is retracted. `attempt` is the
    caller's own, which has not reached anybody.
    """
    while True:
        over = notification.status in ("withheld", "retracted")
        if notification.recipient_kind not in ("agency", "worker") or over:
            return notification.status != "withheld", notification
        at = stores.clock()
        decided = await answer_for(stores.projections, notification, at)
        same = decided.permitted and decided.decision.verdicts == notification.verdicts
        if same and stage != "ground_changed":
            return True, notification  # nothing to write; its timer runs as it did
        notification, decided_now = await _apply(stores, notification, decided, stage, attempt)
        again = await answer_for(stores.projections, notification, at)
        # A ground that ended while we wrote has moved the timer before our write: look once more.
        if not decided_now or again.decision.verdicts == decided.decision.verdicts:
            return decided.permitted and notification.status != "withheld", notification


async def _apply(
    stores: Stores, before: Notification, decided: Answer, stage: Stage, attempt: Attempt | None
) -> tuple[Notification, bool]:
    """The notification after the decision; false if that must wait for an attempt to end."""
    by, at, decision = (
        Origin.of_service("notify", before.referral_id),
        stores.clock(),
        decided.decision,
    )
    if decided.permitted and decision.verdicts == before.verdicts:
        if before.ground == "sharing":
            await stores.notifications.re_evaluate_at(before.id, decided.again_at)
        return before, True
    gone = lost(before, decision) if before.ground == "sharing" else ()
    reached = "perhaps" if before.told_at else await stores.attempts.reached(before.id, at, attempt)
    if reached == "running" and (gone or not decided.permitted):
        await stores.notifications.re_evaluate_at(before.id, at + stores.patience)
        return before, False
    if decided.permitted:
        if gone and reached == "perhaps":
            await notify_of_retraction(stores, before, gone, by)
            failpoint("retract.after_partial_notice")
        return await stores.notifications.change(
            before.id, lambda n: redecide(n, decision, decided.again_at), by=by
        ), True
    if reached == "no":
        if decision.safety_hold:
            await hold(stores, before, by)
        return await stores.notifications.change(
            before.id, lambda n: withhold(n, decision, stage), by=by
        ), True
    if before.ground not in ("sharing", "retraction") and not decision.closed:
        return before, True  # it was theirs to hear, and they have left: they hear no more of it
    reason: RetractionReason = await retraction_reason(stores.projections, before) or "ground_ended"
    return await retract_notification(stores, before, reason, by, decision), True
