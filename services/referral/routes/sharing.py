"""HTTP in: consent, lawful-basis decisions, safety marks; and what they add up to."""

import contextlib
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query

from services.referral.domain.disclosure import Viewer, ViewerKind
from services.referral.domain.incoming import BasisEntry, Code, ConsentEntry, Incoming
from services.referral.domain.subjects import (
    Mark,
    Subject,
    end_basis,
    mark_safety,
    record_basis,
    record_consent,
    record_service_agreement,
)
from services.referral.routes.common import ByViewer, EntryId, Key, OnDesk, ReferralId, held
from services.referral.store import Desk
from services.referral.vault import Erased
from shared.clock import now
from shared.events.codes import SafetyRelation
from shared.ids import derived_id
from shared.sharing import CATEGORIES, Decision, Request, SharingState, decide
from shared.tokens import AnyCaller, Caller

router = APIRouter(tags=["sharing"])

INSIDE: tuple[ViewerKind, ...] = ("worker", "hub_manager")
ALL: tuple[ViewerKind, ...] = ("referrer", *INSIDE)


BasisId = Annotated[str, Path(pattern=r"^bas_[0-9a-f]{32}$")]


class SharingView(Incoming):
    """Everything on record about sharing this young person's information, reasons included."""

    service_agreement: Literal["agreed", "declined", "not_asked"]
    sharing: SharingState
    unsafe_persons: tuple[str, ...]
    reasons: dict[str, str]


@router.get("/v1/referrals/{referral_id}/sharing")
async def get_sharing(
    referral_id: ReferralId, caller: AnyCaller, viewer: ByViewer, desk: OnDesk
) -> SharingView:
    """All consents, lawful-basis decisions and safety marks, for the worker and the Hub."""
    referral = await held(desk, caller, viewer, referral_id, "view_sharing", *INSIDE)
    subject = await desk.subjects.get(referral.subject_id)
    return SharingView(
        service_agreement=subject.service_agreement,
        sharing=subject.sharing,
        unsafe_persons=subject.unsafe_persons,
        reasons=await _reasons(desk, subject),
    )


async def _reasons(desk: Desk, subject: Subject) -> dict[str, str]:
    """`<referral id>/<basis id>/reason` and `…/necessity`, opened; without those whose referral
    was erased."""
    opened: dict[str, str] = {}
    for name, sealed in subject.sealed_reasons.items():
        with contextlib.suppress(Erased):
            opened |= await desk.vault.open(name.partition("/")[0], {name: sealed})
    return opened


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
    reasons = {
        f"{referral_id}/{basis_id}/reason": entry.reason,
        f"{referral_id}/{basis_id}/necessity": entry.necessity,
    }
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
    """Whether they are unsafe for this young person, and what they are to them."""

    unsafe: bool
    relation: SafetyRelation


@router.put("/v1/referrals/{referral_id}/unsafe-agencies/{agency_id}")
async def put_unsafe_agency(
    referral_id: ReferralId,
    agency_id: EntryId,
    entry: SafetyEntry,
    caller: AnyCaller,
    viewer: ByViewer,
    desk: OnDesk,
) -> SharingState:
    """Mark an agency where an alleged perpetrator, a household member or a close associate works:
    from the answer on, nothing about this young person is shown to it or sent to it."""
    mark = Mark("agency", agency_id, entry.relation, entry.unsafe)
    return await _mark(desk, caller, viewer, referral_id, mark)


@router.put("/v1/referrals/{referral_id}/unsafe-{kind}s/{person_id}")
async def put_unsafe_person(
    referral_id: ReferralId,
    kind: Literal["worker", "hub_manager"],
    person_id: EntryId,
    entry: SafetyEntry,
    caller: AnyCaller,
    viewer: ByViewer,
    desk: OnDesk,
) -> SharingState:
    """Mark one worker or manager who is close to the young person or to who harms them: from the
    answer on, the referral is not there for this person."""
    return await _mark(
        desk, caller, viewer, referral_id, Mark(kind, person_id, entry.relation, entry.unsafe)
    )


async def _mark(
    desk: Desk, caller: Caller, viewer: Viewer, referral_id: str, mark: Mark
) -> SharingState:
    referral = await held(desk, caller, viewer, referral_id, "mark_safety", *INSIDE)
    by = caller.origin(referral_id)
    subject = await desk.subjects.change(
        referral.subject_id, lambda s: mark_safety(s, referral_id, mark), by=by
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
