"""HTTP in: posting referrals, one at a time or many."""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from services.referral.callers import Key, OnStores
from services.referral.intake.command import intake
from services.referral.intake.lines import Answer, answering, take_line
from services.referral.intake.preview import Preview, preview
from services.referral.intake.receipt import Receipt, as_received, as_sent
from services.referral.intake.request import ReceiveReferral
from services.referral.records import shown_to_agencies
from services.referral.store import Stores
from shared.errors import BadRequest
from shared.web.access import may
from shared.web.etags import tagged
from shared.web.tokens import AnyCaller, Caller

router = APIRouter(tags=["referrals"])


MAX_LINES = 1000
OnlyLook = Annotated[bool, Query(description="Only say what would be answered, and store nothing.")]


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
    validate_only: OnlyLook = False,
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
            "description": "One JSON line per line sent: `line`, `status`, and `id` or the fault; with "
            "`validate_only` what it would be.",
            "content": {"application/x-ndjson": {"schema": {"type": "string"}}},
        }
    },
    dependencies=[may("send")],
)
async def post_batch(
    request: Request, caller: AnyCaller, stores: OnStores, validate_only: OnlyLook = False
) -> StreamingResponse:
    """Refer many: one JSON document per line (NDJSON), at most 1,000 lines and 1 MiB.

    Every line stands alone: a bad one never loses the others. Lines are told apart by their
    `agency_reference`, so sending a batch again, or part of it, doubles nothing. Once a referral has
    given its reference up (it went outside the network, or was erased), the line is a new one.

    With `validate_only=true` each line is answered what it would be, `status` 200 and `would_be` in
    place of 201 and `id`; nothing is stored, and nobody is told.
    """
    filled = filled_lines(await request.body())
    answer = answering(stores, caller, validate_only=validate_only)
    results = answers(stores, caller, filled, answer)
    return StreamingResponse(results, media_type="application/x-ndjson")


def filled_lines(body: bytes) -> list[tuple[int, bytes]]:
    """The lines with something in them, by their number. Raises `BadRequest` where they are too many."""
    lines = enumerate(body.split(b"\n"), start=1)
    filled = [(number, line) for number, line in lines if line.strip()]
    if len(filled) > MAX_LINES:
        raise BadRequest("too_many_lines", "Send at most 1,000 lines at a time.")
    return filled


async def answers(
    stores: Stores, caller: Caller, filled: Sequence[tuple[int, bytes]], answer: Answer
) -> AsyncIterator[str]:
    """Each line's answer as JSON, one after the other."""
    for number, line in filled:
        yield (await take_line(stores, caller, number, line, answer)).model_dump_json() + "\n"
