"""HTTP in: posting referrals, one at a time or many."""

import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ValidationError

from services.referral.domain.incoming import ReceiveReferral
from services.referral.domain.receiving import warnings
from services.referral.domain.referrals import Referral
from services.referral.intake import take_in
from services.referral.routes.common import FromAgency, Key, OnDesk
from services.referral.store import Desk
from shared.calendars import due_at
from shared.errors import BadRequest, Malformed, Mismatch, Outage, Refused
from shared.etags import tagged
from shared.events.codes import ReferralStatus, Urgency
from shared.problems import STORE_AWAY, FieldFault, fault
from shared.tokens import Caller

router = APIRouter(tags=["referrals"])

EMERGENCY = "If someone is in immediate danger call 999 first; this referral does not replace that."
MAX_LINES = 1000


class Receipt(BaseModel):
    """What a referrer gets back: the id to ask with, and by when it will be answered."""

    id: str
    status: ReferralStatus
    urgency: Urgency
    received_at: datetime
    due_at: datetime
    warnings: tuple[str, ...]
    advice: str | None


def receipt(referral: Referral) -> Receipt:
    return Receipt(
        **referral.model_dump(include=set(Receipt.model_fields)),
        advice=EMERGENCY if referral.urgency == "immediate" else None,
    )


def as_received(document: ReceiveReferral, referral: Referral) -> Receipt:
    """The receipt as it was when the referral came: a repeat tells its sender nothing new, for they
    may be somebody who must not hear of it any more. How it stands now is for `GET` to say."""
    found = warnings(document.subject, document.indicators, document.discussion)
    return Receipt(
        id=referral.id,
        status="received",
        urgency=document.urgency,
        received_at=referral.received_at,
        due_at=due_at(document.urgency, referral.received_at, document.nation),
        warnings=found,
        advice=EMERGENCY if document.urgency == "immediate" else None,
    )


@router.post("/v1/referrals", status_code=201)
async def post_referral(
    document: ReceiveReferral, caller: FromAgency, desk: OnDesk, key: Key, response: Response
) -> Receipt:
    """Refer a young person.

    After `201` the referral is stored durably and will be handled. Send the same request again,
    with the same `Idempotency-Key`, as often as you like: it stays one referral, and the answer
    stays the same.
    """
    referral = await take_in(desk, document, caller, key)
    response.headers["Location"] = f"/v1/referrals/{referral.id}"
    tagged(response, 1)
    return as_received(document, referral)


class Line(BaseModel):
    """The result of one line of a batch, in the order sent: 201, or a problem of its own."""

    line: int
    status: int
    id: str | None = None
    code: str | None = None
    warnings: tuple[str, ...] = ()
    errors: list[FieldFault] | None = None


@router.post(
    "/v1/referrals/batch",
    response_class=StreamingResponse,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/x-ndjson": {"schema": {"type": "string"}}},
        }
    },
    responses={
        200: {
            "description": "One JSON line per line sent: `line`, `status`, and `id` or the fault.",
            "content": {"application/x-ndjson": {"schema": {"type": "string"}}},
        }
    },
)
async def post_batch(request: Request, caller: FromAgency, desk: OnDesk) -> StreamingResponse:
    """Refer many: one JSON document per line (NDJSON), at most 1,000 lines and 1 MiB.

    Every line stands alone: a bad one never loses the others. Lines are told apart by their
    `agency_reference`, so sending a batch again, or part of it, doubles nothing.
    """
    lines = (await request.body()).split(b"\n")
    filled = [(n, line) for n, line in enumerate(lines, start=1) if line.strip()]
    if len(filled) > MAX_LINES:
        raise BadRequest("too_many_lines", "Send at most 1,000 lines at a time.")

    async def results() -> AsyncIterator[str]:
        for number, line in filled:
            yield (await _one(desk, caller, number, line)).model_dump_json() + "\n"

    return StreamingResponse(results(), media_type="application/x-ndjson")


async def _one(desk: Desk, caller: Caller, number: int, raw: bytes) -> Line:
    try:
        document = ReceiveReferral.model_validate(json.loads(raw))
        key = f"batch/{document.agency_reference}"
        referral = await take_in(desk, document, caller, key)
        found = as_received(document, referral).warnings
        return Line(line=number, status=201, id=referral.id, warnings=found)
    except ValidationError as error:
        faults = [fault(e) for e in _errors(error)]
        return Line(line=number, status=422, code="malformed", errors=faults)
    except (ValueError, RecursionError):
        return Line(line=number, status=400, code="not_json")
    except (Malformed, Mismatch, Refused, Outage, *STORE_AWAY) as error:
        return _not_taken(number, error)


def _not_taken(number: int, error: Exception) -> Line:
    if isinstance(error, Malformed):
        found = FieldFault(pointer=error.pointer, code=error.code, message=error.message)
        return Line(line=number, status=422, code="malformed", errors=[found])
    if isinstance(error, Mismatch):
        return Line(line=number, status=422, code=error.code)
    if isinstance(error, Refused):
        first = error.extra.get("referral", "").rpartition("/")[2] or None
        return Line(line=number, status=409, code=error.code, id=first)
    return Line(line=number, status=503, code="unavailable")


def _errors(error: ValidationError) -> list[Any]:
    return error.errors(include_input=False, include_url=False, include_context=False)
