"""Checking an export: a full one as a C2SP tlog-tiles folder, a filtered one entry by entry."""

import base64
import json
from collections.abc import Iterator
from typing import Any

from services.audit.domain.checkpoints import Checkpoint, TrustedKey, read_proof
from services.audit.domain.edge import Edge, FullTile
from services.audit.domain.notes import BadNote
from services.audit.domain.tiles import HEIGHT, WIDTH, Bundle, Tile, unpack_bundle
from services.audit.domain.tree import HASH_SIZE, extends, includes, leaf_hash, leaf_hashes
from services.audit.verify.sources import Digested, Source, checkpoint_of
from services.audit.verify.verdicts import CannotVerify, Tampered

MAX_TOLD = 20


def check_export(
    export: Source, keys: list[TrustedKey], kept: Checkpoint | None, previous: Source | None = None
) -> str:
    """What was verified, in words. Raises `Tampered` naming entries, or `CannotVerify`.

    `kept` is a checkpoint from elsewhere, which the export must extend; `previous` an earlier
    full export, against which a rewritten entry can be named exactly.
    """
    source = Digested(export)
    manifest = _manifest(source)
    sealed = checkpoint_of(_needed(source, "checkpoint"), keys, "the export's checkpoint")
    if kept is not None and kept.size > sealed.size:
        raise Tampered(
            f"the trail was cut: {kept.size} entries were sealed by your checkpoint, "
            f"the export's seals {sealed.size}; entry {sealed.size} and later are gone"
        )
    if kept is not None and kept.size == sealed.size and kept.root != sealed.root:
        raise Tampered(f"two signed histories of {kept.size} entries: use `compare` as evidence")
    if manifest.get("kind") == "filtered":
        said = _check_filtered(source, keys, sealed, kept)
    else:
        said = _Full(source, keys, sealed, kept, previous).check()
    _check_digests(source, manifest)
    return said


class _Full:
    def __init__(
        self,
        source: Source,
        keys: list[TrustedKey],
        sealed: Checkpoint,
        kept: Checkpoint | None,
        previous: Source | None,
    ) -> None:
        self._source, self._previous, self._sealed = source, previous, sealed
        self._edge = Edge()
        self._findings: list[str] = []
        self._suspects: list[int] = []
        self._missing: list[str] = []
        self._good = 0  # up to here a signed checkpoint agrees
        known = [(c, "a checkpoint in the export") for c in _checkpoints(source, keys)]
        known += [(sealed, "the export's checkpoint")]
        known += [(kept, "the checkpoint you kept")] if kept else []
        self._due = sorted(known, key=lambda pair: pair[0].size)

    def check(self) -> str:
        size = self._sealed.size
        for index in range(-(-size // WIDTH)):
            self._bundle(index, min(WIDTH, size - index * WIDTH))
        self._partial_tiles()
        if self._findings or self._suspects:
            named = [f"entry {seq} is not what was sealed" for seq in self._suspects[:MAX_TOLD]]
            raise Tampered(*named, *self._findings[:MAX_TOLD])
        if self._missing:
            raise CannotVerify("missing: " + ", ".join(self._missing[:MAX_TOLD]))
        return f"all {size} entries are exactly those sealed by the checkpoint"

    def _bundle(self, index: int, width: int) -> None:
        name = Bundle(index, width).path
        raw = self._source.read(name)
        if raw is None:
            raise CannotVerify(f"{name} is missing")
        try:
            leaves = unpack_bundle(raw)
        except ValueError:
            raise Tampered(f"{name} is cut short: entries from {index * WIDTH} on") from None
        if len(leaves) != width:
            raise Tampered(f"{name} holds {len(leaves)} entries, not {width}")
        hashes = leaf_hashes(leaves)
        self._compare(index, width, hashes)
        self._grow(hashes)

    def _compare(self, index: int, width: int, hashes: list[bytes]) -> None:
        joined = b"".join(hashes)
        for source, what in ((self._source, "tile"), (self._previous, "your previous export")):
            stored = _tile_bytes(source, index, width) if source else None
            if stored is None:
                if what == "tile":
                    self._missing.append(Tile(0, index, width).path)
                continue
            if not joined.startswith(stored) or (what == "tile" and stored != joined):
                self._suspects += [
                    index * WIDTH + place
                    for place, value in enumerate(hashes)
                    if (at := place * HASH_SIZE) < len(stored)
                    and value != stored[at : at + HASH_SIZE]
                    and index * WIDTH + place not in self._suspects
                ] or [index * WIDTH + len(stored) // HASH_SIZE]

    def _grow(self, hashes: list[bytes]) -> None:
        rest = hashes
        while self._due and self._due[0][0].size <= self._edge.size + len(rest):
            checkpoint, what = self._due.pop(0)
            count = checkpoint.size - self._edge.size
            self._full_tiles(self._edge.push(rest[:count]))
            rest = rest[count:]
            self._agree(checkpoint, what)
        self._full_tiles(self._edge.push(rest))

    def _agree(self, checkpoint: Checkpoint, what: str) -> None:
        if self._edge.root() == checkpoint.root:
            if not self._findings:
                self._good = checkpoint.size
            return
        # The export's own checkpoints narrow it down, unless they were all signed again.
        since = self._good if self._good < checkpoint.size else 0
        self._findings.append(
            f"{what}, of size {checkpoint.size}, seals other entries: "
            f"one of the entries {since} to {checkpoint.size - 1} was changed"
        )

    def _full_tiles(self, filled: list[FullTile]) -> None:
        for tile in filled:
            if tile.level:  # level 0 has been compared entry by entry
                self._same_tile(Tile(tile.level, tile.index), tile.hashes)

    def _partial_tiles(self) -> None:
        for level, hashes in enumerate(self._edge.levels):
            if level and hashes:
                index = (self._edge.size >> (HEIGHT * level)) // WIDTH
                self._same_tile(Tile(level, index, len(hashes)), b"".join(hashes))

    def _same_tile(self, tile: Tile, computed: bytes) -> None:
        stored = self._source.read(tile.path)
        if stored is None:
            self._missing.append(tile.path)
        elif stored != computed:
            first = tile.index << (HEIGHT * (tile.level + 1))
            self._findings.append(f"{tile.path} was changed; it covers entries from {first} on")


def _tile_bytes(source: Source, index: int, width: int) -> bytes | None:
    """A level-0 tile; of an earlier export perhaps a shorter one."""
    exact = source.read(Tile(0, index, width).path)
    if exact is not None:
        return exact
    shorter = (source.read(Tile(0, index, w).path) for w in range(width - 1, 0, -1))
    return next((raw for raw in shorter if raw is not None), None)


def _checkpoints(source: Source, keys: list[TrustedKey]) -> Iterator[Checkpoint]:
    for name in source.names():
        if name.startswith("checkpoints/"):
            for line in (source.read(name) or b"").splitlines():
                try:
                    note = json.loads(line)["note"].encode()
                except (ValueError, KeyError, TypeError, AttributeError):
                    raise Tampered(f"{name}: a line is no checkpoint") from None
                yield checkpoint_of(note, keys, name)


def _check_filtered(
    source: Source, keys: list[TrustedKey], sealed: Checkpoint, kept: Checkpoint | None
) -> str:
    names = [n for n in source.names() if n.startswith("leaves/")]
    wrong: list[str] = []
    without: list[str] = []
    for name in names:
        seq = int(name.removeprefix("leaves/").removesuffix(".json"))
        raw = source.read(f"proofs/{seq:012d}.tlog-proof")
        if raw is None:
            without.append(str(seq))
        elif not _proven(source.read(name) or b"", seq, raw, keys, sealed):
            wrong.append(f"entry {seq} is not what was sealed")
    if wrong:
        raise Tampered(*wrong[:MAX_TOLD])
    grown = _check_grown(source, sealed, kept)
    if without:
        raise CannotVerify(f"no proof for entries {', '.join(without[:MAX_TOLD])}")
    return f"{len(names)} entries are in the trail of {sealed.size} entries{grown}"


def _proven(leaf: bytes, seq: int, raw: bytes, keys: list[TrustedKey], sealed: Checkpoint) -> bool:
    try:
        proof = read_proof(raw)
    except BadNote:
        return False
    checkpoint = checkpoint_of(proof.note.encode(), keys, f"the proof of entry {seq}")
    return (
        proof.index == seq
        and checkpoint == sealed
        and includes(seq, sealed.size, leaf_hash(leaf), proof.path, sealed.root)
    )


def _check_grown(source: Source, sealed: Checkpoint, kept: Checkpoint | None) -> str:
    if kept is None:
        return ""
    raw = source.read("consistency.json")
    if raw is None:
        raise CannotVerify("the export has no consistency proof: ask for one with `previous`")
    check_consistency(kept, sealed, raw)
    return f", which only added to the {kept.size} you had sealed"


def check_consistency(old: Checkpoint, new: Checkpoint, raw: bytes) -> None:
    """That `new` only adds to `old`, by a proof as the log gives it. Raises `Tampered`."""
    first, second, hashes = read_consistency(raw)
    if (first, second) != (old.size, new.size):
        raise CannotVerify(f"the proof is from {first} to {second}, not {old.size} to {new.size}")
    if not extends(old.size, new.size, old.root, new.root, hashes):
        raise Tampered(
            f"the trail of {new.size} entries does not extend the {old.size} sealed before: "
            f"one of the entries 0 to {old.size - 1} was changed"
        )


def read_consistency(raw: bytes) -> tuple[int, int, list[bytes]]:
    """A consistency proof: sizes and hashes. Raises `CannotVerify` when it isn't one."""
    try:
        proof: Any = json.loads(raw)
        hashes = [base64.b64decode(text, validate=True) for text in proof["hashes"]]
        return int(proof["first"]), int(proof["second"]), hashes
    except (ValueError, KeyError, TypeError):
        raise CannotVerify("not a consistency proof") from None


def _needed(source: Source, name: str) -> bytes:
    raw = source.read(name)
    if raw is None:
        raise CannotVerify(f"{name} is missing")
    return raw


def _manifest(source: Source) -> dict[str, Any]:
    try:
        manifest = json.loads(_needed(source, "manifest.json"))
    except ValueError:
        manifest = None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("files"), dict):
        raise CannotVerify("manifest.json is not a manifest: was the download cut off?")
    return manifest


def _check_digests(source: Digested, manifest: dict[str, Any]) -> None:
    for name, digest in sorted(manifest["files"].items()):
        found = source.digest(name)
        if found is None:
            raise CannotVerify(f"{name} is missing")
        if found != digest:
            raise Tampered(f"{name} was changed after the export was made")


def entries_in(source: Source) -> Iterator[tuple[int, dict[str, Any]]]:
    """(seq, event) of every entry in an export, in order. Raises `CannotVerify` where unreadable."""
    names = source.names()
    bundles = [n for n in names if n.startswith("tile/entries/")]
    try:
        if bundles:
            size = int((_needed(source, "checkpoint")).split(b"\n")[1])
            for index in range(-(-size // WIDTH)):
                raw = _needed(source, Bundle(index, min(WIDTH, size - index * WIDTH)).path)
                for place, leaf in enumerate(unpack_bundle(raw)):
                    yield index * WIDTH + place, json.loads(leaf)["event"]
        for name in (n for n in names if n.startswith("leaves/")):
            seq = int(name.removeprefix("leaves/").removesuffix(".json"))
            yield seq, json.loads(source.read(name) or b"")["event"]
    except (ValueError, KeyError, TypeError, IndexError):
        raise CannotVerify("an entry can't be read") from None
