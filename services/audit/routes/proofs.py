"""Proofs: that an entry is in the log, and that a later log only added to an earlier one."""

import base64
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from services.audit.domain.checkpoints import InclusionProof
from services.audit.domain.tree import Range, consistency_ranges, inclusion_ranges
from services.audit.routes.asking import TheAudit
from services.audit.routes.tiles import TEXT, damaged
from services.audit.state import Audit
from services.audit.store import Damaged
from shared.errors import BadRequest, NotFound
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
    """
    head = await audit.trail.newest() if size is None else await audit.trail.checkpoint(size)
    size = head.size if size is None and head else size or 0
    await _within(audit, size)
    entry = await audit.trail.entry(seq)
    if entry is None or seq >= size:
        raise NotFound("entry")
    ranges = [*inclusion_ranges(seq, size), (0, size)]
    *path, root = await _hashes(audit, ranges, size)
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
    """That the trail of size `second` only adds to that of size `first`."""
    if first > second:
        raise BadRequest("sizes_reversed", "`first` must not be larger than `second`.")
    await _within(audit, second)
    hashes = await _hashes(audit, consistency_ranges(first, second), second)
    encoded = [base64.b64encode(value).decode() for value in hashes]
    return ConsistencyView(first=first, second=second, hashes=encoded)


async def _within(audit: Audit, size: int) -> None:
    if size > (await audit.trail.state())["size"]:
        raise NotFound("size")


async def _hashes(audit: Audit, ranges: list[Range], size: int) -> list[bytes]:
    try:
        return await audit.trail.proof(ranges, size)
    except Damaged:
        raise damaged() from None
