"""The entries: searched, one by its place, one by its event."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from services.audit.domain.cursors import cursor_text, read_cursor
from services.audit.domain.fields import fields_from
from services.audit.domain.leaf import instant
from services.audit.domain.sentences import sentence
from services.audit.routes.asking import Code, Question
from shared.errors import NotFound

NDJSON = "application/x-ndjson"

router = APIRouter(tags=["trail"])


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


class TrailPage(BaseModel):
    """Entries in order, all of the trail as sealed by the checkpoint of `size`. Pass `next` as
    `cursor` for more of the same trail, whatever was appended meanwhile."""

    size: int
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


@router.get("/v1/trail", response_model=TrailPage)
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
    since: Annotated[datetime | None, Query(alias="from")] = None,
    until: Annotated[datetime | None, Query(alias="to")] = None,
    cursor: Annotated[str | None, Query(max_length=40)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:
    """What happened, in the order it was recorded: JSON, or a line each for `application/x-ndjson`.

    `asked` finds the queries of the trail that named an id. Every call is itself an entry.
    """
    wanted = {"referral_id": referral_id, "subject_id": subject_id, "agency": agency}
    wanted |= {"recipient": recipient, "worker": worker, "actor": actor, "type": type}
    wanted |= {"ground": ground, "outcome": outcome, "asked": asked}
    named = {name: value for name, value in wanted.items() if value is not None}
    times = {"from": since, "to": until}
    told = {**named, **{name: instant(at) for name, at in times.items() if at is not None}}

    newest = await question.newest()
    size, start = read_cursor(cursor) if cursor else (newest.size, 0)
    sealed = newest if size == newest.size else await question.audit.trail.checkpoint(size)
    scope = await question.scope("entries", told, told)
    if sealed is None:
        raise NotFound("checkpoint")
    documents = await question.audit.trail.find(
        scope.where, start=start, size=size, limit=limit + 1
    )
    entries = [view(d, leaves=scope.leaves) for d in documents[:limit]]
    following = cursor_text(size, entries[-1].seq + 1) if len(documents) > limit else None
    await question.answered("entries", told, count=len(entries), size=size)
    if NDJSON in request.headers.get("accept", ""):
        return _lines(entries, size, following)
    page = TrailPage(size=size, checkpoint=sealed.note, entries=entries, next=following)
    return Response(page.model_dump_json(), media_type="application/json")


def _lines(entries: list[EntryView], size: int, following: str | None) -> Response:
    headers = {"Trail-Size": str(size), **({"Trail-Next": following} if following else {})}
    body = "".join(entry.model_dump_json() + "\n" for entry in entries)
    return Response(body, media_type=NDJSON, headers=headers)


@router.get("/v1/trail/events/{event_id}")
async def get_event(question: Question, event_id: str) -> EntryView:
    """The entry of one event: parsed, and the exact bytes of its leaf."""
    return await _one(question, "event", event_id, await question.audit.trail.event(event_id))


@router.get("/v1/trail/{seq}")
async def get_entry(question: Question, seq: int) -> EntryView:
    """The entry at one place: parsed, and the exact bytes of its leaf."""
    return await _one(question, "entry", str(seq), await question.audit.trail.entry(seq))


async def _one(
    question: Question, resource: str, key: str, document: dict[str, Any] | None
) -> EntryView:
    told = {resource: key}
    fields = fields_from(document["leaf"]) if document else {}
    # A Hub manager's scope is a referral: that of the entry, if it has one.
    scope = await question.scope(resource, told, {"referral_id": fields.get("referral_id")})
    size = (await question.audit.trail.state())["size"]
    if document is None or document["seq"] >= size or not scope.sees(fields):
        await question.answered(resource, told, count=0, size=size)
        raise NotFound("entry")
    await question.answered(resource, told, count=1, size=size)
    return view(document, leaves=scope.leaves, raw=True)
