"""Messages in: referrals arrive; and our own events, so that what follows from them survives a crash."""

from typing import Any

from services.allocation.domain.allocations import Allocation, case_facts
from services.allocation.domain.capacity import follow_hub
from services.allocation.domain.choice import judge
from services.allocation.domain.facts import hub_facts, worker_facts
from services.allocation.domain.following import (
    ENDED,
    REOPENED,
    follow_amendment,
    follow_status,
)
from services.allocation.domain.hubs import Hub
from services.allocation.domain.life import relevel
from services.allocation.domain.opening import opened
from services.allocation.domain.subjects import Subject, absorb, first_seen, respond
from services.allocation.domain.workers import Worker
from services.allocation.moving import carry_out_plan
from services.allocation.placing import (
    Placing,
    carry_out,
    fill,
    find_worker,
    settle,
    take_turn,
)
from services.allocation.store import Desk
from shared.clock import now
from shared.dispatch import Handler, Handlers
from shared.errors import AlreadyThere, NotFound
from shared.events import Event
from shared.events.allocation import AllocationWaiting, PlanConfirmed
from shared.events.codes import RiskLevel
from shared.events.referral import ReferralAmended, ReferralReceived, ReferralStatusChanged
from shared.events.risk import RiskEscalated, RiskJudged
from shared.events.workers import CapacityChanged, CaseloadChanged, HubRegistered, WorkerRegistered
from shared.origin import Origin


def handlers(desk: Desk) -> Handlers:
    """Queue → event type → handler."""
    return {
        "allocation.referrals": _of_referrals(desk),
        "allocation.follow_up": _of_allocations(desk),
        "allocation.capacity": _of_capacity(desk),
    }


def _of_referrals(desk: Desk) -> dict[str, Handler]:
    async def on_referral_received(event: Event[ReferralReceived]) -> None:
        by = Origin.of_event("allocation", event)
        subject = await _absorbed(desk, event, by)
        try:
            await desk.allocations.get(event.data.referral_id)
        except NotFound:
            hub = await desk.hub_for(event.data.area)
            allocation = opened(event, subject, hub, desk.policy)
            await find_worker(Placing(desk, allocation, hub, by, new=True))
        # Two copies of the event may have reserved with two workers; one allocation stands.
        await settle(desk, event.data.referral_id, by)

    async def on_referral_amended(event: Event[ReferralAmended]) -> None:
        by = Origin.of_event("allocation", event)
        subject = await _absorbed(desk, event, by)
        allocation = await desk.allocations.get(event.data.referral_id)
        fits = await _fits(desk, allocation, avoided=event.data.settings_avoided)
        await desk.allocations.change(
            allocation.id, lambda a: follow_amendment(a, event, fits), by=by
        )
        # Its urgency may have risen, or it is about somebody whom others reported, too.
        await _relevel(desk, allocation.id, subject, by)
        await _seek(desk, allocation.id, by)

    async def on_referral_status_changed(event: Event[ReferralStatusChanged]) -> None:
        if event.data.status not in (*ENDED, *REOPENED):
            return  # our own decisions, coming back
        by = Origin.of_event("allocation", event)
        try:
            allocation = await desk.allocations.get(event.data.referral_id)
        except NotFound:
            if event.data.status in ENDED:
                raise  # it ended before we heard of it: try again once it was received
            return
        hub = await desk.hub_for(allocation.area)
        at = now()
        await desk.allocations.change(
            allocation.id, lambda a: follow_status(a, event, hub, at), by=by
        )

    return {
        "referral.received": on_referral_received,
        "referral.amended": on_referral_amended,
        "referral.status_changed": on_referral_status_changed,
    }


def _of_allocations(desk: Desk) -> dict[str, Handler]:
    async def on_given_up(event: Event[Any]) -> None:
        """Declined, lapsed or closed: give the capacity back, and look for the next worker."""
        by = Origin.of_event("allocation", event)
        await settle(desk, event.subject, by)
        await _seek(desk, event.subject, by)

    async def on_allocation_waiting(event: Event[AllocationWaiting]) -> None:
        # Capacity freed between our look and this event was offered before we stood in the queue.
        by = Origin.of_event("allocation", event)
        allocation = await desk.allocations.get(event.subject)
        hub = await desk.hub_for(allocation.area)
        if hub is not None and allocation.status == "waiting" and not allocation.with_manager:
            await take_turn(Placing(desk, allocation, hub, by), hub)

    async def on_assignment_ordered(event: Event[Any]) -> None:
        by = Origin.of_event("allocation", event)
        await carry_out(desk, await desk.allocations.get(event.subject), by)
        await settle(desk, event.subject, by)

    async def on_handed_over(event: Event[Any]) -> None:
        await settle(desk, event.subject, Origin.of_event("allocation", event))

    async def on_level_changed(event: Event[RiskEscalated] | Event[RiskJudged]) -> None:
        by = Origin.of_event("allocation", event)
        subject = await desk.subjects.get(event.data.subject_id)
        for allocation_id in await desk.open_of_subject(subject.id):
            await _relevel(desk, allocation_id, subject, by)

    async def on_plan_confirmed(event: Event[PlanConfirmed]) -> None:
        await carry_out_plan(desk, event.subject, Origin.of_event("allocation", event))

    return {
        "allocation.waiting": on_allocation_waiting,
        "allocation.declined": on_given_up,
        "allocation.lapsed": on_given_up,
        "allocation.closed": on_given_up,
        "allocation.assignment_ordered": on_assignment_ordered,
        "allocation.handed_over": on_handed_over,
        "risk.escalated": on_level_changed,
        "risk.judged": on_level_changed,
        "handover_plan.confirmed": on_plan_confirmed,
    }


def _of_capacity(desk: Desk) -> dict[str, Handler]:
    async def on_caseload_changed(event: Event[CaseloadChanged]) -> None:
        by = Origin.of_event("allocation", event)
        if event.data.change == "released":
            await _fill(desk, event.data.worker_id, by)
        elif await desk.waits(event.data.referral_id):
            # Whoever reserved this for a waiting case is slow, or has died: finish it.
            await _seek(desk, event.data.referral_id, by)

    async def on_capacity_changed(event: Event[CapacityChanged]) -> None:
        await _fill(desk, event.data.worker_id, Origin.of_event("allocation", event))

    async def on_worker_registered(event: Event[WorkerRegistered]) -> None:
        by = Origin.of_event("allocation", event)
        if (hub := await desk.hub(event.data.hub_id)) is not None:
            # The Hub's policy may have changed between the route's look at it and this entry.
            await desk.workers.change(event.data.worker_id, _following(hub), by=by)
        await _fill(desk, event.data.worker_id, by)

    async def on_hub_registered(event: Event[HubRegistered]) -> None:
        by, hub = Origin.of_event("allocation", event), await desk.hubs.get(event.data.hub_id)
        workers = desk.workers.collection.find({"hub_id": hub.id}, {"_id": 1})
        async for found in workers:
            await desk.workers.change(found["_id"], _following(hub), by=by)

    return {
        "worker.caseload_changed": on_caseload_changed,
        "worker.capacity_changed": on_capacity_changed,
        "worker.registered": on_worker_registered,
        "hub.registered": on_hub_registered,
    }


async def _fits(
    desk: Desk, allocation: Allocation, *, level: RiskLevel | None = None, avoided: Any = None
) -> bool:
    """Whether the worker on the case still passes the gates that a new level, or another setting
    avoided, may close."""
    hub = await desk.hub(allocation.hub_id)
    if hub is None or allocation.worker_id is None:
        return True
    case = case_facts(allocation, known_to=(), related=()).model_copy(
        update={
            "level": level or allocation.level,
            "settings_avoided": allocation.settings_avoided if avoided is None else avoided,
        }
    )
    worker = await desk.workers.get(allocation.worker_id)
    (facts,) = worker_facts([worker], case, now())
    gates = {g.gate: g.passed for g in judge(case, hub_facts(hub), facts).gates}
    asked = () if avoided is None else ("setting_not_avoided",)
    return all(gates[gate] for gate in ("role_may_take_level", "qualified", *asked))


async def _absorbed(
    desk: Desk, event: Event[ReferralReceived] | Event[ReferralAmended], by: Origin
) -> Subject:
    at = now()
    subject, assessed, due = first_seen(event, desk.policy, at)
    try:
        return await desk.subjects.add(subject, assessed, by=by, due=due)
    except AlreadyThere:
        return await desk.subjects.change(
            subject.id, lambda known: absorb(known, event, desk.policy, at), by=by
        )


async def _seek(desk: Desk, allocation_id: str, by: Origin) -> None:
    allocation = await desk.allocations.get(allocation_id)
    if allocation.status not in ("seeking", "waiting") or allocation.with_manager:
        return
    hub = await desk.hub_for(allocation.area)
    if hub is None and allocation.status == "waiting":
        return
    await find_worker(Placing(desk, allocation, hub, by))
    await settle(desk, allocation_id, by)


async def _fill(desk: Desk, worker_id: str, by: Origin) -> None:
    worker = await desk.workers.get(worker_id)
    hub = await desk.hub(worker.hub_id)
    if hub is not None and worker.room > 0:
        await fill(desk, hub, worker, by)


async def _relevel(desk: Desk, allocation_id: str, subject: Subject, by: Origin) -> None:
    allocation = await desk.allocations.get(allocation_id)
    hub = await desk.hub(allocation.hub_id)
    level = respond(subject, allocation.urgency, desk.policy)
    may = await _fits(desk, allocation, level=level)
    await desk.allocations.change(allocation_id, lambda a: relevel(a, level, hub, may), by=by)


def _following(hub: Hub) -> Any:
    def rule(worker: Worker) -> Any:
        return follow_hub(worker, hub, now())

    return rule
