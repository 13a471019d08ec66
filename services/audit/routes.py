"""HTTP in: reading the trail."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel

from services.audit.store import Trail
from shared.tokens import Caller, only

router = APIRouter()


def trail(request: Request) -> Trail:
    """The trail, as `app.py` wired it."""
    found: Trail = request.app.state.audit
    return found


class EntryView(BaseModel):
    """One entry: its place, the SHA-256 leaf hash (hex, RFC 6962), and what it says."""

    seq: int
    leaf_hash: str
    leaf: dict[str, Any]


class TrailPage(BaseModel):
    """Entries in order; pass `next` as `after`. `size` is the length of the trail read."""

    size: int
    entries: list[EntryView]
    next: int | None


@router.get("/v1/trail", tags=["trail"])
async def get_trail(
    _: Annotated[Caller, only("auditor")],
    trail: Annotated[Trail, Depends(trail)],
    referral_id: Annotated[str | None, Query(max_length=100)] = None,
    type: Annotated[str | None, Query(max_length=100)] = None,
    actor: Annotated[str | None, Query(max_length=200)] = None,
    after: Annotated[int, Query(ge=-1)] = -1,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> TrailPage:
    """What happened, in the order it was recorded."""
    wanted = {"referral_id": referral_id, "type": type, "actor": actor}
    where = {name: value for name, value in wanted.items() if value is not None}
    size = await trail.size()
    found = await trail.find(where, after=after, size=size, limit=limit)
    entries = [
        EntryView(seq=d["seq"], leaf_hash=d["leaf_hash"].hex(), leaf=json.loads(d["leaf"]))
        for d in found
    ]
    last = entries[-1].seq if len(entries) == limit else None
    return TrailPage(size=size, entries=entries, next=last)
