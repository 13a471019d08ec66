"""Messages in: Hubs and what allocation decided; and our own events, for what follows from them."""

from services.referral.areas.command import settle_all, settle_one
from services.referral.intelligence.ending import forget_reports
from services.referral.intelligence.linking import link_report, unlink_report
from services.referral.lifecycle.following import OfAllocation, follow, stands
from services.referral.matches.again import look_again, look_at, replaced
from services.referral.matches.finding import after_decision, find_again, find_matches, match_id
from services.referral.people.relinking import relink, tell_apart
from services.referral.people.retelling import forget_referral, retell_subject
from services.referral.sharing.command import mark_as_seen, speaks_as
from services.referral.store import Stores
from shared.events import Event
from shared.events.accounts import AccountSeen
from shared.events.allocation import (
    AllocationAccepted,
    AllocationDeclined,
    AllocationLapsed,
    AllocationMade,
    AllocationWaiting,
)
from shared.events.areas import AreaRegistered
from shared.events.casework import (
    AllocationClosed,
    AllocationHandedOver,
    AllocationHeld,
    AllocationRelevelled,
    AllocationResumed,
    AllocationStarted,
)
from shared.events.codes import UNKNOWN_AREA
from shared.events.erasure import ReferralErased
from shared.events.intelligence import (
    IntelligenceDestroyed,
    IntelligenceReported,
    IntelligenceWithdrawn,
)
from shared.events.joining import JoinProposalEnded, JoinProposed
from shared.events.referral import ReferralAmended, ReferralReceived
from shared.events.subject import SubjectMatchDecided
from shared.events.trail import TrailQueried
from shared.events.transfer import ReferralTransferred
from shared.events.unsafe import AllocationHolderChanged, AllocationTakenAway
from shared.events.workers import HubRegistered, WorkerRegistered
from shared.messaging.dispatch import Handler, Handlers, Reactions
from shared.origin import Origin


def handlers(stores: Stores) -> Handlers:
    """Queue → what handles its events."""
    on = Reactions("referral", stores).on

    return {
        "referral.allocations": _of_allocations(stores),
        "referral.matching": [
            on(ReferralReceived, on_referral_received),
            on(ReferralAmended, on_referral_corrected),
        ],
        "referral.follow_up": [
            on(AreaRegistered, on_area_registered),
            on(ReferralErased, on_referral_erased),
            on(IntelligenceReported, on_reported),
            on(IntelligenceWithdrawn, on_report_withdrawn),
            on(IntelligenceDestroyed, on_report_destroyed),
            on(SubjectMatchDecided, on_match_decided),
            on(ReferralAmended, on_referral_amended),
            on(JoinProposed, on_proposal_told),
            on(JoinProposalEnded, on_proposal_told),
            on(ReferralTransferred, on_transferred),
        ],
        "referral.directory": [
            on(WorkerRegistered, on_worker_registered),
            on(AccountSeen, on_account_seen),
            on(TrailQueried, on_trail_queried),
        ],
    }


def _of_allocations(stores: Stores) -> list[Handler]:
    on = Reactions("referral", stores).on
    return [
        on(HubRegistered, on_hub_registered),
        on(AllocationMade, on_allocation),
        on(AllocationWaiting, on_allocation),
        on(AllocationAccepted, on_allocation),
        on(AllocationDeclined, on_allocation),
        on(AllocationLapsed, on_allocation),
        on(AllocationTakenAway, on_allocation),
        on(AllocationHolderChanged, on_allocation),
        on(AllocationStarted, on_allocation),
        on(AllocationHeld, on_allocation),
        on(AllocationResumed, on_allocation),
        on(AllocationHandedOver, on_allocation),
        on(AllocationRelevelled, on_allocation),
        on(AllocationClosed, on_allocation),
    ]


async def on_hub_registered(stores: Stores, event: Event[HubRegistered], by: Origin) -> None:
    """The Hub and its areas are known; what was referred by a word for one of them follows."""
    await stores.hubs.note(event)
    await settle_all(stores, event.data.areas, by)


async def on_area_registered(stores: Stores, event: Event[AreaRegistered], by: Origin) -> None:
    """What was referred by one of its names follows."""
    area = await stores.register.areas.get(event.data.area)
    await settle_all(stores, area.name_keys, by)


async def on_allocation(stores: Stores, event: Event[OfAllocation], by: Origin) -> None:
    """The referral has its worker, waits for one, or follows what became of its case."""
    if stands(event.data) is None:
        return  # between two workers: the next decision follows
    referral = await stores.referrals.change(
        event.data.referral_id, lambda referral: follow(referral, event), by=by
    )
    if referral.suspected:
        await stores.matches.placed(referral)


async def on_referral_received(stores: Stores, event: Event[ReferralReceived], by: Origin) -> None:
    """Whoever may be the same young person is found; and its area, if it was registered as the
    referral came."""
    if event.data.area == UNKNOWN_AREA:
        await settle_one(stores, event.data.referral_id, by)
    await find_matches(stores, event.data.referral_id, by)


async def on_referral_corrected(stores: Stores, event: Event[ReferralAmended], by: Origin) -> None:
    """Somebody else may be like the young person now, or the referral is about somebody else."""
    if {"subject", "subject_id"} & {name.partition(".")[0] for name in event.data.amended}:
        await find_again(stores, event.data.referral_id, by)


async def on_referral_erased(stores: Stores, event: Event[ReferralErased], by: Origin) -> None:
    """What a crash left of it is destroyed, too, and what was reported about it."""
    await forget_referral(stores, await stores.referrals.get(event.data.referral_id))
    await forget_reports(stores, event.data.referral_id, by)


async def on_reported(stores: Stores, event: Event[IntelligenceReported], by: Origin) -> None:
    """What it has in common with other reports is found."""
    await link_report(stores, event.data.report_id, by)


async def on_report_withdrawn(
    stores: Stores, event: Event[IntelligenceWithdrawn], by: Origin
) -> None:
    """It is linked with nothing any more."""
    await unlink_report(stores, event.data.report_id, by)


async def on_report_destroyed(
    stores: Stores, event: Event[IntelligenceDestroyed], by: Origin
) -> None:
    """What a crash left of it: its key. It is linked with nothing any more."""
    await stores.vault.destroy(event.data.report_id)
    await unlink_report(stores, event.data.report_id, by)


async def on_match_decided(stores: Stores, event: Event[SubjectMatchDecided], by: Origin) -> None:
    """Referrals found to be about somebody else go over to them; who was told apart knows it."""
    said = event.data
    await relink(stores, said.subject_id, by)
    if said.decision == "different_people" and said.other_referral_id is not None:
        mine, other = (said.referral_id, said.other_referral_id)
        subjects = [(await stores.referrals.get(i)).subject_id for i in (mine, other)]
        if subjects[0] != subjects[1]:
            await tell_apart(stores, (subjects[0], mine), (subjects[1], other), by)
    pair_id = match_id(stores, said.referral_id, said.other_referral_id or said.referral_id)
    await replaced(stores, pair_id, said.decision, by)
    await after_decision(stores, said)
    await look_at(stores, pair_id, by)


async def on_proposal_told(
    stores: Stores, event: Event[JoinProposed] | Event[JoinProposalEnded], _: Origin
) -> None:
    """The proposal stands, or has ended, where a crash left it between."""
    await stores.matches.finish_told(event.data.match_id, event.data.decision_id)


async def on_referral_amended(stores: Stores, event: Event[ReferralAmended], by: Origin) -> None:
    """What a crash left of a correction of who it is about, or of where, is done."""
    if "area" in event.data.amended:
        await settle_one(stores, event.data.referral_id, by)
        await stores.matches.in_area(await stores.referrals.get(event.data.referral_id))
    if "subject" in event.data.amended:
        await retell_subject(stores, await stores.referrals.get(event.data.referral_id), by)


async def on_transferred(stores: Stores, event: Event[ReferralTransferred], _: Origin) -> None:
    """What a crash left of it: its possible matches are the new Hub's to decide."""
    await stores.matches.placed(await stores.referrals.get(event.data.referral_id))


async def on_worker_registered(stores: Stores, event: Event[WorkerRegistered], by: Origin) -> None:
    """There is this worker, hosted there; who sits with a marked agency is marked through it."""
    await stores.known.worker(event)
    for account in await stores.known.accounts_of(event.data.worker_id):
        await mark_as_seen(stores, account, by)
        await speaks_as(stores, account, by)
        await look_again(stores, account, by)


async def on_account_seen(stores: Stores, event: Event[AccountSeen], by: Origin) -> None:
    """There is this account; who is marked under another name of the same person is under this."""
    await stores.known.account(event)
    await mark_as_seen(stores, event.data.account, by)
    await speaks_as(stores, event.data.account, by)
    await look_again(stores, event.data.account, by)


async def on_trail_queried(stores: Stores, event: Event[TrailQueried], _: Origin) -> None:
    """There is the account that asked."""
    await stores.known.asker(event)
