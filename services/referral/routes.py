"""HTTP in: referrals, agencies, agreements."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Request, Response
from pydantic import BaseModel

from services.referral.domain import (
    AgencyEntry,
    AgreementEntry,
    Code,
    ReceiveReferral,
    Referral,
    Status,
    amend_agency,
    amend_agreement,
    personal_fields,
    receive,
    record_agreement,
    register_agency,
)
from services.referral.store import Desk
from shared.clock import now
from shared.errors import AlreadyThere, BadRequest, Mismatch, NotFound, Refused
from shared.events.codes import Urgency
from shared.ids import derived_id
from shared.tokens import Caller, only

router = APIRouter()

EMERGENCY = "If someone is in immediate danger call 999 first; this referral does not replace that."


def desk(request: Request) -> Desk:
    """The stores, as `app.py` wired them."""
    found: Desk = request.app.state.referral
    return found


OnDesk = Annotated[Desk, Depends(desk)]
FromAgency = Annotated[Caller, only("agency")]
FromRegistrar = Annotated[Caller, only("operator", "hub_manager")]
ReferralId = Annotated[str, Path(pattern=r"^ref_[0-9a-f]{32}$")]
EntryId = Annotated[Code, Path()]


class ReferralView(BaseModel):
    """A referral as its referrer sees it: state and clocks, nothing about anyone else."""

    id: str
    status: Status
    urgency: Urgency
    received_at: datetime
    due_at: datetime
    warnings: tuple[str, ...]
    advice: str | None


def view(referral: Referral) -> ReferralView:
    return ReferralView(
        **referral.model_dump(include=set(ReferralView.model_fields)),
        advice=EMERGENCY if referral.urgency == "immediate" else None,
    )


def idempotency_key(
    idempotency_key: Annotated[
        str | None,
        Header(
            max_length=255,
            description="Any string of yours that is new for every new referral. The same key with "
            "the same body gives the same answer, so after a timeout just send it again.",
        ),
    ] = None,
) -> str:
    key = (idempotency_key or "").strip().strip('"')
    if not key:
        raise BadRequest("idempotency_key_missing", "Send an Idempotency-Key header.")
    return key


@router.post("/v1/referrals", status_code=201, tags=["referrals"])
async def post_referral(
    document: ReceiveReferral,
    caller: FromAgency,
    desk: OnDesk,
    key: Annotated[str, Depends(idempotency_key)],
    response: Response,
) -> ReferralView:
    """Refer a young person.

    After `201` the referral is stored durably and will be handled. Send the same request again,
    with the same `Idempotency-Key`, as often as you like: it stays one referral.
    """
    agency_id = caller.agency_id or ""
    referral_id = derived_id("ref", agency_id, key)
    request_hash = desk.vault.fingerprint("request", document.model_dump_json())
    referral = await _stored(desk, referral_id, request_hash)
    if referral is None:
        referral = await _receive(desk, document, caller, referral_id, request_hash)
    response.headers["Location"] = f"/v1/referrals/{referral.id}"
    response.headers["ETag"] = f'"v{referral.version}"'
    return view(referral)


async def _stored(desk: Desk, referral_id: str, request_hash: str) -> Referral | None:
    try:
        referral = await desk.referrals.get(referral_id)
    except NotFound:
        return None
    if referral.request_hash != request_hash:
        raise Mismatch(
            "idempotency_key_reused", "This Idempotency-Key was used for another body before."
        )
    return referral


async def _receive(
    desk: Desk, document: ReceiveReferral, caller: Caller, referral_id: str, request_hash: str
) -> Referral:
    agency_id = caller.agency_id or ""
    reference = desk.vault.fingerprint("reference", agency_id, document.agency_reference)
    referral, event = receive(
        document,
        referral_id=referral_id,
        agency_id=agency_id,
        subject_id=await desk.subjects.find_or_add(desk.subject_hashes(document.subject)),
        hashes=(reference, request_hash),
        personal=await desk.vault.seal(referral_id, personal_fields(document)),
        at=now(),
    )
    try:
        return await desk.referrals.add(referral, event, by=caller.origin())
    except AlreadyThere:
        # Either this very request ran twice at once, or the agency used its reference before.
        if (twin := await _stored(desk, referral_id, request_hash)) is not None:
            return twin
        (first,) = await desk.referrals.find(
            {"agency_id": agency_id, "reference_hash": reference}, limit=1
        )
        raise Refused(
            "agency_reference_used",
            "You have sent a referral with this agency_reference before.",
            referral=f"/v1/referrals/{first.id}",
        ) from None


@router.get("/v1/referrals/{referral_id}", tags=["referrals"])
async def get_referral(
    referral_id: ReferralId, caller: FromAgency, desk: OnDesk, response: Response
) -> ReferralView:
    """How your referral stands. Anyone else's is not there."""
    referral = await desk.referrals.get(referral_id)
    if referral.agency_id != caller.agency_id:
        raise NotFound
    response.headers["ETag"] = f'"v{referral.version}"'
    return view(referral)


@router.put("/v1/agencies/{agency_id}", tags=["agencies"])
async def put_agency(
    agency_id: EntryId, entry: AgencyEntry, caller: FromRegistrar, desk: OnDesk
) -> AgencyEntry:
    """Register an agency, or amend its entry. The same entry again changes nothing."""
    agency, event = register_agency(agency_id, entry)
    stored = await desk.agencies.add_or_change(
        agency, event, rule=lambda a: amend_agency(a, entry), by=caller.origin()
    )
    return AgencyEntry(**stored.model_dump(include=set(AgencyEntry.model_fields)))


@router.put("/v1/agreements/{agreement_id}", tags=["agreements"])
async def put_agreement(
    agreement_id: EntryId, entry: AgreementEntry, caller: FromRegistrar, desk: OnDesk
) -> AgreementEntry:
    """Record an information-sharing agreement, or amend it. The same again changes nothing."""
    agreement, event = record_agreement(agreement_id, entry)
    stored = await desk.agreements.add_or_change(
        agreement, event, rule=lambda a: amend_agreement(a, entry), by=caller.origin()
    )
    return AgreementEntry(**stored.model_dump(include=set(AgreementEntry.model_fields)))
