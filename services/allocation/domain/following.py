"""What becomes of an allocation when its referral changes: amended, ended, reopened. Pure.

The referral is the owner: its newest version counts, whatever order the events come in.
"""

from datetime import datetime

from services.allocation.domain.allocations import HELD, Allocation, snapshot, wait, with_ranks
from services.allocation.domain.hubs import Hub
from services.allocation.domain.life import close
from services.allocation.domain.opening import coded
from shared.events import Event, EventData
from shared.events.allocation import AllocationAmended, AllocationEscalated
from shared.events.codes import ClosureReason, ReferralStatus
from shared.events.referral import ReferralAmended, ReferralStatusChanged
from shared.records import Change, unchanged

ENDED: dict[ReferralStatus, ClosureReason] = {
    "rejected": "referral_withdrawn",
    "signposted": "referral_withdrawn",
    "withdrawn": "referral_withdrawn",
    "closed": "completed",
    "entered_in_error": "entered_in_error",
}
REOPENED: tuple[ReferralStatus, ...] = ("received", "screening", "accepted")


def follow_status(
    allocation: Allocation, event: Event[ReferralStatusChanged], hub: Hub | None, at: datetime
) -> Change[Allocation]:
    """End with the referral, and begin again with it. An older or repeated event changes nothing."""
    if event.version <= allocation.referral_version:
        return unchanged(allocation)
    known = allocation.but(referral_version=event.version)
    reason = ENDED.get(event.data.status)
    if reason is not None:
        # The outcome of a referral closed by hand is with the referral.
        return close(known, reason, known.outcomes, hub, at, by_hand=False)
    if event.data.previous not in ENDED or event.data.status not in REOPENED:
        return unchanged(allocation)
    if allocation.status == "closed":
        fresh = known.but(
            status="seeking", closed_at=None, closure=None, outcomes=(), debrief=None, refusals=()
        )
        return wait(fresh, None, hub, at=at)
    # Reopened before we heard that it had ended: that older event must find nothing to do.
    return Change(known, (AllocationAmended(**snapshot(known), referral_version=event.version),))


def follow_amendment(
    allocation: Allocation, event: Event[ReferralAmended], still_fits: bool
) -> Change[Allocation]:
    """The newest coded snapshot. Where it rules out the worker on the case, the manager is told.

    It may be about another young person now, whom a practitioner recognised: then also a closed
    one follows, for whoever worked with them is known to them.
    """
    if event.version <= allocation.referral_version:
        return unchanged(allocation)
    if allocation.status == "closed" and event.data.subject_id == allocation.subject_id:
        return unchanged(allocation)
    after = with_ranks(
        allocation.but(
            **coded(event.data),
            subject_id=event.data.subject_id,
            area=event.data.area,
            urgency=event.data.urgency,
            due_at=event.data.due_at,
            settings_avoided=event.data.settings_avoided,
            referral_version=event.version,
        )
    )
    events: list[EventData] = [AllocationAmended(**snapshot(after), referral_version=event.version)]
    if allocation.status in HELD and not still_fits:
        events.append(AllocationEscalated(**snapshot(after), reason="no_longer_fits"))
    return Change(after, tuple(events))
