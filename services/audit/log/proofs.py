"""Proofs: that an entry is in the log, and that a later log only added to an earlier one."""

import base64
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from services.audit.log.checkpoints import InclusionProof
from services.audit.log.damage import Damaged
from services.audit.log.routes import TEXT, damaged
from services.audit.log.store import Signed
from services.audit.log.tree import Range, consistency_ranges, includes, inclusion_ranges
from services.audit.state import Audit
from services.audit.trail_query import TheAudit
from shared.errors import BadRequest, NotFound
from shared.rules.values import Number
from shared.storage.store import Document
from shared.web.access import may
from shared.web.tokens import AnyCaller

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


@router.get(
    "/v1/proofs/inclusion",
    response_model=InclusionView,
    dependencies=[may("check_log")],
)
async def get_inclusion(
    _: AnyCaller, audit: TheAudit, request: Request, seq: Number, size: Number | None = None
) -> Response | InclusionView:
    """That entry `seq` is in the trail of `size` (the newest checkpoint's, unless given).

    With `Accept: text/plain` the proof is a C2SP tlog-proof; then `size` must be a checkpoint's.
    A proof that doesn't lead to the root sealed at that size is refused as `trail_damaged`.
    """
    proven = await _proven(audit, seq, size)
    if "text/plain" in request.headers.get("accept", ""):
        return Response(proven.text(), media_type=TEXT)
    return proven.view()


@dataclass(frozen=True)
class Proven:
    """An entry, its path to the root at a size, and the checkpoint of that size, if there is one."""

    seq: int
    size: int
    leaf_hash: bytes
    root: bytes
    path: list[bytes]
    sealed: Signed | None

    def text(self) -> str:
        """As a C2SP tlog-proof. Raises `NotFound` at a size that no checkpoint seals."""
        if self.sealed is None:
            raise NotFound("checkpoint")
        return InclusionProof(self.seq, tuple(self.path), self.sealed.note).text()

    def view(self) -> InclusionView:
        """As JSON."""
        return InclusionView(
            seq=self.seq,
            size=self.size,
            leaf_hash=self.leaf_hash.hex(),
            root=base64.b64encode(self.root).decode(),
            hashes=[base64.b64encode(value).decode() for value in self.path],
            checkpoint=self.sealed.note if self.sealed else None,
        )


async def _proven(audit: Audit, seq: int, wanted: int | None) -> Proven:
    newest = wanted is None
    sealed = await (audit.trail.newest() if newest else audit.trail.checkpoint(wanted or 0))
    size = sealed.size if newest and sealed else wanted or 0
    state = await _reaching(audit, size)
    entry = await audit.trail.entry(seq)
    if entry is None or seq >= size:
        raise NotFound("entry")
    *path, root = await _hashes(audit, [*inclusion_ranges(seq, size), (0, size)], size, state)
    expected = sealed.root if sealed else state["root"] if size == state["size"] else root
    if not includes(seq, size, bytes(entry["leaf_hash"]), path, expected):
        raise damaged()
    return Proven(seq, size, bytes(entry["leaf_hash"]), root, path, sealed)


@router.get("/v1/proofs/consistency", dependencies=[may("check_log")])
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
        return await audit.trail.tree.proof(ranges, size, state)
    except Damaged:
        raise damaged() from None
