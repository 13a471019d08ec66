"""HTTP in: messages of the Booking and Referral Standard. Errors are OperationOutcomes there
(`shared.web.outcomes`)."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Response
from fastapi.responses import JSONResponse

from services.referral.acting import Asker
from services.referral.bars.capability import CAPABILITY
from services.referral.bars.command import take_message
from services.referral.bars.replies import reply_to, response_of
from services.referral.bars.request import MessageBundle
from services.referral.callers import ByViewer, OnStores, ReferralId
from shared.bars.codes import MEDIA_TYPE
from shared.web.access import may
from shared.web.problems import COMMON
from shared.web.tokens import AnyCaller

FHIR: dict[str, Any] = {MEDIA_TYPE: {"schema": {"type": "object"}}}
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"description": "An OperationOutcome.", "content": FHIR} for status in COMMON
}
router = APIRouter(tags=["BaRS"], responses=ERRORS)


class FhirAnswer(JSONResponse):
    """FHIR as JSON."""

    media_type = MEDIA_TYPE


@router.post("/v1/bars/$process-message", response_class=FhirAnswer, dependencies=[may("send")])
async def post_message(
    message: Annotated[MessageBundle, Body(media_type=MEDIA_TYPE)],
    caller: AnyCaller,
    viewer: ByViewer,
    stores: OnStores,
    response: Response,
) -> dict[str, Any]:
    """Refer, amend or withdraw by a message of the NHS Booking and Referral Standard.

    It goes the same way as `POST /v1/referrals`: after `200` it is stored durably. The same message
    again, with its `Bundle.id`, is one. The answer is a `servicerequest-response`, with an
    OperationOutcome of what was not taken as you sent it. Errors are OperationOutcomes.
    """
    asker = Asker(caller, viewer)
    sent = message.model_dump(by_alias=True, exclude_unset=True)
    done = await take_message(stores, asker, sent)
    response.headers["Location"] = f"/v1/referrals/{done.referral.id}"
    return reply_to(done)


@router.get("/v1/bars/metadata", response_class=FhirAnswer, dependencies=[may("send")])
async def get_capability(_: AnyCaller) -> dict[str, Any]:
    """What of the standard is taken here: a FHIR CapabilityStatement."""
    return CAPABILITY


@router.get(
    "/v1/bars/responses/{referral_id}", response_class=FhirAnswer, dependencies=[may("view")]
)
async def get_response_message(
    referral_id: ReferralId, caller: AnyCaller, viewer: ByViewer, stores: OnStores
) -> dict[str, Any]:
    """How a referral stands, as a `servicerequest-response` message: accepted, rejected and why, the
    young person not brought, closed. While nothing changes it is the same message, by its id. That
    you looked is recorded."""
    return await response_of(stores, Asker(caller, viewer), referral_id)
