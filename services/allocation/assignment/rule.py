"""How a case gets its worker, or waits. Pure."""

from datetime import datetime, timedelta
from typing import Any

from services.allocation.assignment.facts import CaseFacts, Decision
from services.allocation.assignment.others import ALONE, Others
from services.allocation.hubs.hub import Hub, to_begin_by
from services.allocation.records import (
    NOTHING_PENDING,
    Allocation,
    Status,
    snapshot,
)
from shared.events import EventData
from shared.events.allocation import AllocationEscalated, AllocationMade, AllocationWaiting
from shared.events.casework import AllocationHandedOver
from shared.events.codes import EscalationReason
from shared.rules.safety import without_accounts
from shared.storage.records import Change, unchanged


def case_facts(
    allocation: Allocation, others: Others = ALONE, unsafe: tuple[str, ...] = ()
) -> CaseFacts:
    """What a decision may know of this case. To have worked with the young person speaks for nobody
    who is unsafe for them. Who did not take one of their open cases isn't asked for another."""
    refused = {refusal.worker_id for refusal in allocation.refusals}
    return CaseFacts(
        referral_id=allocation.id,
        subject_id=allocation.subject_id,
        agency_id=allocation.agency_id,
        area=allocation.area,
        urgency=allocation.urgency,
        level=allocation.level,
        weight=allocation.weight,
        settings_avoided=allocation.settings_avoided,
        needs=allocation.needs,
        languages=allocation.languages,
        times=allocation.times,
        known_to=tuple(w for w in others.known_to() if f"worker:{w}" not in unsafe),
        related=others.referrals(),
        unsafe=without_accounts(unsafe),
        declined_by=tuple(sorted(refused | others.declined_by())),
    )


def assign(
    allocation: Allocation,
    decision: Decision,
    hub: Hub,
    *,
    round: int,
    flags: tuple[str, ...],
) -> Change[Allocation]:
    """The worker whose capacity is reserved for this round takes it over. With the flag
    `two_workers` the Hub manager is told that the young person has another one, too.

    Nothing changes if another assignment, or the end of the case, came first.
    """
    seeking = allocation.status in ("seeking", "waiting")
    if allocation.round + 1 != round or not (seeking or _is_ordered(allocation, decision)):
        return unchanged(allocation)
    two = "two_workers" in flags
    after = allocation.but(
        **_assigned(allocation, decision, hub),
        round=round,
        flags=flags,
        escalations=allocation.escalations + two,
    )
    made = AllocationMade.model_validate({**_decided(after), "answer_by": after.answer_by})
    told = [AllocationEscalated(**snapshot(after), reason="two_workers")] if two else []
    return Change(after, (*_handed_over(allocation, after), made, *told))


def wait(
    allocation: Allocation,
    decision: Decision | None,
    hub: Hub | None,
    *,
    at: datetime,
    holder_id: str | None = None,
    escalate: EscalationReason | None = None,
    overtake: bool = False,
) -> Change[Allocation]:
    """Nobody can take it now: it waits, with a holder (None: the Hub's managers; without a Hub the
    operators), a weekly review and an escalation clock.

    Nothing changes if it has a worker, or waits already with this Hub, or none is there. Waiting
    begins a round of its own, so that a reservation that came to nothing is a stray; `overtake`
    begins one more. What another Hub's manager ordered of it does not bind this one.
    """
    moves = goes_to(allocation, hub)
    if allocation.status == "waiting" and overtake and not moves:
        after = allocation.but(round=allocation.round + 1)
        return Change(after, (_waiting(after, hub),))
    if allocation.status != "seeking" and not moves:
        return unchanged(allocation)
    after = allocation.but(
        **_begins_to_wait(allocation, hub, at),
        status="waiting",
        round=allocation.round + 1,
        hub_id=hub.id if hub else None,
        worker_id=None,
        decided_at=at,
        **({"order": None, "exception": None} if moves else {"waiting_since": at}),
        holder_id=holder_id,
        with_manager=escalate == "offers_exhausted",
        escalations=allocation.escalations + (escalate is not None),
        decisions=(*allocation.decisions, *([decision.id] if decision else [])),
    )
    events: list[EventData] = [_waiting(after, hub)]
    if escalate:
        events.append(AllocationEscalated(**snapshot(after), reason=escalate, waiting_since=at))
    return Change(after, tuple(events))


def _begins_to_wait(allocation: Allocation, hub: Hub | None, at: datetime) -> dict[str, Any]:
    return {
        "overdue_since": None,
        "called": (),
        "review_at": at + timedelta(days=hub.clocks.review_days if hub else 7),
        "escalate_at": at + timedelta(days=hub.waiting_days(allocation.level) if hub else 1),
    }


def goes_to(allocation: Allocation, hub: Hub | None) -> bool:
    """Whether it waits with no Hub, or with another one, and this one serves its area."""
    return allocation.status == "waiting" and hub is not None and allocation.hub_id != hub.id


def _assigned(allocation: Allocation, decision: Decision, hub: Hub) -> dict[str, Any]:
    at, before = decision.at, allocation.worker_id
    at_once = decision.kind == "duty"
    answer_by = at + timedelta(minutes=hub.answer_minutes(allocation.urgency))
    status: Status = "accepted" if at_once else "handed_over" if before else "offered"
    return {
        **NOTHING_PENDING,
        "status": status,
        "worker_id": decision.worker_id,
        "workers_before": (*allocation.workers_before, *([before] if before else [])),
        "hub_id": hub.id,
        "weight": decision.case.weight,
        "decided_at": at,
        "allocated_at": allocation.allocated_at or at,
        "accepted_at": at if at_once else None,
        "first_accepted_at": allocation.first_accepted_at or (at if at_once else None),
        "answer_by": None if at_once else answer_by,
        "review_at": to_begin_by(hub, allocation.level, at) if at_once else None,
        "offers": allocation.offers + 1,
        "with_manager": False,
        "holder_id": None,
        "called": (),
        "decisions": (*allocation.decisions, decision.id),
    }


def _handed_over(before: Allocation, after: Allocation) -> tuple[EventData, ...]:
    if before.worker_id is None or before.order is None:
        return ()
    from_worker_id, reason = before.worker_id, before.order.reason
    return (AllocationHandedOver(**snapshot(after), from_worker_id=from_worker_id, reason=reason),)


def _is_ordered(allocation: Allocation, decision: Decision) -> bool:
    order = allocation.order
    return (
        order is not None and decision.ordered == order.worker_id and allocation.status != "closed"
    )


def _waiting(allocation: Allocation, hub: Hub | None) -> AllocationWaiting:
    return AllocationWaiting.model_validate(
        {
            **_decided(allocation),
            "reason": "no_candidate" if hub else "no_hub_for_area",
            "holder_id": allocation.holder_id,
            "review_at": allocation.review_at,
        }
    )


def _decided(allocation: Allocation) -> dict[str, Any]:
    return {
        **snapshot(allocation),
        "due_at": allocation.due_at,
        "decided_at": allocation.decided_at,
        "policy_version": allocation.policy_version,
        "referral_version": allocation.referral_version,
        "flags": allocation.flags,
    }
