"""What binds who reads notifications: the young person's instructions, for who is still entitled."""

from datetime import datetime

from services.notify.decision.current import answer_for
from services.notify.decision.standing import is_over, still_theirs
from services.notify.notification import Notification
from services.notify.projections.cases import CaseState
from services.notify.projections.store import Projections
from shared.events.codes import Instruction


async def instructions_with(
    projections: Projections, *notifications: Notification, at: datetime
) -> dict[str, tuple[Instruction, ...]]:
    """By notification, the instructions as they stand; none where the recipient's ground has ended:
    what is said since is not theirs to know. A partner is decided on as things are at this moment."""
    told = [n for n in notifications if n.referral_id and not is_over(n)]
    cases = await projections.cases_of({n.referral_id or "" for n in told})
    about = {n.id: cases[n.referral_id or ""].subject_id or n.subject_id or "" for n in told}
    said = await projections.instructions(about.values())
    return {
        n.id: said[about[n.id]]
        for n in told
        if said.get(about[n.id]) and await _entitled(projections, n, cases[n.referral_id or ""], at)
    }


async def _entitled(
    projections: Projections, notification: Notification, case: CaseState, at: datetime
) -> bool:
    if notification.ground == "sharing":
        return (await answer_for(projections, notification, at)).permitted
    return still_theirs(notification, case)
