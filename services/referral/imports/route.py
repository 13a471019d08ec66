"""HTTP in: many referrals from the file of a local authority."""

import json
from collections.abc import AsyncIterator, Iterator
from itertools import islice

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from services.referral.callers import OnStores
from services.referral.imports.census import Row, read_census
from services.referral.imports.report import Counting
from services.referral.imports.table import read_table
from services.referral.intake.lines import Answer, Line, answering, take_line
from services.referral.intake.route import MAX_LINES, OnlyLook
from services.referral.store import Stores
from shared.errors import BadRequest
from shared.web.access import may
from shared.web.tokens import AnyCaller, Caller

router = APIRouter(tags=["referrals"])

NDJSON = "application/x-ndjson"
FILES = {
    kind: {"schema": {"type": "string", "format": "binary"}}
    for kind in ("text/csv", "application/xml", "text/xml")
}


@router.post(
    "/v1/referrals/import",
    response_class=StreamingResponse,
    openapi_extra={"requestBody": {"required": True, "content": FILES}},
    responses={
        200: {
            "description": "One JSON line per referral of the file: `line`, `status`, and `id` or the "
            "fault, as of a batch. The last line has the `report`: what was understood, in numbers.",
            "content": {NDJSON: {"schema": {"type": "string"}}},
        }
    },
    dependencies=[may("send")],
)
async def post_referrals_import(
    request: Request, caller: AnyCaller, stores: OnStores, validate_only: OnlyLook = False
) -> StreamingResponse:
    """Refer many from a file: a table (CSV) or the children in need census (XML), at most 1,000
    referrals and 1 MiB; `python -m services.referral.imports` sends larger ones in parts.

    docs/import.md says how each is read. Every line stands alone, and nothing of it is lost: what no
    referral has is kept as sent, and marked. Sending the same file again doubles nothing.

    With `validate_only=true` each line is answered what it would be, `status` 200 and `would_be` in
    place of 201 and `id`, and the report is the one that sending has; nothing is stored.
    """
    rows = rows_of(await request.body())
    answer = answering(stores, caller, validate_only=validate_only)
    return StreamingResponse(_results(stores, caller, rows, answer), media_type=NDJSON)


def rows_of(body: bytes) -> list[Row]:
    """The rows of a file, which begins with `<` where it is XML. Raises `BadRequest` where they are
    more than are taken at a time."""
    is_xml = body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<" or body[:2] in UTF_16
    found: Iterator[Row] = read_census([body]) if is_xml else read_table(body)
    rows = list(islice(found, MAX_LINES + 1))
    if len(rows) > MAX_LINES:
        raise BadRequest("too_many_lines", "Send at most 1,000 lines at a time.")
    return rows


UTF_16 = (b"\xff\xfe", b"\xfe\xff")


async def _results(
    stores: Stores, caller: Caller, rows: list[Row], answer: Answer
) -> AsyncIterator[str]:
    counting = Counting()
    for row in rows:
        line = await _take(stores, caller, row, answer)
        counting.count(line.model_dump())
        yield line.model_dump_json() + "\n"
    yield json.dumps({"report": counting.report().model_dump()}) + "\n"


async def _take(stores: Stores, caller: Caller, row: Row, answer: Answer) -> Line:
    if row.document is None:
        return Line(line=row.line, status=422, code=row.fault)
    raw = json.dumps(row.document).encode()
    return await take_line(stores, caller, row.line, raw, answer)
