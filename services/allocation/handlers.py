"""Messages in: referrals arrive; and our own events, so that what follows from them survives a crash."""

from services.allocation.assignment.belonging import hub_of
from services.allocation.assignment.duty import follow_duty_of
from services.allocation.assignment.ordering import carry_out_order
from services.allocation.assignment.placing import find_worker, look_for_two
from services.allocation.assignment.process import Assignment, release_strays
from services.allocation.assignment.queue import (
    after_first,
    follow_up,
    offer_capacity,
    offer_to_first,
    seek,
)
from services.allocation.assignment.referral_sync import follow_status, is_turn, open_allocation
from services.allocation.assignment.relinking import follow_referral
from services.allocation.caseload.hosts import keep_agency
from services.allocation.casework.agreed import keep_goal
from services.allocation.handover.process import being_moved, carry_out_plan
from services.allocation.hubs import heard
from services.allocation.records import Allocation
from services.allocation.risk.process import recompute_case, relevel_case, report
from services.allocation.risk.subject import respond
from services.allocation.rota.calling import call_cover
from services.allocation.safety.process import protect, protect_all
from services.allocation.store import Stores
from services.allocation.transfers.process import hand_over_to
from shared.clock import now
from shared.events import Event, EventData
from shared.events.absence import LeaveDecided
from shared.events.accounts import AccountSeen
from shared.events.agency import AgencyAmended, AgencyRegistered
from shared.events.allocation import (
    AllocationDeclined,
    AllocationLapsed,
    AllocationWaiting,
    AssignmentOrdered,
)
from shared.events.casework import AllocationClosed, AllocationHandedOver
from shared.events.codes import RiskLevel
from shared.events.goals import GoalAgreed, GoalClosed
from shared.events.parents import ParentsWordRecorded
from shared.events.plans import PlanConfirmed
from shared.events.referral import ReferralAmended, ReferralReceived, ReferralStatusChanged
from shared.events.risk import RiskEscalated, RiskJudged, RiskRecomputed
from shared.events.rota import RotaChanged
from shared.events.sharing import SafetyMarked
from shared.events.subject import SubjectRelinked
from shared.events.transfer import ReferralTransferred, TransferEnded, TransferProposed
from shared.events.unsafe import AllocationTakenAway
from shared.events.workers import (
    CapacityChanged,
    CaseloadChanged,
    CaseRelinked,
    HubRegistered,
    WorkerRegistered,
    WorkerSupervised,
)
from shared.messaging.dispatch import Handlers, Reactions
from shared.operating.failpoints import failpoint
from shared.origin import Origin
from shared.storage.records import Change


def handlers(stores: Stores) -> Handlers:
    """Queue → what handles its events."""
    on = Reactions("allocation", stores).on
    return {
        "allocation.referrals": [
            on(ReferralReceived, on_referral_received),
            on(ReferralAmended, on_referral_amended),
            on(ReferralStatusChanged, on_referral_status_changed),
            on(GoalAgreed, keep_goal),
            on(GoalClosed, keep_goal),
            on(ReferralTransferred, hand_over_to),
        ],
        "allocation.follow_up": [
            on(AllocationWaiting, on_allocation_waiting),
            on(AllocationDeclined, on_given_up),
            on(AllocationLapsed, on_given_up),
            on(AllocationClosed, on_given_up),
            on(AllocationTakenAway, on_given_up),
            on(AssignmentOrdered, on_assignment_ordered),
            on(AllocationHandedOver, on_handed_over),
            on(RiskEscalated, on_level_changed),
            on(RiskJudged, on_level_changed),
            on(RiskRecomputed, on_risk_recomputed),
            on(PlanConfirmed, on_plan_confirmed),
        ],
        **_of_workers(stores),
    }


def _of_workers(stores: Stores) -> Handlers:
    on = Reactions("allocation", stores).on
    return {
        "allocation.capacity": [
            on(CaseloadChanged, on_caseload_changed),
            on(CapacityChanged, on_capacity_changed),
            on(CaseRelinked, on_capacity_changed),
            on(WorkerRegistered, heard.on_worker_registered),
            on(HubRegistered, heard.on_hub_registered),
            on(AgencyRegistered, keep_agency),
            on(AgencyAmended, keep_agency),
            on(RotaChanged, heard.on_rota_changed),
        ],
        "allocation.safety": [
            on(SafetyMarked, on_marked),
            on(SubjectRelinked, on_marked),
            on(ParentsWordRecorded, on_marked),
            on(AccountSeen, heard.on_account_seen),
            on(WorkerSupervised, heard.on_deed),
            on(LeaveDecided, heard.on_deed),
            on(TransferProposed, heard.on_proposal),
            on(TransferEnded, heard.on_proposal),
        ],
    }


async def on_referral_received(stores: Stores, event: Event[ReferralReceived], by: Origin) -> None:
    """The referral's subject is reported, and the case gets its worker."""
    subject, first = await report(stores, event, by)
    if not first and await stores.standing(event.data.referral_id) is not None:
        # Two copies of the event may have reserved with two workers; one allocation stands.
        await release_strays(stores, event.data.referral_id, by)
        # It may have died between the placing and its look at the marks.
        await protect(stores, await stores.allocations.get(event.data.referral_id), by)
        await seek(stores, event.data.referral_id, by)
        return
    if not first:
        await after_first(stores, subject, event.data.referral_id)
    hub = await stores.hub_for(event.data.area)
    allocation = open_allocation(event, subject, hub, stores.policy)
    await find_worker(Assignment(stores, allocation, hub, by, new=True, first=first))


async def on_referral_amended(stores: Stores, event: Event[ReferralAmended], by: Origin) -> None:
    """The case follows its referral; its level may rise with it."""
    allocation, subject = await follow_referral(stores, event, by)
    if allocation.subject_id != subject.id:
        return  # a newer event was faster
    # Its urgency may have risen, or it is about somebody whom others reported, too.
    await relevel_case(stores, allocation.id, subject, by)
    await protect(stores, await stores.allocations.get(allocation.id), by)
    if "subject_id" in event.data.amended:
        await look_for_two(stores, allocation.id, by)
    await seek(stores, allocation.id, by)


async def on_referral_status_changed(
    stores: Stores, event: Event[ReferralStatusChanged], by: Origin
) -> None:
    """The case ends with its referral, and begins again with it."""
    if not is_turn(event.data):
        return
    # Not received here yet: `NotFound`, so the event comes again once it was.
    allocation = await stores.allocations.get(event.data.referral_id)
    hub = await hub_of(stores, allocation)
    subject, at = await stores.subjects.get(allocation.subject_id), now()

    def rule(known: Allocation) -> Change[Allocation]:
        level: RiskLevel = respond(subject, known.urgency, stores.policy)
        return follow_status(known, event, hub, level, at)

    await stores.allocations.change(allocation.id, rule, by=by, seen=allocation)


async def on_given_up(stores: Stores, event: Event[EventData], by: Origin) -> None:
    """Declined, lapsed, closed or taken away: give the capacity back, and look for the next worker."""
    await release_strays(stores, event.subject, by)
    failpoint("decline.after_release")
    await seek(stores, event.subject, by)


async def on_allocation_waiting(
    stores: Stores, event: Event[AllocationWaiting], by: Origin
) -> None:
    """Capacity freed between the look and this event was offered before the case stood in line."""
    await protect(stores, await stores.allocations.get(event.subject), by)
    await call_cover(stores, await stores.allocations.get(event.subject), by)
    await offer_to_first(stores, event.subject, by)


async def on_assignment_ordered(
    stores: Stores, event: Event[AssignmentOrdered], by: Origin
) -> None:
    """The route that took the order may have died before it carried it out."""
    await carry_out_order(stores, event.subject, by)


async def on_handed_over(stores: Stores, event: Event[AllocationHandedOver], by: Origin) -> None:
    """Who had the case gives the capacity back; the Hub hears if the young person has two workers
    now. A plan that moves all their cases looks for that itself, after the last one."""
    await release_strays(stores, event.subject, by)
    if not await being_moved(stores, event.data.hub_id, event.subject):
        await look_for_two(stores, event.subject, by)


async def on_level_changed(
    stores: Stores, event: Event[RiskEscalated | RiskJudged], by: Origin
) -> None:
    """The young person's open cases get the new level."""
    subject = await stores.subjects.get(event.data.subject_id)
    for allocation_id in await stores.open_of_subject(subject.id):
        await relevel_case(stores, allocation_id, subject, by)


async def on_risk_recomputed(stores: Stores, event: Event[RiskRecomputed], by: Origin) -> None:
    """A referral was not theirs: nothing of it is left in the young person's open cases."""
    subject = await stores.subjects.get(event.data.subject_id)
    for allocation_id in await stores.open_of_subject(subject.id):
        await recompute_case(stores, allocation_id, subject, by)


async def on_plan_confirmed(stores: Stores, event: Event[PlanConfirmed], by: Origin) -> None:
    """The plan is carried out."""
    await carry_out_plan(stores, event.subject, by)


async def on_caseload_changed(stores: Stores, event: Event[CaseloadChanged], by: Origin) -> None:
    """Freed capacity goes to who waits; reserved capacity has to come to something."""
    data = event.data
    if data.change == "released":
        await offer_capacity(stores, data.worker_id, by)
    else:
        await follow_up(stores, data.referral_id, data.worker_id, by)


async def on_capacity_changed(
    stores: Stores, event: Event[CapacityChanged | CaseRelinked], by: Origin
) -> None:
    """What a worker can take may suit who waits; and they may have gone on leave, or come back."""
    if isinstance(event.data, CapacityChanged):
        await follow_duty_of(stores, event.data.worker_id, by)
    await offer_capacity(stores, event.data.worker_id, by)


async def on_marked(
    stores: Stores, event: Event[SafetyMarked | SubjectRelinked | ParentsWordRecorded], by: Origin
) -> None:
    """Somebody is unsafe for the young person, or is no longer: nobody who is has a case of theirs.
    Whom only a mark of somebody else's kept away may take what waits; lifting one gives nothing back."""
    await stores.marks.keep(event)
    failpoint("safety.after_marks")
    await protect_all(stores, event.data.subject_id, by)
    if isinstance(event.data, SubjectRelinked):
        for allocation_id in await stores.open_of_subject(event.data.subject_id):
            await offer_to_first(stores, allocation_id, by)
