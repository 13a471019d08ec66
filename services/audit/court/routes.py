"""A report for a court or an access request: what the trail holds about one young person."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from services.audit.access import hidden_from_asker, may_ask
from services.audit.court.gathering import gather, lines_of
from services.audit.court.page import POLICY
from services.audit.court.writing import MEDIA, Format, format_of, written
from services.audit.log.leaf import instant
from services.audit.log.store import Signed
from services.audit.queries import NOT_STATED
from services.audit.reports.subjects import referrals_of
from services.audit.search.spans import Moment, span_of
from services.audit.trail_query import Question, RecordedRoute, TrailQuery
from shared.clock import now
from shared.errors import Refused
from shared.web.tokens import OneOfFew

router = APIRouter(tags=["trail"], route_class=RecordedRoute)


@router.get(
    "/v1/subjects/{subject_id}/report",
    response_class=StreamingResponse,
    responses={200: {"content": {media: {} for media in MEDIA.values()}}},
    dependencies=[may_ask("report_on_all")],
)
async def get_subject_report(
    request: Request,
    question: Question,
    subject_id: str,
    _: OneOfFew,
    since: Annotated[Moment | None, Query(alias="from")] = None,
    until: Annotated[Moment | None, Query(alias="to")] = None,
    format: Format | None = None,
) -> StreamingResponse:
    """A page (HTML) or a table (CSV), by `format` or `Accept`: one line for each thing that was shared,
    withheld, looked at, refused or asked, with its entry, its proof, the signed checkpoint and how to
    check all of it offline (`verify report`). Signed by the trail. `from` and `to` are moments, or
    days in London. At most 10,000 lines (`409 too_many_lines`)."""
    form = format_of(format, request.headers.get("accept", ""))
    return await _report(question, subject_id, span_of(since, until), form)


async def _report(
    question: TrailQuery, subject_id: str, span: dict[str, str], form: Format
) -> StreamingResponse:
    parts, sealed = question.audit, await question.newest()
    keys = await parts.ring.signers_at(sealed.size)
    if not keys:
        raise Refused("trail_empty", "Nothing has been sealed yet.")
    about = await _about(question, subject_id, span, sealed)
    places = about.pop("places")
    await question.answered(count=len(places), size=sealed.size)
    lines = lines_of(parts.trail, places, sealed)
    file = written(form, about, sealed.note, lines, parts.ring.origin, keys)
    name = f"report-{about['subject_id']}.{form}"
    headers = {
        "Content-Security-Policy": f"{POLICY}; frame-ancestors 'none'; sandbox",
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    return StreamingResponse(file, media_type=MEDIA[form], headers=headers)


async def _about(
    question: TrailQuery, subject_id: str, span: dict[str, str], sealed: Signed
) -> dict[str, Any]:
    """What the report says of itself, and the places of its lines. No word of the caller is in it."""
    trail, size = question.audit.trail, sealed.size
    hidden = await hidden_from_asker(question)
    known = f"subject_id:{subject_id}" not in hidden
    referrals = await referrals_of(trail, subject_id, size) if known else []
    found = await gather(trail, subject_id, referrals, span, size, hidden)
    fields = question.audit.check.search_fields(found.left_out)
    return {
        "form": 1,
        "subject_id": question.asked["subject_id"],
        "referral_ids": referrals,
        "from": span.get("from"),
        "to": span.get("to"),
        "size": size,
        "lines": len(found.places),
        "complete_for": await question.complete_for(size, span, fields),
        "made_at": instant(now()),
        "asked_by": question.caller.actor,
        "purpose": question.purpose or NOT_STATED,
        "places": found.places,
    }
