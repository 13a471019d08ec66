"""Exports: what an auditor takes away to check elsewhere. A tar, made as it is read, in bounded memory.

Full: a plain C2SP tlog-tiles directory. Filtered: the exact leaves with a proof each. Both carry
every checkpoint's note that matters, the keys, and at the end a manifest with who asked, why, and
the digest of each file. What the store holds is exported as it is, damaged or not: judging it is
the verifier's work.
"""

import base64
import hashlib
import tarfile
from collections.abc import AsyncIterator

from services.audit.domain.checkpoints import InclusionProof
from services.audit.domain.leaf import canonical
from services.audit.domain.records import Export
from services.audit.domain.tiles import WIDTH, Bundle, Tile, pack_bundle, tiles_at
from services.audit.domain.tree import consistency_ranges, inclusion_ranges
from services.audit.keyring import KeyRing
from services.audit.store import Damaged, Signed, Trail, tile_id
from shared.store import Document

Files = AsyncIterator[tuple[str, bytes]]


async def files_of(trail: Trail, ring: KeyRing, export: Export) -> Files:
    """Name and content of each file, the manifest last."""
    digests: dict[str, str] = {}
    async for name, content in _contents(trail, ring, export):
        digests[name] = hashlib.sha256(content).hexdigest()
        yield name, content
    manifest = {
        "export": export.id,
        "kind": "filtered" if export.filter else "full",
        "asked_by": export.asked_by,
        "purpose": export.purpose,
        "asked_at": export.asked_at.isoformat(),
        "size": export.size,
        "filter": export.filter,
        "previous": export.previous,
        "files": digests,
    }
    yield "manifest.json", canonical(manifest) + b"\n"


async def tar_of(files: Files) -> AsyncIterator[bytes]:
    """The files as a POSIX tar, piece by piece."""
    async for name, content in files:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        yield entry.tobuf() + content + bytes(-len(content) % tarfile.BLOCKSIZE)
    yield bytes(2 * tarfile.BLOCKSIZE)


async def _contents(trail: Trail, ring: KeyRing, export: Export) -> Files:
    size = export.size
    newest = await trail.checkpoint(size)
    if newest is None:
        raise Damaged("checkpoint_missing", size)
    yield "checkpoint", newest.note.encode()
    keys = [
        {"verifier_key": e.verifier_key, "first": e.first, "last": e.last}
        for e in await ring.entries()
    ]
    yield "keys.json", canonical({"origin": ring.origin, "keys": keys}) + b"\n"
    state = await trail.state()  # for all of the export, however far the trail moves on meanwhile
    if export.previous is not None:
        yield "consistency.json", await _consistency(trail, export.previous, size, state)
    parts = _filtered(trail, export, newest, state) if export.filter else _full(trail, size, state)
    async for name, content in parts:
        yield name, content


async def _consistency(trail: Trail, first: int, second: int, state: Document) -> bytes:
    hashes = await trail.proof(consistency_ranges(first, second), second, state)
    encoded = [base64.b64encode(value).decode() for value in hashes]
    return canonical({"first": first, "second": second, "hashes": encoded}) + b"\n"


async def _full(trail: Trail, size: int, state: Document) -> Files:
    start = 0
    while found := [c for c in await trail.checkpoints_from(start) if c.size <= size]:
        yield f"checkpoints/{found[0].size:012d}.ndjson", _notes(found)
        start = found[-1].size + 1
    for index in range(-(-size // WIDTH)):
        width = min(WIDTH, size - index * WIDTH)
        yield Bundle(index, width).path, await _bundle(trail, index, width)
    for tile in tiles_at(size):
        try:
            content = await trail.tile(tile, state)
        except Damaged:
            content = await _what_is_there(trail, tile)
        yield tile.path, content or b""


def _notes(found: list[Signed]) -> bytes:
    return b"".join(canonical({"note": c.note, "size": c.size}) + b"\n" for c in found)


async def _bundle(trail: Trail, index: int, width: int) -> bytes:
    start = index * WIDTH
    documents = await trail.find({}, start=start, size=start + width, limit=WIDTH)
    leaves = {document["seq"]: bytes(document["leaf"]) for document in documents}
    # A missing entry leaves an empty one in its place: no leaf is empty, so the verifier sees it.
    return pack_bundle(leaves.get(seq, b"") for seq in range(start, start + width))


async def _what_is_there(trail: Trail, tile: Tile) -> bytes:
    found = await trail.tiles.find_one({"_id": tile_id(tile.level, tile.index)})
    return bytes(found["hashes"]) if found else b""


async def _filtered(trail: Trail, export: Export, newest: Signed, state: Document) -> Files:
    async for document in trail.scan(export.filter, export.size):
        seq = document["seq"]
        yield f"leaves/{seq:012d}.json", bytes(document["leaf"])
        try:
            path = await trail.proof(inclusion_ranges(seq, export.size), export.size, state)
        except Damaged:
            continue  # a leaf without its proof: the verifier says so
        proof = InclusionProof(seq, tuple(path), newest.note)
        yield f"proofs/{seq:012d}.tlog-proof", proof.text().encode()
