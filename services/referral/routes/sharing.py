"""HTTP in: consent, lawful-basis decisions, safety marks; and what they add up to."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query

from services.referral.domain.disclosure import ViewerKind
from services.referral.domain.incoming import BasisEntry, Code, ConsentEntry, Incoming
from services.referral.domain.subjects import (
    end_basis,
    mark_safety,
    record_basis,
    record_consent,
    record_service_agreement,
)
from services.referral.routes.common import ByViewer, EntryId, Key, OnDesk, ReferralId, held
from shared.clock import now
from shared.ids import derived_id
from shared.sharing import CATEGORIES, Decision, Request, SharingState, decide
from shared.tokens import AnyCaller

router = APIRouter(tags=["sharing"])

INSIDE: tuple[ViewerKind, ...] = ("worker", "hub_manager")
ALL: tuple[ViewerKind, ...] = ("referrer", *INSIDE)


BasisId = Annotated[str, Path(pattern=r"^bas_[0-9a-f]{32}$")]


class SharingView(Incoming):
    """Everything on record about sharing this young person's information; coded only."""

    service_agreement: Literal["agreed", "declined", "not_asked"]
    sharing: SharingState


@router.get("/v1/referrals/{referral_id}/sharing")
async def get_sharing(
    referral_id: ReferralId, caller: AnyCaller, viewer: ByViewer, desk: OnDesk
) -> SharingView:
    """All consents, lawful-basis decisions and safety marks, for the worker and the Hub."""
    referral = await held(desk, caller, viewer, referral_id, "view_sharing", *INSIDE)
    subject = await desk.subjects.get(referral.subject_id)
    return SharingView(service_agreement=subject.service_agreement, sharing=subject.sharing)


@router.get("/v1/referrals/{referral_id}/sharing/decision")
async def get_decision(
    referral_id: ReferralId,
    caller: AnyCaller,
    viewer: ByViewer,
    desk: OnDesk,
    agency_id: Annotated[Code, Query()],
    purpose: Annotated[Code, Query()] = "safeguarding",
) -> Decision:
    """What an agency would be shown if it looked now, and why not the rest."""
    referral = await held(desk, caller, viewer, referral_id, "preview_sharing", *INSIDE)
    subject = await desk.subjects.get(referral.subject_id)
    agency = await desk.agencies.get(agency_id)
    request = Request(
        sharer=referral.hub_id,
        agency_id=agency_id,
        agency_kind=agency.kind,
        purpose=purpose,
        categories=CATEGORIES,
    )
    terms = await desk.terms_between(agency_id, referral.hub_id)
    return decide(request, subject.sharing, terms, now())


@router.post("/v1/referrals/{referral_id}/consents", status_code=201)
async def post_consent(
    referral_id: ReferralId,
    entry: ConsentEntry,
    caller: AnyCaller,
    viewer: ByViewer,
    desk: OnDesk,
    key: Key,
) -> SharingState:
    """Record what the young person or a parent said about sharing. A change of mind is a new
    record. Once this is answered, a refusal or withdrawal holds for every look that follows."""
    referral = await held(desk, caller, viewer, referral_id, "record_consent", *ALL)
    consent_id, at = derived_id("con", referral_id, caller.actor, key), now()
    subject = await desk.subjects.change(
        referral.subject_id,
        lambda s: record_consent(s, referral_id, consent_id, entry, at),
        by=caller.origin(referral_id),
    )
    return subject.sharing


@router.post("/v1/referrals/{referral_id}/bases", status_code=201)
async def post_basis(
    referral_id: ReferralId,
    entry: BasisEntry,
    caller: AnyCaller,
    viewer: ByViewer,
    desk: OnDesk,
    key: Key,
) -> SharingState:
    """Decide, as a named practitioner, to share without consent: on which basis, what is
    necessary, why, with whom, until when, and whether the young person was told."""
    referral = await held(desk, caller, viewer, referral_id, "record_basis", *INSIDE)
    basis_id, at = derived_id("bas", referral_id, caller.actor, key), now()
    reasons = {f"{basis_id}/reason": entry.reason, f"{basis_id}/necessity": entry.necessity}
    sealed = await desk.vault.seal(referral_id, reasons)
    subject = await desk.subjects.change(
        referral.subject_id,
        lambda s: record_basis(
            s, referral_id, basis_id, entry, by=caller.actor, sealed=sealed, at=at
        ),
        by=caller.origin(referral_id),
    )
    return subject.sharing


@router.post("/v1/referrals/{referral_id}/bases/{basis_id}/end")
async def post_basis_end(
    referral_id: ReferralId, basis_id: BasisId, caller: AnyCaller, viewer: ByViewer, desk: OnDesk
) -> SharingState:
    """End a lawful-basis decision now. It must be one about this referral's young person."""
    referral = await held(desk, caller, viewer, referral_id, "end_basis", *INSIDE)
    at = now()
    subject = await desk.subjects.change(
        referral.subject_id,
        lambda s: end_basis(s, referral_id, basis_id, at),
        by=caller.origin(referral_id),
    )
    return subject.sharing


class SafetyEntry(Incoming):
    """Whether an agency is unsafe for this young person. Why is for the record of the worker."""

    unsafe: bool


@router.put("/v1/referrals/{referral_id}/unsafe-agencies/{agency_id}")
async def put_safety(
    referral_id: ReferralId,
    agency_id: EntryId,
    entry: SafetyEntry,
    caller: AnyCaller,
    viewer: ByViewer,
    desk: OnDesk,
) -> SharingState:
    """Mark an agency where an alleged perpetrator, a household member or a close associate works:
    from the answer on, nothing about this young person is shown to it or sent to it."""
    referral = await held(desk, caller, viewer, referral_id, "mark_safety", *INSIDE)
    subject = await desk.subjects.change(
        referral.subject_id,
        lambda s: mark_safety(s, referral_id, agency_id, unsafe=entry.unsafe),
        by=caller.origin(referral_id),
    )
    return subject.sharing


class ServiceEntry(Incoming):
    """Agreement to the service: not consent to sharing."""

    agreed: Literal["agreed", "declined", "not_asked"]


@router.put("/v1/referrals/{referral_id}/service-agreement")
async def put_service_agreement(
    referral_id: ReferralId,
    entry: ServiceEntry,
    caller: AnyCaller,
    viewer: ByViewer,
    desk: OnDesk,
) -> ServiceEntry:
    """Whether the young person wants the service. Declining blocks no lawful-basis decision."""
    referral = await held(desk, caller, viewer, referral_id, "record_agreement", *ALL)
    subject = await desk.subjects.change(
        referral.subject_id,
        lambda s: record_service_agreement(s, referral_id, entry.agreed),
        by=caller.origin(referral_id),
    )
    return ServiceEntry(agreed=subject.service_agreement)
