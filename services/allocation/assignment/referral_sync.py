"""What an allocation knows of its referral, and what becomes of it when the referral changes. Pure.

The referral is the owner. Its snapshot and its status are two sources, each with a version of its
own: the newest of each counts, whatever order the events come in.
"""

from datetime import datetime
from typing import Any, NamedTuple

from services.allocation.assignment.rule import wait
from services.allocation.casework.transitions import close
from services.allocation.hubs.hub import Hub
from services.allocation.records import (
    HELD,
    MAX_CLOSINGS,
    Allocation,
    Closing,
    Reach,
    snapshot,
    with_ranks,
)
from services.allocation.risk.policy import RiskPolicy
from services.allocation.risk.score import Assessment
from services.allocation.risk.subject import Subject, respond
from shared.events import Event, EventData
from shared.events.allocation import AllocationEscalated
from shared.events.casework import AllocationAmended
from shared.events.codes import ClosureOutcome, ClosureReason, ReferralStatus, RiskLevel
from shared.events.referral import ReferralAmended, ReferralReceived, ReferralStatusChanged
from shared.storage.records import Change, unchanged

ENDED: dict[ReferralStatus, ClosureReason] = {
    "rejected": "referral_withdrawn",
    "signposted": "referral_withdrawn",
    "withdrawn": "referral_withdrawn",
    "closed": "ended_early",
    "entered_in_error": "entered_in_error",
}
REOPENED: tuple[ReferralStatus, ...] = ("received", "screening", "accepted")

FromReferral = Event[ReferralReceived] | Event[ReferralAmended] | Event[ReferralStatusChanged]


class Moved(NamedTuple):
    """What is known of the young person whom a case is about now, and whether they have another
    worker of the Hub."""

    assessment: Assessment
    two_workers: bool


def open_allocation(
    event: Event[ReferralReceived], subject: Subject, hub: Hub | None, policy: RiskPolicy
) -> Allocation:
    """The allocation as it is before its first decision; not stored yet."""
    level = respond(subject, event.data.urgency, policy)
    return with_ranks(
        Allocation(
            id=event.data.referral_id,
            agency_id=event.data.agency_id,
            received_at=event.data.received_at,
            **_snapshot_fields(event.data),
            referral_version=event.version,
            assessment=subject.assessment,
            policy_version=subject.assessment.policy_version,
            level=level,
            weight=hub.weight(level) if hub else 1,
            hub_id=hub.id if hub else None,
        )
    )


def evolve(allocation: Allocation, event: FromReferral) -> Allocation:
    """The allocation with what the event says of its referral. An older event says nothing.

    Any order of a referral's events, with repeats, leads to the same knowledge. How the case
    itself goes on is not part of it: `follow_status` and `follow_amendment` decide that.
    """
    data = event.data
    if isinstance(data, ReferralStatusChanged):
        if event.version <= allocation.status_version or not is_turn(data):
            return allocation
        return allocation.but(
            status_version=event.version,
            referral_status=data.status,
            reopenings=data.reopenings,
        )
    if event.version <= allocation.referral_version:
        return allocation
    fields = _snapshot_fields(data)
    return with_ranks(allocation.but(**fields, referral_version=event.version))


def is_turn(data: ReferralStatusChanged) -> bool:
    """Whether the referral ended, or began again. All else is our own decisions, coming back."""
    return data.status in ENDED or is_reopening(data)


def is_reopening(data: ReferralStatusChanged) -> bool:
    """Whether an ended referral began again."""
    return data.status in REOPENED and data.previous in ENDED


def follow_status(
    allocation: Allocation,
    event: Event[ReferralStatusChanged],
    hub: Hub | None,
    level: RiskLevel,
    at: datetime,
) -> Change[Allocation]:
    """End with the referral, and begin again with it, on `level`. An older event changes nothing.

    Where the end comes after the new beginning, it is made up for: nobody goes on with a case of
    the life before.
    """
    known = evolve(allocation, event)
    if known == allocation:
        return unchanged(allocation)
    reason = _ended(event.data.status, event.data.outcome)
    if reason is None:
        missed = _ended(event.data.previous) or "ended_early"
        ended = close(allocation, missed, allocation.outcomes, hub, at, by_hand=False)
        begun = _reopen(evolve(ended.after, event), hub, level, at)
        return Change(begun.after, (*ended.events, *begun.events))
    if reason is not None and allocation.status != "closed":
        return close(known, reason, known.outcomes, hub, at, by_hand=False)
    if reason is not None and allocation.referral_status in ENDED:
        known = known.but(closure=reason)  # it ended otherwise than the older event said
    # The state is right already. The version is stored, so that older events find nothing to do.
    return Change(known, (AllocationAmended(**snapshot(known), referral_version=event.version),))


def follow_amendment(
    allocation: Allocation,
    event: Event[ReferralAmended],
    still_fits: bool,
    moved: Moved | None = None,
) -> Change[Allocation]:
    """The newest coded snapshot. Where it rules out the worker on the case, the manager is told.

    It may be about another young person now, whom a practitioner recognised: it shows what is known
    of them then, and stays with its worker; where they have another one in the Hub, the manager is
    told. A closed allocation follows, too: whoever worked with the young person is known to them,
    and the case may reopen.
    """
    after = evolve(allocation, event)
    if after == allocation:
        return unchanged(allocation)
    two = False
    if moved is not None and after.subject_id != allocation.subject_id:
        two = allocation.status in HELD and moved.two_workers
        after = after.but(
            assessment=moved.assessment,
            flags=_flagged(after, two),
            escalations=after.escalations + two,
        )
    events: list[EventData] = [AllocationAmended(**snapshot(after), referral_version=event.version)]
    if allocation.status in HELD and not still_fits:
        events.append(AllocationEscalated(**snapshot(after), reason="no_longer_fits"))
    if two:
        events.append(AllocationEscalated(**snapshot(after), reason="two_workers"))
    return Change(after, tuple(events))


def is_elsewhere(allocation: Allocation, area: str, hub: Hub | None) -> bool:
    """Whether the case turns out to belong to this other Hub. Who has it keeps it: it is not torn
    away from a young person by a corrected word, and its manager is told."""
    other = hub is not None and allocation.hub_id not in (None, hub.id)
    return other and area != allocation.area


def follow_facts(
    allocation: Allocation, assessment: Assessment, *, one_worker: bool
) -> Change[Allocation]:
    """Another referral turned out not to be about the young person: the case shows what is known of
    them without it, and has no second worker any more, should that one have been of the other."""
    flags = _flagged(allocation, two="two_workers" in allocation.flags and not one_worker)
    same = assessment.model_copy(update={"assessed_at": allocation.assessment.assessed_at})
    if flags == allocation.flags and same == allocation.assessment:
        return unchanged(allocation)
    after = allocation.but(assessment=assessment, flags=flags)
    version = allocation.referral_version
    return Change(after, (AllocationAmended(**snapshot(after), referral_version=version),))


def _flagged(allocation: Allocation, two: bool) -> tuple[str, ...]:
    others = tuple(flag for flag in allocation.flags if flag != "two_workers")
    return (*others, "two_workers") if two else others


def _ended(status: ReferralStatus, outcome: ClosureOutcome | None = None) -> ClosureReason | None:
    """Why a case ends with its referral; None where that goes on. What a case comes to is said
    where it is closed: of a referral that is closed itself nobody had the case."""
    said: dict[ClosureOutcome | None, ClosureReason] = {"transferred": "transferred"}
    return said.get(outcome, ENDED["closed"]) if status == "closed" else ENDED.get(status)


def _reopen(
    known: Allocation, hub: Hub | None, level: RiskLevel, at: datetime
) -> Change[Allocation]:
    fresh = known.but(
        status="seeking",
        closings=_closings(known),
        closed_at=None,
        closed_with=None,
        closure=None,
        outcomes=(),
        debrief=None,
        refusals=(),
        level=level,
        weight=hub.weight(level) if hub else known.weight,
    )
    return wait(with_ranks(fresh), None, hub, at=at)


def _closings(known: Allocation) -> tuple[Closing, ...]:
    if known.closed_at is None or known.closure is None:
        return known.closings
    last = Closing(closed_at=known.closed_at, closure=known.closure, outcomes=known.outcomes)
    return (*known.closings, last)[-MAX_CLOSINGS:]


def _snapshot_fields(referral: ReferralReceived | ReferralAmended) -> dict[str, Any]:
    return {
        "subject_id": referral.subject_id,
        "area": referral.area,
        "urgency": referral.urgency,
        "due_at": referral.due_at,
        "settings_avoided": referral.settings_avoided,
        "needs": referral.needs,
        "languages": referral.languages,
        "times": referral.preferred_times,
        "reach": Reach(
            age_band=referral.age_band, gender=referral.gender, ethnicity=referral.ethnicity
        ),
    }
