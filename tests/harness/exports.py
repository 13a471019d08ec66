"""Exports made anew from leaves of a test's choosing, as the trail would write them: full and filtered."""

import base64
import hashlib
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from services.audit.log.checkpoints import Checkpoint, InclusionProof, TrustedKey
from services.audit.log.edge import Edge
from services.audit.log.leaf import canonical
from services.audit.log.signing import SigningKey
from services.audit.log.tiles import WIDTH, Bundle, Tile, pack_bundle, tiles_at
from services.audit.log.tree import (
    Node,
    consistency_ranges,
    inclusion_ranges,
    leaf_hashes,
    proof_of,
    root_of,
)
from services.audit.search.complete import complete_for_export
from services.audit.verify.sources import Folder

ORIGIN = "trail.example/log"
SIZE = 300
KEY, STRANGER = (
    SigningKey.parse(f"{ORIGIN}+{base64.b64encode(bytes([n]) * 32).decode()}") for n in (1, 2)
)
RING = [TrustedKey(KEY.verifier)]
LEAVES = tuple(
    canonical({"event": {"actor": "worker:wk_1", "id": f"evt_{n}"}, "recorded_at": "x"})
    for n in range(SIZE)
)
FORGED = canonical({"event": {"id": "forged"}, "recorded_at": "x"})
Files = dict[str, bytes]
Leaves = tuple[bytes, ...]


def forged(*places: int) -> Leaves:
    return tuple(FORGED if n in places else leaf for n, leaf in enumerate(LEAVES))


@cache
def checkpoint(size: int = SIZE, leaves: Leaves = LEAVES) -> Checkpoint:
    edge = Edge()
    edge.push(leaf_hashes(leaves[:size]))
    return Checkpoint(ORIGIN, size, edge.root())


@cache
def note(size: int = SIZE, leaves: Leaves = LEAVES, key: SigningKey = KEY) -> bytes:
    return checkpoint(size, leaves).sign([key]).encode()


def line(signed: bytes) -> bytes:
    return canonical({"note": signed.decode(), "size": int(signed.split(b"\n")[1])}) + b"\n"


KEYS = canonical(
    {
        "origin": ORIGIN,
        "keys": [{"verifier_key": str(KEY.verifier), "first": 0, "last": None}],
    }
)


def tile(wanted: Tile, leaves: Leaves) -> bytes:
    read = reader(leaves)
    start = wanted.index * WIDTH
    return b"".join(read((8 * wanted.level, start + n)) for n in range(wanted.width))


@cache
def reader(leaves: Leaves) -> Callable[[Node], bytes]:
    hashes = leaf_hashes(leaves)
    return cache(lambda node: root_of(hashes[node[1] << node[0] : (node[1] + 1) << node[0]]))


@cache
def full(leaves: Leaves = LEAVES, signed: tuple[int, ...] = (90, 150, 280, SIZE)) -> Files:
    """A full export of these leaves, with these checkpoints, all made anew."""
    size = len(leaves)
    files = {"checkpoint": note(size, leaves), "keys.json": KEYS}
    files["checkpoints/000000000090.ndjson"] = b"".join(line(note(n, leaves)) for n in signed)
    for index in range(-(-size // WIDTH)):
        part = leaves[index * WIDTH : (index + 1) * WIDTH]
        files[Bundle(index, len(part)).path] = pack_bundle(part)
    return files | {one.path: tile(one, leaves) for one in tiles_at(size)}


def filtered(*places: int, first: int | None = None) -> Files:
    """An export of these entries, with a proof each, and one from `first` on."""
    files = {"checkpoint": note(), "keys.json": KEYS}
    for seq in places:
        path = tuple(proof_of(inclusion_ranges(seq, SIZE), reader(LEAVES)))
        files[f"leaves/{seq:012d}.json"] = LEAVES[seq]
        proof = InclusionProof(seq, path, note().decode())
        files[f"proofs/{seq:012d}.tlog-proof"] = proof.text().encode()
    if first is not None:
        files["consistency.json"] = consistency(first)
    return files


def without(files: Files, *names: str) -> Files:
    return {name: content for name, content in files.items() if name not in names}


def consistency(first: int, second: int = SIZE, leaves: Leaves = LEAVES) -> bytes:
    hashes = proof_of(consistency_ranges(first, second), reader(leaves))
    texts = [base64.b64encode(value).decode() for value in hashes]
    return canonical({"first": first, "second": second, "hashes": texts})


def written(folder: Path, files: Files, manifest: dict[str, Any] | None = None) -> Folder:
    """The files in a folder, under a manifest that is right unless told otherwise."""
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    whole = {**manifest_of(files), "files": digests, **(manifest or {})}
    whole["complete_for"] = complete_for_export(whole["size"], whole["filter"])
    for name, content in {"manifest.json": canonical(whole), **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return Folder(folder)


def manifest_of(files: Files) -> dict[str, Any]:
    """What the trail would say of these files."""
    is_filtered = any(name.startswith("leaves/") for name in files)
    sizes = re.findall(rb"^[0-9]+$", files.get("checkpoint", b""), re.MULTILINE)
    growth = re.search(rb'"first":([0-9]+)', files.get("consistency.json", b""))
    size = int(sizes[0]) if sizes else 0
    asked = {"worker": "wk_1"} if is_filtered else {}
    return {
        "export": "exp_1",
        "kind": "filtered" if is_filtered else "full",
        "asked_by": "auditor:usr_1",
        "purpose": "inspection",
        "asked_at": "2026-03-02T09:30:00+00:00",
        "size": size,
        "complete_for": complete_for_export(size, asked),
        "search_fields": {"checked": size, "edited": 0, "outdated": 0, "left_out": 0},
        "filter": asked,
        "previous": int(growth[1]) if growth else None,
    }
