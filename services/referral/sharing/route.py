"""HTTP in: consent, lawful-basis decisions, safety marks; and what they add up to."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query

from services.referral.access import Viewer
from services.referral.acting import Asker, held
from services.referral.callers import ByViewer, EntryId, Key, OnStores, ReferralId
from services.referral.documents import Code, ConsentEntry, Incoming, Purpose
from services.referral.sharing.command import confirm, decide_basis, mark, preview, record
from services.referral.sharing.looking import looked_at_sharing, reasons
from services.referral.sharing.marking import Mark
from services.referral.sharing.request import (
    AccountEntry,
    BasisEntry,
    ConfirmationEntry,
    RecordedConsent,
    SafetyEntry,
    ServiceEntry,
)
from services.referral.sharing.rule import end_basis, record_service_agreement
from services.referral.store import Stores
from shared.clock import now
from shared.rules.sharing import Decision, SharingState
from shared.web.access import may
from shared.web.accounts import Accounts
from shared.web.tokens import AnyCaller, Caller, accounts

router = APIRouter(tags=["sharing"])


ConsentId = Annotated[str, Path(pattern=r"^con_[0-9a-f]{32}$")]


BasisId = Annotated[str, Path(pattern=r"^bas_[0-9a-f]{32}$")]


class SharingView(Incoming):
    """Everything on record about sharing this young person's information, reasons included."""

    service_agreement: Literal["agreed", "declined", "not_asked"]
    sharing: SharingState
    unsafe_persons: tuple[str, ...]
    reasons: dict[str, str]


@router.get("/v1/referrals/{referral_id}/sharing", dependencies=[may("view_sharing")])
async def get_sharing(
    referral_id: ReferralId, caller: AnyCaller, viewer: ByViewer, stores: OnStores
) -> SharingView:
    """All consents, lawful-basis decisions and safety marks, for the worker and the Hub."""
    referral = await held(stores, caller, viewer, referral_id, "view_sharing")
    subject = await stores.subjects.get(referral.subject_id)
    await looked_at_sharing(stores, Asker(caller, viewer), referral)
    return SharingView(
        service_agreement=subject.service_agreement,
        sharing=subject.sharing,
        unsafe_persons=subject.unsafe_persons,
        reasons=await reasons(stores, viewer, referral, subject),
    )


@router.get("/v1/referrals/{referral_id}/sharing/decision", dependencies=[may("preview_sharing")])
async def get_decision(
    referral_id: ReferralId,
    caller: AnyCaller,
    viewer: ByViewer,
    stores: OnStores,
    agency_id: Annotated[Code, Query()],
    purpose: Annotated[Purpose, Query()] = "safeguarding",
) -> Decision:
    """What an agency would be shown if it looked now, and why not the rest."""
    referral = await held(stores, caller, viewer, referral_id, "preview_sharing")
    await looked_at_sharing(stores, Asker(caller, viewer), referral)
    return await preview(stores, referral, agency_id, purpose)


@router.post(
    "/v1/referrals/{referral_id}/consents", status_code=201, dependencies=[may("record_consent")]
)
async def post_consent(
    referral_id: ReferralId,
    entry: ConsentEntry,
    caller: AnyCaller,
    viewer: ByViewer,
    stores: OnStores,
    key: Key,
) -> RecordedConsent:
    """Record what the young person or a parent said about sharing. A change of mind is a new
    record. Once this is answered, a refusal or withdrawal holds for every look that follows."""
    referral = await held(stores, caller, viewer, referral_id, "record_consent")
    return await record(stores, referral, entry, Asker(caller, viewer), key)


@router.post(
    "/v1/referrals/{referral_id}/consents/{consent_id}/confirmation",
    dependencies=[may("review_consent")],
)
async def post_consent_confirmation(
    referral_id: ReferralId,
    consent_id: ConsentId,
    entry: ConfirmationEntry,
    caller: AnyCaller,
    viewer: ByViewer,
    stores: OnStores,
) -> SharingState:
    """Confirm that a yes which an agency recorded was said, or reject it, with the reason. Until
    then it opens nothing to that agency, and ends no refusal. Twice is once."""
    referral = await held(stores, caller, viewer, referral_id, "review_consent")
    return (await confirm(stores, referral, consent_id, entry, Asker(caller, viewer))).sharing


@router.post(
    "/v1/referrals/{referral_id}/bases", status_code=201, dependencies=[may("record_basis")]
)
async def post_basis(
    referral_id: ReferralId,
    entry: BasisEntry,
    caller: AnyCaller,
    viewer: ByViewer,
    stores: OnStores,
    key: Key,
) -> SharingState:
    """Decide, as a named practitioner, to share without consent: on which basis, what is
    necessary, why, with whom, until when, and whether the young person was told."""
    referral = await held(stores, caller, viewer, referral_id, "record_basis")
    return (await decide_basis(stores, referral, entry, Asker(caller, viewer), key)).sharing


@router.post("/v1/referrals/{referral_id}/bases/{basis_id}/end", dependencies=[may("end_basis")])
async def post_basis_end(
    referral_id: ReferralId,
    basis_id: BasisId,
    caller: AnyCaller,
    viewer: ByViewer,
    stores: OnStores,
) -> SharingState:
    """End a lawful-basis decision now. It must be one about this referral's young person."""
    referral = await held(stores, caller, viewer, referral_id, "end_basis")
    at = now()
    subject = await stores.subjects.change(
        referral.subject_id,
        lambda s: end_basis(s, referral_id, basis_id, at),
        by=caller.origin(referral_id),
    )
    return subject.sharing


@router.put(
    "/v1/referrals/{referral_id}/unsafe-agencies/{agency_id}", dependencies=[may("mark_safety")]
)
async def put_unsafe_agency(
    referral_id: ReferralId,
    agency_id: EntryId,
    entry: SafetyEntry,
    caller: AnyCaller,
    viewer: ByViewer,
    stores: OnStores,
) -> SharingState:
    """Mark an agency where an alleged perpetrator, a household member or a close associate works:
    from the answer on, nothing about this young person is shown to it or sent to it."""
    marked = Mark("agency", agency_id, entry.relation, entry.unsafe)
    return await _mark(stores, caller, viewer, referral_id, marked)


@router.put(
    "/v1/referrals/{referral_id}/unsafe-workers/{worker_id}", dependencies=[may("mark_safety")]
)
async def put_unsafe_worker(
    referral_id: ReferralId,
    worker_id: EntryId,
    entry: SafetyEntry,
    caller: AnyCaller,
    viewer: ByViewer,
    stores: OnStores,
) -> SharingState:
    """Mark a worker who is close to the young person or to who harms them: from the answer on, the
    referral is not there for them. A case that they have is taken away and placed anew."""
    marked = Mark("worker", worker_id, entry.relation, entry.unsafe)
    return await _mark(stores, caller, viewer, referral_id, marked)


@router.put("/v1/referrals/{referral_id}/unsafe-accounts", dependencies=[may("mark_safety")])
async def put_unsafe_account(
    referral_id: ReferralId,
    entry: AccountEntry,
    caller: AnyCaller,
    viewer: ByViewer,
    stores: OnStores,
    accounts: Annotated[Accounts, Depends(accounts)],
) -> SharingState:
    """Mark one account, whatever its role: a Hub manager, one of many people at an agency, an
    auditor. From the answer on, the referral is not there for it."""
    marked = Mark("account", accounts.of(entry.sub), entry.relation, entry.unsafe)
    return await _mark(stores, caller, viewer, referral_id, marked)


async def _mark(
    stores: Stores, caller: Caller, viewer: Viewer, referral_id: str, marked: Mark
) -> SharingState:
    referral = await held(stores, caller, viewer, referral_id, "mark_safety")
    return (await mark(stores, referral, marked, caller.origin(referral_id))).sharing


@router.put("/v1/referrals/{referral_id}/service-agreement", dependencies=[may("record_agreement")])
async def put_service_agreement(
    referral_id: ReferralId,
    entry: ServiceEntry,
    caller: AnyCaller,
    viewer: ByViewer,
    stores: OnStores,
) -> ServiceEntry:
    """Whether the young person wants the service. Declining blocks no lawful-basis decision. The
    answer is what was said through this referral: what others recorded is for the Hub."""
    referral = await held(stores, caller, viewer, referral_id, "record_agreement")
    at = now()
    subject = await stores.subjects.change(
        referral.subject_id,
        lambda s: record_service_agreement(s, referral_id, entry.agreed, at),
        by=caller.origin(referral_id),
    )
    return ServiceEntry(agreed=subject.said_through(referral_id))
