"""Messages in: what notify must know of the others' things, and whom it must tell."""

from typing import Any

from services.notify.domain.deciding import void_after
from services.notify.known import newest
from services.notify.store import Desk
from services.notify.telling import tell_of
from shared.dispatch import Handlers
from shared.events import Event
from shared.events.referral import (
    ReferralAmended,
    ReferralErased,
    ReferralStatusChanged,
    SubjectRelinked,
)
from shared.events.risk import RiskEscalated
from shared.events.workers import HubRegistered, WorkerRegistered

CASE = {"subject_id", "subject_version", "agency_id", "area", "urgency", "due_at"}


def handlers(desk: Desk) -> Handlers:
    """Queue → event type → handler. A projection is durable before anything is decided on it."""
    return {**_about_referrals(desk), **_about_allocations(desk), **_about_sharing(desk)}


def _about_referrals(desk: Desk) -> Handlers:
    known = desk.known

    async def seen(event: Event[Any]) -> None:
        await known.cases.update_one(
            {"_id": event.data.referral_id}, {"$max": {"seen": event.version}}, upsert=True
        )

    async def on_referral(event: Event[Any]) -> None:
        fields = event.data.model_dump(include=CASE)
        await newest(known.cases, event.data.referral_id, event.version, fields)
        await seen(event)
        if isinstance(event.data, ReferralAmended) and "subject_id" in event.data.amended:
            await desk.look_again({"referral_id": event.data.referral_id}, desk.clock())
        await tell_of(desk, event)

    async def on_status_changed(event: Event[ReferralStatusChanged]) -> None:
        data = event.data
        void = void_after(data.status, data.reason)
        await newest(
            known.cases, data.referral_id, event.version, {"void": void}, by="status_version"
        )
        await seen(event)
        if void:
            await desk.look_again({"referral_id": data.referral_id}, desk.clock())
        await tell_of(desk, event)

    async def on_seen(event: Event[Any]) -> None:
        await seen(event)
        await tell_of(desk, event)

    async def on_erased(event: Event[ReferralErased]) -> None:
        referral_id = event.data.referral_id
        # For good, so no version counts: what is known of it later makes it whole no more.
        erased = {"$set": {"erased": True}}
        await known.cases.update_one({"_id": referral_id}, erased, upsert=True)
        await seen(event)
        await desk.look_again({"referral_id": referral_id}, desk.clock())

    return {
        "notify.referrals": {
            "referral.received": on_referral,
            "referral.amended": on_referral,
            "referral.status_changed": on_status_changed,
            "referral.overdue": on_seen,
            "referral.erased": on_erased,
            "referral.match_suspected": on_seen,
        },
    }


def _about_allocations(desk: Desk) -> Handlers:
    known = desk.known

    async def on_allocation(event: Event[Any]) -> None:
        data = event.data
        fields = {"worker_id": getattr(data, "worker_id", None)}
        if data.hub_id is not None:
            fields["hub_id"] = data.hub_id
        await newest(known.cases, data.referral_id, event.version, fields, by="allocation_version")
        await tell_of(desk, event)

    async def on_risk_escalated(event: Event[RiskEscalated]) -> None:
        await tell_of(desk, event)
        # A concern of one agency may raise the level of what a worker has had for long.
        for case in await known.held_by_workers(event.data.subject_id):
            await tell_of(desk, event, case.id)

    async def on_hub(event: Event[HubRegistered]) -> None:
        fields = {"areas": event.data.areas}
        await newest(known.hubs, event.data.hub_id, event.version, fields)

    async def on_worker(event: Event[WorkerRegistered]) -> None:
        fields = {"hub_id": event.data.hub_id, "active": event.data.active}
        await newest(known.workers, event.data.worker_id, event.version, fields)

    return {
        "notify.allocations": {
            "allocation.made": on_allocation,
            "allocation.waiting": on_allocation,
            "allocation.accepted": on_allocation,
            "allocation.declined": on_allocation,
            "allocation.lapsed": on_allocation,
            "allocation.handed_over": on_allocation,
            "allocation.escalated": on_allocation,
            "allocation.closed": on_allocation,
            "risk.escalated": on_risk_escalated,
            "hub.registered": on_hub,
            "worker.registered": on_worker,
        },
    }


def _about_sharing(desk: Desk) -> Handlers:
    known = desk.known

    async def on_sharing(event: Event[Any]) -> None:
        subject_id = event.data.subject_id
        fields = {"sharing": event.data.sharing.model_dump()}
        await newest(known.subjects, subject_id, event.version, fields)
        # Only after that: whoever sends from now on reads it, and whoever has sent is looked at.
        await desk.look_again({"subject_id": subject_id}, desk.clock())

    async def on_relinked(event: Event[SubjectRelinked]) -> None:
        data = event.data
        # Both young people say so, each with a version of its own: the time puts them in order.
        moved = {f"left.{data.from_subject_id}": event.time}
        moved[f"joined.{data.to_subject_id}"] = event.time
        await known.cases.update_one({"_id": data.referral_id}, {"$max": moved}, upsert=True)
        await on_sharing(event)
        await desk.look_again({"referral_id": data.referral_id}, desk.clock())

    async def on_agreement(event: Event[Any]) -> None:
        terms = event.data.terms
        fields = {"terms": terms.model_dump()}
        await newest(known.agreements, event.data.agreement_id, event.version, fields)
        await desk.look_again(
            {"recipient_id": {"$in": list(terms.parties)}, "ground": "sharing"}, desk.clock()
        )

    async def on_agency(event: Event[Any]) -> None:
        agency_id = event.data.agency_id
        fields = event.data.model_dump(include={"kind", "areas", "active"})
        await newest(known.agencies, agency_id, event.version, fields)
        await desk.look_again({"recipient_id": agency_id, "ground": "sharing"}, desk.clock())

    return {
        # A queue of its own, so that a withdrawal never waits behind a backlog.
        "notify.consent": {
            "subject.linked": on_sharing,
            "subject.relinked": on_relinked,
            "subject.match_decided": on_sharing,
            "subject.turning_18": on_sharing,
            "consent.recorded": on_sharing,
            "consent.service_recorded": on_sharing,
            "sharing.basis_recorded": on_sharing,
            "sharing.basis_ended": on_sharing,
            "sharing.safety_marked": on_sharing,
        },
        "notify.agreements": {
            "agreement.proposed": on_agreement,
            "agreement.amended": on_agreement,
            "agreement.signed": on_agreement,
            "agreement.reviewed": on_agreement,
            "agreement.ended": on_agreement,
            "agreement.expiring": on_agreement,
            "agreement.lapsed": on_agreement,
            "agency.registered": on_agency,
            "agency.amended": on_agency,
        },
    }
