"""HTTP in: posting referrals, one at a time or many."""

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, Field, ValidationError

from services.referral.areas.request import NearArea
from services.referral.callers import Key, OnStores
from services.referral.intake.command import intake
from services.referral.intake.preview import Preview, preview
from services.referral.intake.receipt import Receipt, as_received, as_sent
from services.referral.intake.request import ReceiveReferral
from services.referral.intake.reserving import key_of_line
from services.referral.reading.marks import Mark
from services.referral.records import shown_to_agencies
from services.referral.store import Stores
from shared.errors import BadRequest, Malformed, Mismatch, Outage, Refused
from shared.operating.telemetry import log
from shared.web.access import may
from shared.web.etags import tagged
from shared.web.faults import FieldFault, fault, twice
from shared.web.members import said_twice_in
from shared.web.problems import STORE_AWAY
from shared.web.tokens import AnyCaller, Caller

router = APIRouter(tags=["referrals"])


MAX_LINES = 1000


@router.post(
    "/v1/referrals",
    status_code=201,
    response_model=Receipt,
    responses={200: {"model": Preview, "description": "Asked with `validate_only`."}},
    dependencies=[may("send")],
)
async def post_referral(
    document: ReceiveReferral,
    caller: AnyCaller,
    stores: OnStores,
    key: Key,
    response: Response,
    validate_only: Annotated[
        bool, Query(description="Only say what would be answered, and store nothing.")
    ] = False,
) -> Receipt | JSONResponse:
    """Refer a young person.

    After `201` the referral is stored durably and will be handled. Send the same request again,
    with the same `Idempotency-Key`, as often as you like: it stays one referral, and the answer
    stays the same.

    With `validate_only=true` the answer is `200` with what would be marked and warned of, or the very
    refusal that the request would have. Nothing is stored or reserved then, and nobody is told.
    """
    if validate_only:
        found = await preview(stores, document, caller, key)
        return JSONResponse(found.model_dump(mode="json"))
    referral = await intake(stores, document, caller, key)
    response.headers["Location"] = f"/v1/referrals/{referral.id}"
    tagged(response, shown_to_agencies(as_sent(document, referral)))
    return as_received(document, referral)


class Line(BaseModel):
    """The result of one line of a batch, in the order sent: 201, or a problem of its own."""

    line: int
    status: int
    agency_reference: str | None = Field(
        default=None, description="As the line has it; null where it can't be read."
    )
    id: str | None = None
    code: str | None = None
    warnings: tuple[str, ...] = ()
    unknown_recipients: tuple[str, ...] = ()
    area_near: tuple[NearArea, ...] = ()
    marks: tuple[Mark, ...] = ()
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
    dependencies=[may("send")],
)
async def post_batch(request: Request, caller: AnyCaller, stores: OnStores) -> StreamingResponse:
    """Refer many: one JSON document per line (NDJSON), at most 1,000 lines and 1 MiB.

    Every line stands alone: a bad one never loses the others. Lines are told apart by their
    `agency_reference`, so sending a batch again, or part of it, doubles nothing. Once a referral has
    given its reference up (it went outside the network, or was erased), the line is a new one.
    """
    lines = (await request.body()).split(b"\n")
    filled = [(n, line) for n, line in enumerate(lines, start=1) if line.strip()]
    if len(filled) > MAX_LINES:
        raise BadRequest("too_many_lines", "Send at most 1,000 lines at a time.")

    async def results() -> AsyncIterator[str]:
        for number, line in filled:
            yield (await take_line(stores, caller, number, line)).model_dump_json() + "\n"

    return StreamingResponse(results(), media_type="application/x-ndjson")


async def take_line(stores: Stores, caller: Caller, number: int, raw: bytes) -> Line:
    """One line of a batch, taken or with what is wrong with it. Safe to repeat."""
    line = await _taken(stores, caller, number, raw)
    if line.agency_reference is not None or line.code == "member_twice":
        return line
    return line.model_copy(update={"agency_reference": reference_in(raw)})


def reference_in(raw: bytes) -> str | None:
    """The agency's own id in a line that was not taken, if it can be told."""
    try:
        sent = json.loads(raw)
        said = sent.get("agency_reference") if isinstance(sent, dict) else None
    except (ValueError, RecursionError):
        return None
    # Half of a pair of surrogates has no bytes: it would break the answer.
    return said[:100].encode(errors="replace").decode() if isinstance(said, str) else None


async def _taken(stores: Stores, caller: Caller, number: int, raw: bytes) -> Line:
    if (name := said_twice_in(raw)) is not None:
        return Line(line=number, status=400, code="member_twice", errors=[twice(name)])
    try:
        document = ReceiveReferral.model_validate(json.loads(raw))
        key = await key_of_line(stores, caller.agency_id or "", document.agency_reference)
        referral = await intake(stores, document, caller, key)
        taken = as_received(document, referral)
        told = taken.model_dump(
            include={"id", "warnings", "unknown_recipients", "area_near", "marks"}
        )
        reference = document.agency_reference
        return Line(line=number, status=201, agency_reference=reference, **told)
    except ValidationError as error:
        faults = [fault(e) for e in _errors(error)]
        return Line(line=number, status=422, code="malformed", errors=faults)
    except (ValueError, RecursionError):
        return Line(line=number, status=400, code="not_json")
    except Exception as error:  # whatever it is, it is this line's alone
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
    if isinstance(error, (Outage, *STORE_AWAY)):
        return Line(line=number, status=503, code="unavailable")
    log.error("batch.broken", error=type(error).__name__)
    return Line(line=number, status=500, code="internal_error")


def _errors(error: ValidationError) -> list[Any]:
    return error.errors(include_input=False, include_url=False, include_context=False)
