"""Checking an export: a full one as a C2SP tlog-tiles folder, a filtered one entry by entry."""

from collections.abc import Iterator, Sequence
from typing import Any

from services.audit.log.checkpoints import Checkpoint, TrustedKey
from services.audit.log.tiles import WIDTH, Bundle, unpack_bundle
from services.audit.verify.asked import doubts_of_filter
from services.audit.verify.earlier import Earlier
from services.audit.verify.filtered import check_filtered
from services.audit.verify.full import check_full
from services.audit.verify.manifest import Manifest, doubts_of_keys
from services.audit.verify.signed import checkpoint_of, json_of
from services.audit.verify.sources import Digested, Source, needed
from services.audit.verify.verdicts import CannotVerify, first_of, judge
from services.audit.verify.witnesses import Quorum

UNSIGNED = "who asked for the export, when and what for is not proven: nobody signed that"


NOBODY = Quorum((), 0)


def check_export(
    export: Source,
    keys: list[TrustedKey],
    kept: Checkpoint | None,
    previous: Source | None = None,
    quorum: Quorum = NOBODY,
    cosigned: Sequence[bytes] = (),
) -> str:
    """What was verified, in words. Raises `Tampered` naming entries, or `CannotVerify`.

    `kept` is a checkpoint from elsewhere and `previous` an earlier export, both from before this
    export was asked for: it must extend them. A full `previous` names a rewritten entry exactly.
    `cosigned` are notes of checkpoints that the `quorum` of witnesses may have cosigned.
    Which kind an export is, is seen from its files, not from what its manifest says.
    """
    source = Digested(export)
    note = needed(source, "checkpoint")
    sealed = checkpoint_of(note, keys, "the export's checkpoint")
    # A witness may have been asked later: what it has seen beyond this export says nothing of it.
    opened = [(raw, checkpoint_of(raw, keys, "a cosigned checkpoint")) for raw in cosigned]
    vouching = [(raw, found) for raw, found in opened if found.size <= sealed.size]
    earlier = Earlier(keys, kept, previous, [found for _, found in vouching])
    earlier.check_size(sealed)
    manifest = Manifest.read(source)
    is_full = _is_full(source, manifest)
    check = check_full if is_full else check_filtered
    missing, said = check(source, keys, sealed, earlier)
    changed, away = manifest.digests(source)
    judge(first_of(changed), [])
    doubts = manifest.doubts(source, sealed, is_full)
    shown, unlike = ("", []) if is_full else doubts_of_filter(source, manifest.filter)
    doubts += first_of(unlike)
    doubts += doubts_of_keys(needed(source, "keys.json"), note, sealed, keys)
    judge([], list(dict.fromkeys([*missing, *away, *doubts])))
    if manifest.doubtful:
        shown += (
            f"; by its own word the trail may have missed {manifest.doubtful} entries in its search"
        )
    vouched = quorum.vouched([(note, sealed), *vouching])
    return f"{said}{shown}{vouched}; all {len(manifest.files)} files are those of the manifest; {UNSIGNED}"


def _is_full(source: Source, manifest: Manifest) -> bool:
    names = source.names()
    if any(name.startswith("tile/") for name in names):
        return True
    some = any(name.startswith(("leaves/", "proofs/")) for name in names)
    return not some and manifest.kind != "filtered"


def full_entries(
    export: Source, keys: list[TrustedKey]
) -> tuple[int, Iterator[tuple[int, dict[str, Any]]]]:
    """How many entries a full export has, and each as (seq, event), once all of it is verified.
    Raises as `check_export`."""
    source = Digested(export)
    check_export(source, keys, None)
    if any(name.startswith("leaves/") for name in source.names()):
        raise CannotVerify("what is missing shows only in a full export")
    size = checkpoint_of(needed(source, "checkpoint"), keys, "the export's checkpoint").size
    return size, entries_in(source, size)


def entries_in(source: Source, size: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """(seq, event) of every entry of a full export, in order, once it is verified. Raises
    `CannotVerify` where one can't be read."""
    for index in range(-(-size // WIDTH)):
        raw = needed(source, Bundle(index, min(WIDTH, size - index * WIDTH)).path)
        try:
            leaves = unpack_bundle(raw)
        except ValueError:
            raise CannotVerify(f"entries from {index * WIDTH} on can't be read") from None
        for place, leaf in enumerate(leaves):
            yield index * WIDTH + place, _event(leaf, index * WIDTH + place)


def _event(leaf: bytes, seq: int) -> dict[str, Any]:
    try:
        event = json_of(leaf)["event"]
    except (ValueError, KeyError, TypeError):
        event = None
    if not isinstance(event, dict):
        raise CannotVerify(f"entry {seq} can't be read")
    return event
