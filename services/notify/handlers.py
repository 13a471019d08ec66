"""Messages in: what notify must know of the others' things, and whom it must tell."""

from typing import Any

from services.notify.domain.deciding import void_after
from services.notify.known import newest
from services.notify.reconsidering import leave
from services.notify.store import Desk
from services.notify.telling import tell_of
from shared.dispatch import Handlers
from shared.events import Event
from shared.events.allocation import HubRegistered, WorkerRegistered
from shared.events.referral import ReferralErased, ReferralStatusChanged, SubjectRelinked
from shared.origin import Origin

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

    async def on_overdue(event: Event[Any]) -> None:
        await seen(event)
        await tell_of(desk, event)

    async def on_erased(event: Event[ReferralErased]) -> None:
        referral_id = event.data.referral_id
        await newest(
            known.cases, referral_id, event.version, {"void": "erased"}, by="status_version"
        )
        await seen(event)
        await desk.look_again({"referral_id": referral_id}, desk.clock())

    return {
        "notify.referrals": {
            "referral.received": on_referral,
            "referral.amended": on_referral,
            "referral.status_changed": on_status_changed,
            "referral.overdue": on_overdue,
            "referral.erased": on_erased,
        },
    }


def _about_allocations(desk: Desk) -> Handlers:
    known = desk.known

    async def on_allocation(event: Event[Any]) -> None:
        fields = {
            name: value
            for name in ("hub_id", "worker_id")
            if (value := getattr(event.data, name, None)) is not None
        }
        await newest(
            known.cases, event.data.referral_id, event.version, fields, by="allocation_version"
        )
        await tell_of(desk, event)

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
        await on_sharing(event)
        by = Origin.of_event("notify", event)
        await leave(desk, event.data.referral_id, event.data.from_subject_id, by)

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
