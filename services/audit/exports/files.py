"""Exports: what an auditor takes away to check elsewhere. A tar, made as it is read, in bounded memory.

Full: a plain C2SP tlog-tiles directory. Filtered: the exact leaves with a proof each. Both carry
every checkpoint's note that matters, the keys, and at the end a manifest with who asked, why, and
the digest of each file. What the store holds is exported as it is, damaged or not: judging it is
the verifier's work.
"""

import base64
import contextlib
import hashlib
import tarfile
from collections.abc import AsyncIterator

from services.audit.exports.export import Export
from services.audit.log.checkpoints import InclusionProof
from services.audit.log.damage import Damaged
from services.audit.log.hashes import tile_id
from services.audit.log.keyring import KeyRing
from services.audit.log.leaf import canonical
from services.audit.log.store import Signed, Trail
from services.audit.log.tiles import WIDTH, Bundle, Tile, pack_bundle, tiles_at
from services.audit.log.tree import consistency_ranges, includes, inclusion_ranges, leaf_hash
from services.audit.search.checked import SearchFields
from services.audit.search.complete import complete_for_export
from services.audit.search.fields import BUT
from services.audit.search.matching import Matching
from shared.storage.store import Document

Files = AsyncIterator[tuple[str, bytes]]


async def files_of(
    trail: Trail,
    ring: KeyRing,
    export: Export,
    hidden: frozenset[str] = frozenset(),
    known: SearchFields | None = None,
) -> Files:
    """Name and content of each file, the manifest last; without entries of these search keys.

    Each entry of a filtered export is held against what it was found by: `known` is what was known
    of that before, and the manifest says what came of it.
    """
    digests: dict[str, str] = {}
    matching = Matching(trail, {**export.filter, **({BUT: hidden} if hidden else {})}, known)
    async for name, content in _contents(trail, ring, export, matching):
        digests[name] = hashlib.sha256(content).hexdigest()
        yield name, content
    manifest = {
        "export": export.id,
        "kind": "filtered" if export.filter else "full",
        "asked_by": export.asked_by,
        "purpose": export.purpose,
        "asked_at": export.asked_at.isoformat(),
        "size": export.size,
        "complete_for": complete_for_export(export.size, export.filter),
        "search_fields": matching.fields.counts(),
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


async def _contents(trail: Trail, ring: KeyRing, export: Export, matching: Matching) -> Files:
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
    state = await _as_signed(trail, newest)
    if export.previous is not None:
        yield "consistency.json", await _consistency(trail, export.previous, size, state)
    parts = (
        _filtered(trail, matching, newest, state) if matching.where else _full(trail, size, state)
    )
    async for name, content in parts:
        yield name, content


async def _as_signed(trail: Trail, newest: Signed) -> Document:
    """The state for all of the export, however far the trail moves on meanwhile, with the root and
    edge that give what the newest checkpoint signed: its own copies, or what the entries and full
    tiles give. Where neither does, the verifier tells."""
    state = await trail.state()
    for make in (_carried, _from_evidence):
        with contextlib.suppress(Damaged):
            one = await make(trail, state)
            if await trail.tree.proof([(0, newest.size)], newest.size, one) == [newest.root]:
                return one
    return state


async def _carried(_: Trail, state: Document) -> Document:
    return state


async def _from_evidence(trail: Trail, state: Document) -> Document:
    edge = await trail.tree.edge(state["size"])
    return {**state, "root": edge.root(), "edge": edge.packed()}


async def _consistency(trail: Trail, first: int, second: int, state: Document) -> bytes:
    hashes = await trail.tree.proof(consistency_ranges(first, second), second, state)
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
            content = await trail.tree.tile(tile, state)
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


async def _filtered(trail: Trail, matching: Matching, newest: Signed, state: Document) -> Files:
    size = newest.size

    async def path_to(document: Document) -> list[bytes] | None:
        try:
            return await trail.tree.proof(inclusion_ranges(document["seq"], size), size, state)
        except Damaged:
            return None

    async def is_sealed(document: Document) -> bool:
        path, leaf = await path_to(document), leaf_hash(bytes(document["leaf"]))
        return path is not None and includes(document["seq"], size, leaf, path, newest.root)

    async for document in matching.entries(size, is_sealed):
        seq = document["seq"]
        yield f"leaves/{seq:012d}.json", bytes(document["leaf"])
        path = await path_to(document)
        if path is None:
            continue  # a leaf without its proof: the verifier says so
        proof = InclusionProof(seq, tuple(path), newest.note)
        yield f"proofs/{seq:012d}.tlog-proof", proof.text().encode()
