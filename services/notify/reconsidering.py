"""Deciding again: withheld where nobody was reached, retracted where somebody may have been."""

from collections.abc import Sequence

from services.notify.domain.deciding import Answer, lost
from services.notify.domain.hearing import notice
from services.notify.domain.life import redecide, retract, withhold
from services.notify.domain.notification import Notification
from services.notify.store import Attempt, Desk
from services.notify.telling import hold, tell_internally
from shared.events.notify import RetractionReason, Stage
from shared.faults import point
from shared.origin import Origin
from shared.sharing import Category


async def reconsider(
    desk: Desk, notification: Notification, stage: Stage, *, attempt: Attempt | None = None
) -> tuple[bool, Notification]:
    """Whether the recipient may be told now, and the notification as it is after the decision.

    Nobody reached yet: it becomes withheld. Perhaps reached: it is retracted. `attempt` is the
    caller's own, which has not reached anybody.
    """
    while True:
        if notification.recipient_kind != "agency" or notification.status in (
            "withheld",
            "retracted",
        ):
            return notification.status != "withheld", notification
        at = desk.clock()
        decided = await desk.known.answer(notification, at)
        same = decided.permitted and decided.decision.verdicts == notification.verdicts
        if same and stage != "ground_changed":
            return True, notification  # nothing to write; its clock runs as it did
        notification, settled = await _apply(desk, notification, decided, stage, attempt)
        again = await desk.known.answer(notification, at)
        # A ground that ended while we wrote has moved the clock before our write: look once more.
        if not settled or again.decision.verdicts == decided.decision.verdicts:
            return decided.permitted and notification.status != "withheld", notification


async def _apply(
    desk: Desk, before: Notification, decided: Answer, stage: Stage, attempt: Attempt | None
) -> tuple[Notification, bool]:
    """The notification after the decision; false if that must wait for an attempt to end."""
    by, at, decision = (
        Origin.of_service("notify", before.referral_id),
        desk.clock(),
        decided.decision,
    )
    if decided.permitted and decision.verdicts == before.verdicts:
        if before.ground == "sharing":
            await desk.look_again_at(before.id, decided.again_at)
        return before, True
    gone = lost(before, decision) if before.ground == "sharing" else ()
    reached = "perhaps" if before.told_at else await desk.reached(before.id, at, attempt)
    if reached == "running" and (gone or not decided.permitted):
        await desk.look_again_at(before.id, at + desk.patience)
        return before, False
    if decided.permitted:
        if gone and reached == "perhaps":
            await retraction(desk, before, gone, by)
        return await desk.notifications.change(
            before.id, lambda n: redecide(n, decision, decided.again_at), by=by
        ), True
    if reached == "no":
        if decision.safety_hold:
            await hold(desk, before, by)
        return await desk.notifications.change(
            before.id, lambda n: withhold(n, decision, stage), by=by
        ), True
    reason: RetractionReason = await desk.known.void(before) or "ground_ended"
    return await take_back(desk, before, reason, by, unsafe=decision.safety_hold), True


async def take_back(
    desk: Desk, told: Notification, reason: RetractionReason, by: Origin, *, unsafe: bool
) -> Notification:
    """They are asked to delete it and to confirm; unless they are unsafe: then a person decides."""
    if unsafe:
        await hold(desk, told, by)
    elif told.ground == "sharing":
        await retraction(desk, told, told.permitted, by, detail=reason)
    point("retract.after_notice")
    return await desk.notifications.change(
        told.id,
        lambda n: retract(n, n.permitted, reason, desk.clock(), safety_hold=unsafe),
        by=by,
    )


async def retraction(
    desk: Desk,
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
        at=desk.clock(),
        apart=",".join(sorted(categories)),
        categories=tuple(categories),
        detail=detail,
    )
    await tell_internally(desk, planned, by)
