"""Proofs: that an entry is in the log, and that a later log only added to an earlier one."""

import base64
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from services.audit.domain.checkpoints import InclusionProof
from services.audit.domain.tree import Range, consistency_ranges, includes, inclusion_ranges
from services.audit.routes.asking import TheAudit
from services.audit.routes.tiles import TEXT, damaged
from services.audit.state import Audit
from services.audit.store import Damaged
from shared.errors import BadRequest, NotFound
from shared.store import Document
from shared.tokens import AnyCaller

Number = Annotated[int, Query(ge=0, lt=2**53)]

router = APIRouter(tags=["proof"])


class InclusionView(BaseModel):
    """RFC 6962 §2.1.1: `hashes` (base64) lead from the leaf hash (hex) to the root at `size`."""

    seq: int
    size: int
    leaf_hash: str
    root: str
    hashes: list[str]
    checkpoint: str | None


class ConsistencyView(BaseModel):
    """RFC 6962 §2.1.2: `hashes` (base64) prove that the tree at `second` extends that at `first`."""

    first: int
    second: int
    hashes: list[str]


@router.get("/v1/proofs/inclusion", response_model=InclusionView)
async def get_inclusion(
    _: AnyCaller, audit: TheAudit, request: Request, seq: Number, size: Number | None = None
) -> Response | InclusionView:
    """That entry `seq` is in the trail of `size` (the newest checkpoint's, unless given).

    With `Accept: text/plain` the proof is a C2SP tlog-proof; then `size` must be a checkpoint's.
    A proof that doesn't lead to the root sealed at that size is refused as `trail_damaged`.
    """
    head = await audit.trail.newest() if size is None else await audit.trail.checkpoint(size)
    size = head.size if size is None and head else size or 0
    state = await _reaching(audit, size)
    entry = await audit.trail.entry(seq)
    if entry is None or seq >= size:
        raise NotFound("entry")
    ranges = [*inclusion_ranges(seq, size), (0, size)]
    *path, root = await _hashes(audit, ranges, size, state)
    sealed = head.root if head else state["root"] if size == state["size"] else root
    if not includes(seq, size, bytes(entry["leaf_hash"]), path, sealed):
        raise damaged()
    if "text/plain" in request.headers.get("accept", ""):
        if head is None:
            raise NotFound("checkpoint")
        return Response(InclusionProof(seq, tuple(path), head.note).text(), media_type=TEXT)
    return InclusionView(
        seq=seq,
        size=size,
        leaf_hash=bytes(entry["leaf_hash"]).hex(),
        root=base64.b64encode(root).decode(),
        hashes=[base64.b64encode(value).decode() for value in path],
        checkpoint=head.note if head else None,
    )


@router.get("/v1/proofs/consistency")
async def get_consistency(
    _: AnyCaller, audit: TheAudit, first: Number, second: Number
) -> ConsistencyView:
    """That the trail of size `second` only adds to that of size `first`.

    Handed out as the tiles give it: who kept an old checkpoint must be able to see it fail.
    """
    if first > second:
        raise BadRequest("sizes_reversed", "`first` must not be larger than `second`.")
    state = await _reaching(audit, second)
    hashes = await _hashes(audit, consistency_ranges(first, second), second, state)
    encoded = [base64.b64encode(value).decode() for value in hashes]
    return ConsistencyView(first=first, second=second, hashes=encoded)


async def _reaching(audit: Audit, size: int) -> Document:
    state = await audit.trail.state()
    if size > state["size"]:
        raise NotFound("size")
    return state


async def _hashes(audit: Audit, ranges: list[Range], size: int, state: Document) -> list[bytes]:
    try:
        return await audit.trail.proof(ranges, size, state)
    except Damaged:
        raise damaged() from None
