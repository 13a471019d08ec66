"""The entries: searched, one by its place, one by its event."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel

from services.audit.access import leaves_of, may_ask, scope_for
from services.audit.search.checked import SearchFields
from services.audit.search.complete import complete_for_entry
from services.audit.search.cursors import cursor_text, read_cursor
from services.audit.search.fields import fields_from
from services.audit.search.held import found_by, is_found
from services.audit.search.sentences import sentence
from services.audit.search.spans import Moment, span_of
from services.audit.trail_query import Code, Question, RecordedRoute, TrailQuery
from shared.errors import NotFound
from shared.rules.values import Number

NDJSON = "application/x-ndjson"

Seq = Annotated[Number, Path()]

router = APIRouter(tags=["trail"], route_class=RecordedRoute)


class EntryView(BaseModel):
    """One entry: its place, when it was recorded, what it says in plain words, its leaf hash (hex,
    RFC 6962). `raw` is the leaf's exact bytes as text; agencies get neither it nor `leaf`."""

    seq: int
    recorded_at: str
    type: str
    says: str
    leaf_hash: str
    leaf: dict[str, Any] | None = None
    raw: str | None = None


class OneEntry(EntryView):
    """One entry by itself; `size` of the trail are sealed, `complete_for` says in words whether it is."""

    size: int
    complete_for: str


class TrailPage(BaseModel):
    """Entries in order, all of the trail as sealed by the checkpoint of `size`; `complete_for` says in
    words what the pages of it together stand for. An entry of which only its search fields say that it
    matches is left out, and told in `search_fields`. Pass `next` as
    `cursor` for more of the same trail, whatever was appended meanwhile."""

    size: int
    complete_for: str
    search_fields: SearchFields
    checkpoint: str
    entries: list[EntryView]
    next: str | None


def view(document: Mapping[str, Any], *, leaves: bool, raw: bool = False) -> EntryView:
    """An entry as its caller may see it."""
    leaf = json.loads(document["leaf"])
    return EntryView(
        seq=document["seq"],
        recorded_at=leaf["recorded_at"],
        type=leaf["event"]["type"],
        says=sentence(leaf["event"], for_agency=not leaves),
        leaf_hash=bytes(document["leaf_hash"]).hex(),
        leaf=leaf if leaves else None,
        raw=bytes(document["leaf"]).decode() if leaves and raw else None,
    )


@router.get("/v1/trail", response_model=TrailPage, dependencies=[may_ask("search_trail")])
async def get_trail(
    request: Request,
    question: Question,
    referral_id: Code | None = None,
    subject_id: Code | None = None,
    agency: Code | None = None,
    recipient: Code | None = None,
    worker: Code | None = None,
    actor: Code | None = None,
    type: Code | None = None,
    ground: Code | None = None,
    outcome: Code | None = None,
    asked: Code | None = None,
    since: Annotated[Moment | None, Query(alias="from")] = None,
    until: Annotated[Moment | None, Query(alias="to")] = None,
    cursor: Annotated[str | None, Query(max_length=40)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:
    """What happened, in the order it was recorded: JSON, or a line each for `application/x-ndjson`,
    with `size`, `complete_for` and `next` in the headers `Trail-Size`, `Trail-Complete-For` and
    `Trail-Next`.

    `from` and `to` are moments, or days in London: `to` includes that day. An unknown `type`,
    `ground`, `outcome` or parameter is refused. `asked` finds the queries of the trail that named an
    id. Every call is itself an entry.
    """
    wanted = {"referral_id": referral_id, "subject_id": subject_id, "agency": agency}
    wanted |= {"recipient": recipient, "worker": worker, "actor": actor, "type": type}
    wanted |= {"ground": ground, "outcome": outcome, "asked": asked}
    named = {name: value for name, value in wanted.items() if value is not None}
    page = await _page(question, {**named, **span_of(since, until)}, cursor, limit)
    if NDJSON in request.headers.get("accept", ""):
        return _lines(page)
    return Response(page.model_dump_json(), media_type="application/json")


async def _page(
    question: TrailQuery, where: Mapping[str, Any], cursor: str | None, limit: int
) -> TrailPage:
    newest = await question.newest()
    size, start = read_cursor(cursor) if cursor else (newest.size, 0)
    sealed = newest if size == newest.size else await question.audit.trail.checkpoint(size)
    scope = await scope_for(question, where)
    if sealed is None:
        raise NotFound("checkpoint")
    found = await question.audit.trail.find(scope.where, start=start, size=size, limit=limit + 1)
    page = found[:limit]
    shown = [one for one in page if is_found(found_by(one), scope.where)]
    fields = question.audit.check.search_fields(len(page) - len(shown))
    entries = [view(document, leaves=scope.leaves) for document in shown]
    following = cursor_text(size, page[-1]["seq"] + 1) if len(found) > limit else None
    await question.answered(count=len(entries), size=size)
    return TrailPage(
        size=size,
        complete_for=await question.complete_for(size, where, fields),
        search_fields=fields,
        checkpoint=sealed.note,
        entries=entries,
        next=following,
    )


def _lines(page: TrailPage) -> Response:
    headers = {"Trail-Size": str(page.size), "Trail-Complete-For": page.complete_for}
    if page.next:
        headers["Trail-Next"] = page.next
    body = "".join(entry.model_dump_json() + "\n" for entry in page.entries)
    return Response(body, media_type=NDJSON, headers=headers)


@router.get("/v1/trail/events/{event_id}", dependencies=[may_ask("view_entry")])
async def get_event(question: Question, event_id: str) -> OneEntry:
    """The entry of one event: parsed, and the exact bytes of its leaf."""
    return await _one(question, await question.audit.trail.event(event_id))


@router.get("/v1/trail/{seq}", dependencies=[may_ask("view_entry")])
async def get_entry(question: Question, seq: Seq) -> OneEntry:
    """The entry at one place: parsed, and the exact bytes of its leaf."""
    return await _one(question, await question.audit.trail.entry(seq))


async def _one(question: TrailQuery, document: dict[str, Any] | None) -> OneEntry:
    fields = fields_from(document["leaf"]) if document else {}
    leaves = await leaves_of(question, fields)
    size = (await question.audit.trail.state())["size"]
    if document is None or document["seq"] >= size:
        raise NotFound("entry")
    sealed = (await question.newest()).size
    await question.answered(count=1, size=size)
    return OneEntry(
        **vars(view(document, leaves=leaves, raw=True)),
        size=sealed,
        complete_for=complete_for_entry(document["seq"], sealed),
    )
