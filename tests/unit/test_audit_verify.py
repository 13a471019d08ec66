"""What the verifier says of an export: that it is as sealed, what was changed, or that it can't tell."""

import ast
import base64
import hashlib
import json
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.audit.exports.routes import ExportRequest
from services.audit.log.checkpoints import Checkpoint, TrustedKey
from services.audit.log.leaf import canonical
from services.audit.log.signing import SigningKey
from services.audit.log.tiles import pack_bundle
from services.audit.log.tree import (
    consistency_ranges,
    proof_of,
)
from services.audit.search.fields import fields_of
from services.audit.verify.asked import DERIVED, IDS, SHOWN, not_shown
from services.audit.verify.exported import UNSIGNED, check_export, entries_in
from services.audit.verify.filtered import leaves_in
from services.audit.verify.onefile import one_file
from services.audit.verify.proven import check_consistency, read_consistency
from services.audit.verify.signed import json_of, keys_of
from services.audit.verify.sources import Digested, Folder, Tar, bytes_of, source_of
from services.audit.verify.verdicts import CannotVerify, Misused, Tampered
from tests.golden.trail_fields import EVENTS
from tests.harness.exports import (
    FORGED,
    KEY,
    KEYS,
    LEAVES,
    ORIGIN,
    RING,
    SIZE,
    STRANGER,
    Files,
    checkpoint,
    consistency,
    filtered,
    forged,
    full,
    line,
    note,
    reader,
    without,
    written,
)
from tests.harness.trails import verify


def said_of(
    export: Folder | Tar,
    kept: Checkpoint | None = None,
    previous: Folder | None = None,
    keys: list[TrustedKey] = RING,
) -> tuple[str, ...]:
    """How it ends, and in which words."""
    try:
        return ("verified", check_export(export, keys, kept, previous))
    except Tampered as found:
        return ("tampered", *found.findings)
    except CannotVerify as why:
        return ("cannot", str(why))


def seals(what: str, size: int, since: int) -> str:
    return (
        f"{what}, of size {size}, seals other entries: one of the entries {since} to {size - 1} "
        "was changed, or another history was signed"
    )


def two(what: str, size: int, since: int, now: int = SIZE) -> str:
    return (
        f"two signed histories: {what}, of size {size}, seals other entries than the checkpoint "
        f"of {now} entries: one of the entries {since} to {size - 1} was rewritten"
    )


def whole(size: int = SIZE, count: int = 4, files: int = 8, *before: str) -> tuple[str, str]:
    """What is said of a full export that is as it was sealed."""
    held = f"; the trail begins with what is sealed by {', '.join(before)}" if before else ""
    return (
        "verified",
        f"all {size} entries are exactly those sealed by the checkpoint of {ORIGIN}; all tiles are "
        f"theirs; all {count} checkpoints listed seal the same history{held}; all {files} files "
        f"are those of the manifest; {UNSIGNED}",
    )


IN_EXPORT, NEWEST, KEPT, BEFORE = (
    "a checkpoint listed in the export",
    "the export's checkpoint",
    "the checkpoint you kept",
    "the checkpoint of your previous export",
)
TOP = "tile/1/000.p/1 was changed: it is not made of the hashes below it"
NO_MANIFEST = "manifest.json is not a manifest: was the download cut off?"


@pytest.mark.parametrize(
    "kept", [None, checkpoint(1), checkpoint(256), checkpoint(150), checkpoint()]
)
@pytest.mark.parametrize("earlier", [None, 280])
def test_an_untouched_export_is_as_sealed(
    tmp_path: Path, kept: Checkpoint | None, earlier: int | None
) -> None:
    previous = (
        written(tmp_path / "previous", full(LEAVES[:earlier], (90, 280))) if earlier else None
    )

    before = [f"{KEPT} ({kept.size} entries)"] if kept else []
    before += [f"{BEFORE} ({earlier} entries)"] if earlier else []
    assert said_of(written(tmp_path / "now", full()), kept, previous) == whole(SIZE, 4, 8, *before)


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257])
def test_a_trail_of_any_size_is_checked(tmp_path: Path, size: int) -> None:
    export = written(tmp_path, full(LEAVES[:size], (size,)))

    assert said_of(export) == whole(size, 1, len(full(LEAVES[:size], (size,))))


DAMAGE: dict[str, tuple[Callable[[Files], Files], tuple[str, ...]]] = {
    "an entry": (
        lambda f: f | {"tile/entries/000": pack_bundle(forged(100)[:256])},
        ("tampered", "entry 100 is not what was sealed"),
    ),
    "an entry of the second bundle": (
        lambda f: f | {"tile/entries/001.p/44": pack_bundle(forged(257)[256:])},
        ("tampered", "entry 257 is not what was sealed"),
    ),
    "an entry of each": (
        lambda f: f
        | {"tile/entries/000": pack_bundle(forged(100)[:256])}
        | {"tile/entries/001.p/44": pack_bundle(forged(257)[256:])},
        ("tampered", "entry 100 is not what was sealed", "entry 257 is not what was sealed"),
    ),
    "more than are told": (
        lambda f: f | {"tile/entries/000": pack_bundle(forged(*range(10, 60))[:256])},
        (
            "tampered",
            *(f"entry {n} is not what was sealed" for n in range(10, 30)),
            "and 30 more",
        ),
    ),
    "an entry and its tiles": (
        lambda f: full(forged(100))
        | {n: f[n] for n in ("checkpoint", "checkpoints/000000000090.ndjson")},
        ("tampered", seals(IN_EXPORT, 150, 90)),
    ),
    "an entry and its tile": (
        lambda f: f
        | {n: full(forged(100))[n] for n in ("tile/entries/000", "tile/0/000")},
        ("tampered", seals(IN_EXPORT, 150, 90)),
    ),
    "an entry of the end and its tile": (
        lambda f: f
        | {n: full(forged(270))[n] for n in ("tile/entries/001.p/44", "tile/0/001.p/44")},
        ("tampered", seals(IN_EXPORT, 280, 150)),
    ),
    "the tiles of an entry": (
        lambda f: f | {n: full(forged(100))[n] for n in ("tile/0/000", "tile/1/000.p/1")},
        ("tampered", "tile/0/000 was changed; its entries are what was sealed", TOP),
    ),
    "an entry and the tile above": (
        lambda f: f
        | {"tile/1/000.p/1": bytes(32)}
        | {"tile/entries/000": pack_bundle(forged(100)[:256])},
        ("tampered", seals(IN_EXPORT, 150, 90)),
    ),
    "an entry, and elsewhere the tiles": (
        lambda f: f
        | {n: full(forged(100))[n] for n in ("tile/0/000", "tile/1/000.p/1")}
        | {"tile/entries/000": pack_bundle(forged(5)[:256])},
        (
            "tampered",
            "entry 5 is not what was sealed",
            seals(IN_EXPORT, 150, 90).replace(" was", ", or a tile over them, was", 1),
        ),
    ),
    "a hash in a tile": (
        lambda f: f | {"tile/0/001.p/44": bytes(32) + f["tile/0/001.p/44"][32:]},
        ("tampered", "tile/0/001.p/44 was changed; its entries are what was sealed"),
    ),
    "a tile that is cut": (
        lambda f: f | {"tile/0/001.p/44": f["tile/0/001.p/44"][:-96]},
        ("tampered", "tile/0/001.p/44 has another length than 44 hashes"),
    ),
    "an entry, and the last tile is empty": (
        lambda f: f
        | {"tile/0/001.p/44": b""}
        | {"tile/entries/000": pack_bundle(forged(100)[:256])},
        (
            "tampered",
            "entry 100 is not what was sealed",
            "tile/0/001.p/44 has another length than 44 hashes",
        ),
    ),
    "a hash in a tile, and a later entry": (
        lambda f: f
        | {"tile/0/000": bytes(64) + f["tile/0/000"][64:]}
        | {"tile/entries/001.p/44": pack_bundle(forged(290)[256:])},
        (
            "tampered",
            "entry 290 is not what was sealed",
            "tile/0/000 was changed; its entries are what was sealed",
        ),
    ),
    "a tile above": (lambda f: f | {"tile/1/000.p/1": bytes(32)}, ("tampered", TOP)),
    "a checkpoint beyond the end": (
        lambda f: full(LEAVES[:280], (90, 280))
        | {"checkpoints/000000000290.ndjson": line(note(290))},
        (
            "tampered",
            "the trail was cut: a checkpoint in the export seals 290 entries, the export's own 280; "
            "entry 280 and later are gone",
        ),
    ),
    "a checkpoint of another history": (
        lambda f: f
        | {
            "checkpoints/000000000090.ndjson": line(note(90))
            + line(note(150, forged(100)))
            + line(note(300))
        },
        (
            "tampered",
            f"two signed histories: {IN_EXPORT}, of size 150, seals other entries than the "
            "checkpoint of 300 entries",
        ),
    ),
    "the list without the newest": (
        lambda f: full(signed=(90, 150)),
        ("cannot", "missing: the export's own checkpoint among those it lists"),
    ),
    "no list": (
        lambda f: without(f, "checkpoints/000000000090.ndjson"),
        ("cannot", "missing: the export's own checkpoint among those it lists"),
    ),
    "a tile that is missing": (
        lambda f: without(f, "tile/0/001.p/44", "tile/1/000.p/1"),
        ("cannot", "missing: tile/0/001.p/44; missing: tile/1/000.p/1"),
    ),
    "a bundle that is missing": (
        lambda f: without(f, "tile/entries/001.p/44"),
        ("cannot", "missing: tile/entries/001.p/44"),
    ),
    "a bundle that is cut": (
        lambda f: f | {"tile/entries/001.p/44": f["tile/entries/001.p/44"][:-1]},
        ("tampered", "tile/entries/001.p/44 is cut short: entries from 256 on"),
    ),
    "a bundle with too few": (
        lambda f: f | {"tile/entries/001.p/44": pack_bundle(LEAVES[256:299])},
        ("tampered", "tile/entries/001.p/44 holds 43 entries, not 44"),
    ),
    "no checkpoint": (lambda f: without(f, "checkpoint"), ("cannot", "checkpoint is missing")),
    "a checkpoint of a stranger": (
        lambda f: f | {"checkpoint": note(key=STRANGER)},
        ("cannot", "the export's checkpoint: no trusted key has signed it"),
    ),
    "a checkpoint of a stranger among many": (
        lambda f: f | {"checkpoints/a": line(note(90, key=STRANGER))},
        ("cannot", "checkpoints/a in the export: no trusted key has signed it"),
    ),
    "no note": (
        lambda f: f | {"checkpoint": b"\xff"},
        ("cannot", "the export's checkpoint: not UTF-8"),
    ),
    "a signature": (
        lambda f: f | {"checkpoint": note().replace(note()[-20:-10], note()[-19:-9])},
        ("tampered", "the export's checkpoint: a trusted key's signature is wrong"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", DAMAGE)
def test_what_was_changed_or_is_missing_is_named(tmp_path: Path, what: str) -> None:
    change, expected = DAMAGE[what]

    assert said_of(written(tmp_path, change(full()))) == expected


def test_a_key_that_does_not_count_at_that_size_proves_nothing(tmp_path: Path) -> None:
    past = [TrustedKey(KEY.verifier, 0, SIZE - 1)]

    assert said_of(written(tmp_path, full()), keys=past) == (
        "cannot",
        "the export's checkpoint: signed by a key that doesn't count at its size",
    )


@pytest.mark.parametrize(
    "bad",
    [
        b"x", b"[]", b"{}", b'{"note":1,"size":9}', b"7", b"[" * 100_000,
        canonical({"note": note(300).decode()}),
    ],
)  # fmt: skip
def test_a_line_that_is_no_checkpoint_proves_nothing(tmp_path: Path, bad: bytes) -> None:
    export = written(tmp_path, full() | {"checkpoints/b.ndjson": bad + b"\n"})

    assert said_of(export) == (
        "cannot",
        "checkpoints/b.ndjson in the export: a line is no checkpoint",
    )


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (line(note(90)) + line(note(90)), "is not in order at size 90"),
        (line(note(150)) + line(note(90)), "is not in order at size 90"),
        (
            canonical({"note": note(90).decode(), "size": 91}) + b"\n",
            "in the export: a line says another size than its checkpoint, 90",
        ),
    ],
)
def test_the_list_of_checkpoints_is_in_order_and_says_their_sizes(
    tmp_path: Path, lines: bytes, why: str
) -> None:
    export = written(tmp_path, full() | {"checkpoints/000000000090.ndjson": lines})

    verdict, said = said_of(export)

    assert (verdict, why in said) == ("cannot", True), said


def test_what_was_sealed_elsewhere_tells_of_a_history_that_was_signed_again(tmp_path: Path) -> None:
    export = written(tmp_path / "now", full(forged(100, 290)))
    before = written(tmp_path / "before", full(LEAVES[:280], (90, 280)))
    whole = written(tmp_path / "whole", full())
    was = "is not what was sealed when your previous export was made"

    assert said_of(export)[0] == "verified", "nobody can see it from within"
    assert said_of(export, checkpoint(150)) == ("tampered", two(KEPT, 150, 0))
    assert said_of(export, checkpoint(200)) == ("tampered", two(KEPT, 200, 0)), (
        "the export's own checkpoint of 150 was signed again: it narrows nothing down"
    )
    assert said_of(export, None, before)[:2] == ("tampered", f"entry 100 {was}")
    assert said_of(export, checkpoint(280), before)[:2] == ("tampered", f"entry 100 {was}")
    assert said_of(export, None, whole) == (
        "tampered",
        "two signed histories of 300 entries: the checkpoint of your previous export and the "
        "export's; both notes are the evidence",
    )


def test_a_previous_export_that_was_itself_changed_accuses_no_entry(tmp_path: Path) -> None:
    """Its tiles are not what its own checkpoint sealed."""
    files = full(LEAVES[:280], (90, 280))
    files = files | {"tile/0/000": bytes(32) + files["tile/0/000"][32:]}
    previous = written(tmp_path / "before", files)

    assert said_of(written(tmp_path / "now", full()), None, previous)[0] == "verified"


@pytest.mark.parametrize("size", [90, 280])
def test_a_trail_cut_or_rolled_back_since_the_previous_export_is_told(
    tmp_path: Path, size: int
) -> None:
    """Cut to a checkpoint that was signed then: each file of it is as it was."""
    previous = written(tmp_path / "before", full())
    export = written(tmp_path / "now", full(LEAVES[:size], (size,)))

    assert said_of(export)[0] == "verified", "nobody can see it from within"
    assert said_of(export, None, previous) == (
        "tampered",
        f"the trail was cut: {BEFORE} seals 300 entries, this later export's {size}; "
        f"entry {size} and later are gone",
    )


def test_a_checkpoint_that_the_previous_export_has_and_this_one_lacks_is_missed(
    tmp_path: Path,
) -> None:
    previous = written(tmp_path / "before", full(LEAVES[:280], (90, 150, 280)))
    export = written(tmp_path / "now", full(signed=(90, 280, 300)))

    assert said_of(export, None, previous) == (
        "cannot",
        "missing: the checkpoint of size 150, which your previous export has",
    )


def test_a_previous_export_of_a_stranger_or_of_another_log_proves_nothing(tmp_path: Path) -> None:
    previous = written(tmp_path / "before", full() | {"checkpoint": note(key=STRANGER)})
    other = SigningKey.parse(f"other.example+{base64.b64encode(bytes([3]) * 32).decode()}")
    elsewhere = Checkpoint("other.example", SIZE, checkpoint().root)
    keys = [*RING, TrustedKey(other.verifier)]
    export = written(tmp_path / "now", full())

    assert said_of(export, None, previous) == (
        "cannot",
        "your previous export: no trusted key has signed it",
    )
    assert said_of(export, elsewhere, None, keys) == (
        "cannot",
        f"checkpoints of two logs: other.example and {ORIGIN}",
    )


def test_an_entry_that_tile_and_previous_export_tell_of_is_named_once(tmp_path: Path) -> None:
    export = written(
        tmp_path / "now", full() | {"tile/entries/001.p/44": pack_bundle(forged(260)[256:])}
    )

    said = said_of(export, None, written(tmp_path / "before", full(LEAVES[:280], (90, 280))))

    assert said == ("tampered", "entry 260 is not what was sealed")


def test_a_kept_checkpoint_tells_of_a_cut_and_of_two_histories(tmp_path: Path) -> None:
    short = written(tmp_path, full(LEAVES[:280], (90, 280)))

    assert said_of(short, checkpoint()) == (
        "tampered",
        "the trail was cut: the checkpoint you kept seals 300 entries, this later export's 280; "
        "entry 280 and later are gone",
    )
    assert said_of(short, checkpoint(280, forged(5))) == (
        "tampered",
        "two signed histories of 280 entries: the checkpoint you kept and the export's; both notes "
        "are the evidence",
    )
    assert said_of(short, checkpoint(280))[0] == "verified"


def digests(files: Files) -> dict[str, str]:
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"keys.json": "0" * 64},
            ("tampered", "keys.json is not what the manifest says: one of the two was changed"),
        ),
        ({"away.json": "0" * 64}, ("cannot", "missing: away.json")),
        ({"../../etc/passwd": "0" * 64}, ("cannot", "missing: ../../etc/passwd")),
        ({"tile\\0\\000": "0" * 64}, ("cannot", "missing: tile\\0\\000")),
        ({"C:/keys.json": "0" * 64}, ("cannot", "missing: C:/keys.json")),
    ],
)
def test_every_file_is_as_the_manifest_says(
    tmp_path: Path, changes: dict[str, str], said: tuple[str, ...]
) -> None:
    files = {**digests(full()), **changes}

    assert said_of(written(tmp_path, full(), {"files": files})) == said


def test_a_file_that_the_manifest_does_not_name_is_told(tmp_path: Path) -> None:
    few = {name: digest for name, digest in digests(full()).items() if name != "keys.json"}

    assert said_of(written(tmp_path, full(), {"files": few})) == (
        "cannot",
        "keys.json is not in the manifest",
    )


KINDS: dict[str, tuple[Files, dict[str, Any], str]] = {
    "a full one that calls itself filtered": (
        full(),
        {"kind": "filtered"},
        "the manifest calls this export filtered, but it holds the files of a full one; "
        "the manifest calls this export filtered and has another filter",
    ),
    "a full one that calls itself filtered, with a filter": (
        full(),
        {"kind": "filtered", "filter": {"worker": "wk_1"}},
        "the manifest calls this export filtered, but it holds the files of a full one",
    ),
    "a filtered one that calls itself full": (
        filtered(5),
        {"kind": "full", "filter": {}},
        "the manifest calls this export full, but it holds the files of a filtered one",
    ),
    "a kind of its own": (
        full(),
        {"kind": "other"},
        "the manifest calls this export other, but it holds the files of a full one; "
        "the manifest calls this export other and has another filter",
    ),
    "one with nothing in it": (
        {"checkpoint": note(), "keys.json": KEYS},
        {"kind": "filtered", "filter": {"worker": "wk_1"}},
        "it holds no entry, so nothing of any entry is proven",
    ),
    "both at once": (
        full() | filtered(5),
        {"kind": "full", "filter": {}},
        "leaves/000000000005.json is no file of such an export: nothing is known of it; "
        "proofs/000000000005.tlog-proof is no file of such an export: nothing is known of it",
    ),
    "a proof without its entry": (
        without(filtered(5, 100), "leaves/000000000100.json"),
        {},
        "proofs/000000000100.tlog-proof proves nothing that is here",
    ),
    "a tile of another width": (
        full() | {"tile/0/001.p/40": full()["tile/0/001.p/44"][:-128]},
        {},
        "tile/0/001.p/40 is no file of such an export: nothing is known of it",
    ),
    "another size": (full(), {"size": 280}, "the manifest says 280 entries, the checkpoint 300"),
}


@pytest.mark.parametrize("what", KINDS)
def test_an_export_is_what_its_files_are_whatever_it_calls_itself(
    tmp_path: Path, what: str
) -> None:
    files, manifest, expected = KINDS[what]

    assert said_of(written(tmp_path, files, manifest)) == ("cannot", expected)


def test_a_forged_entry_is_found_whatever_the_export_calls_itself(tmp_path: Path) -> None:
    files = full() | {"tile/entries/000": pack_bundle(forged(100)[:256])}
    manifest = {"kind": "filtered", "filter": {"worker": "wk_1"}}

    assert said_of(written(tmp_path, files, manifest)) == (
        "tampered",
        "entry 100 is not what was sealed",
    )


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"7", b"{}", b"[" * 100_000])
def test_what_is_no_manifest_proves_nothing(tmp_path: Path, raw: bytes) -> None:
    export = written(tmp_path, full())
    (tmp_path / "manifest.json").write_bytes(raw)

    assert said_of(export) == (
        "cannot",
        "manifest.json is not a manifest: was the download cut off?",
    )
    (tmp_path / "manifest.json").unlink()
    assert said_of(Folder(tmp_path)) == ("cannot", "manifest.json is missing")


@pytest.mark.parametrize(
    ("first", "more"),
    [
        (None, ""),
        (150, "; the trail only added to the 150 entries sealed by the checkpoint you kept"),
        (SIZE, "; the trail only added to the 300 entries sealed by the checkpoint you kept"),
    ],
)
def test_single_entries_are_proven_each_by_itself(
    tmp_path: Path, first: int | None, more: str | None
) -> None:
    export = written(tmp_path, filtered(0, 100, 299, first=first))
    kept = None if first is None else checkpoint(first)

    files = 8 if first is None else 9
    assert said_of(export, kept) == (
        "verified",
        f"3 of 3 entries in the export are in the trail of 300 entries that {ORIGIN} sealed, each "
        f"by its own proof{more}; that no entry was left out is not proven; each shows "
        f"what the export was filtered by (worker=wk_1); all {files} files are "
        f"those of the manifest; {UNSIGNED}",
    )


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"worker": "wk_2"}, "entry 5 does not show worker=wk_2, by which the export was filtered"),
        ({"worker": "worker"}, "entry 5 does not show worker=worker, by which"),
        ({"type": "x"}, "entry 5 does not show type=x"),
        ({"from": "y"}, "entry 5 does not show from=y"),
        ({"to": "a"}, "entry 5 does not show to=a"),
        ({"worker": "wk_1", "agency": "ag_1"}, "entry 5 does not show agency=ag_1"),
    ],
)
def test_an_entry_that_is_not_what_the_export_was_filtered_by_is_told(
    tmp_path: Path, asked: dict[str, str], said: str
) -> None:
    """Its search fields were changed, or the manifest was: neither is signed."""
    export = written(tmp_path, filtered(5), {"filter": asked})

    assert said_of(export)[0] == "cannot"
    assert said in said_of(export)[1]


def test_what_an_entry_is_found_by_stands_in_it() -> None:
    """For every event there ever was: else an honest export would be doubted."""
    for path in EVENTS.glob("*.json"):
        event = json.loads(path.read_text("utf-8"))
        leaf = canonical({"event": event, "recorded_at": "x"})
        found = fields_of(event)
        wanted = [(name, one) for name in IDS for one in as_list(found.get(name, []))]
        assert not [(name, one) for name, one in wanted if not_shown(leaf, {name: one})], path.name
        assert not not_shown(leaf, {"type": found["type"], "from": "x", "to": "x"})


def test_the_filters_of_an_export_are_those_that_can_be_asked_for() -> None:
    asked = {field.alias or name for name, field in ExportRequest.model_fields.items()}

    assert asked - {"previous"} == {*SHOWN, *DERIVED}


def as_list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def test_a_previous_export_counts_for_a_filtered_one_too(tmp_path: Path) -> None:
    previous = written(tmp_path / "before", full(LEAVES[:150], (150,)))
    rewritten = written(tmp_path / "rewritten", full(forged(7)[:150], (150,)))
    export = written(tmp_path / "now", filtered(100, first=150))
    none = written(tmp_path / "none", filtered(100))

    said = said_of(export, None, previous)
    assert said[0] == "verified"
    assert f"only added to the 150 entries sealed by {BEFORE}" in said[1]
    assert said_of(export, None, rewritten)[0] == "tampered"
    assert said_of(none, None, previous)[0] == "cannot"


def proof(seq: int) -> str:
    return f"proofs/{seq:012d}.tlog-proof"


WRONG = "entry 100 is not what was sealed, or its proof was changed"
NO_PROOF = ("cannot", "1 of 2 entries without a proof: 100")


def path_of(seq: int, change: Callable[[list[str]], list[str]]) -> Callable[[Files], Files]:
    """The export with other hashes in this proof."""

    def changed(files: Files) -> Files:
        head, _, signed = files[proof(seq)].decode().partition("\n\n")
        start, index, *hashes = head.split("\n")
        text = "\n".join([start, index, *change(hashes)]) + f"\n\n{signed}"
        return files | {proof(seq): text.encode()}

    return changed


SINGLE: dict[str, tuple[Callable[[Files], Files], tuple[str, ...]]] = {
    "an entry": (lambda f: f | {"leaves/000000000100.json": FORGED}, ("tampered", WRONG)),
    "a proof of another": (lambda f: f | {proof(100): f[proof(5)]}, NO_PROOF),
    "no proof at all": (lambda f: f | {proof(100): b"x"}, NO_PROOF),
    "a proof that is empty": (lambda f: f | {proof(100): b""}, NO_PROOF),
    "a proof that is cut": (lambda f: f | {proof(100): f[proof(100)][:90]}, NO_PROOF),
    "a proof that lacks a hash": (path_of(100, lambda hashes: hashes[:-1]), NO_PROOF),
    "a proof with one too many": (path_of(100, lambda hashes: [*hashes, hashes[0]]), NO_PROOF),
    "a hash of a proof cut": (path_of(100, lambda hashes: [hashes[0][1:], *hashes[1:]]), NO_PROOF),
    "a hash of a proof": (path_of(100, lambda hashes: hashes[::-1]), ("tampered", WRONG)),
    "a proof to another checkpoint": (
        lambda f: f | {proof(100): f[proof(100)].replace(note(), note(280))},
        NO_PROOF,
    ),
    "a stranger's proof": (
        lambda f: f | {proof(100): f[proof(100)].replace(note(), note(key=STRANGER))},
        ("cannot", "the proof of entry 100: no trusted key has signed it"),
    ),
    "an entry under another's name": (
        lambda f: (
            without(f, "leaves/000000000100.json", proof(100))
            | {"leaves/000000000101.json": LEAVES[100], proof(101): f[proof(100)]}
        ),
        ("cannot", "1 of 2 entries without a proof: 101"),
    ),
    "proofs that are missing": (
        lambda f: without(f, proof(5), proof(100)),
        ("cannot", "2 of 2 entries without a proof: 5, 100"),
    ),
    "both": (
        lambda f: without(f, proof(5)) | {"leaves/000000000100.json": FORGED},
        ("tampered", WRONG),
    ),
    "a file among the entries": (
        lambda f: f | {"leaves/5.json": b""},
        ("cannot", "a file among the leaves names no entry: leaves/5.json"),
    ),
}


@pytest.mark.parametrize("what", SINGLE)
def test_a_single_entry_without_its_proof_is_named(tmp_path: Path, what: str) -> None:
    change, expected = SINGLE[what]

    assert said_of(written(tmp_path, change(filtered(5, 100)))) == expected


def test_no_more_than_the_first_are_told(tmp_path: Path) -> None:
    places = range(25)
    files = filtered(*places)
    changed = files | {f"leaves/{n:012d}.json": FORGED for n in places}

    said = said_of(written(tmp_path / "changed", changed))
    missing = said_of(written(tmp_path / "missing", without(files, *map(proof, places))))

    assert said == ("tampered", *(WRONG.replace("100", str(n)) for n in range(20)), "and 5 more")
    told = ", ".join(map(str, range(20)))
    assert missing == ("cannot", f"25 of 25 entries without a proof: {told}, and 5 more")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (None, ("cannot", "the export has no consistency proof: ask for one with `previous`")),
        (consistency(90), ("cannot", "the proof is from 90 to 300, not 150 to 300")),
        (consistency(150, 280), ("cannot", "the proof is from 150 to 280, not 150 to 300")),
        (
            consistency(150, leaves=forged(100)),
            (
                "tampered",
                "the trail of 300 entries is not shown to extend the 150 sealed before: "
                "one of the entries 0 to 149 was changed, or the proof was",
            ),
        ),
        *(
            (raw, ("cannot", "not a consistency proof"))
            for raw in (
                b"x", b"[]", b"{}", b'{"first":1,"second":2,"hashes":["!"]}',
                b'{"first":[],"second":2,"hashes":[]}', b'{"first":1,"second":2}',
            )
        ),
    ],
)  # fmt: skip
def test_that_the_trail_only_grew_takes_a_proof(
    tmp_path: Path, raw: bytes | None, said: tuple[str, ...]
) -> None:
    files = filtered(5) | ({"consistency.json": raw} if raw else {})

    assert said_of(written(tmp_path, files), checkpoint(150)) == said


def test_a_consistency_proof_is_read_as_it_is_written() -> None:
    first, second, hashes = read_consistency(consistency(150))

    assert (first, second) == (150, SIZE)
    assert hashes == proof_of(consistency_ranges(150, SIZE), reader(LEAVES))
    check_consistency(checkpoint(150), checkpoint(), consistency(150))


def test_entries_are_read_with_their_places(tmp_path: Path) -> None:
    whole = written(tmp_path, full())

    assert list(entries_in(whole, SIZE)) == [
        (n, {"actor": "worker:wk_1", "id": f"evt_{n}"}) for n in range(SIZE)
    ]


@pytest.mark.parametrize("leaf", [b"", b"[]", b"{}", b'{"event":[]}', b"7", b"\xff"])
def test_an_entry_that_is_none_is_not_read(tmp_path: Path, leaf: bytes) -> None:
    files = full() | {"tile/entries/000": pack_bundle([*LEAVES[:255], leaf])}
    with pytest.raises(CannotVerify, match="entry 255 can't be read"):
        list(entries_in(written(tmp_path / "whole", files), SIZE))
    with pytest.raises(CannotVerify, match="entries from 0 on can't be read"):
        list(entries_in(written(tmp_path / "x", files | {"tile/entries/000": b"x"}), SIZE))
    with pytest.raises(CannotVerify, match=r"tile/entries/001\.p/44 is missing"):
        list(entries_in(written(tmp_path / "no", without(full(), "tile/entries/001.p/44")), SIZE))


def test_a_folder_and_its_tar_are_one_export(tmp_path: Path) -> None:
    folder = written(tmp_path / "folder", full())
    with tarfile.open(tmp_path / "export.tar", "w") as tar:
        for path in sorted((tmp_path / "folder").rglob("*"), reverse=True):
            tar.add(path, path.relative_to(tmp_path / "folder").as_posix(), recursive=False)

    packed = source_of(tmp_path / "export.tar")

    assert isinstance(source_of(tmp_path / "folder"), Folder)
    assert isinstance(packed, Tar)
    assert packed.names() == folder.names() == sorted([*full(), "manifest.json"])
    assert all(packed.read(name) == folder.read(name) for name in folder.names())
    for source in (packed, folder):
        assert (source.read("tile"), source.read("away")) == (None, None)
    assert said_of(packed) == said_of(folder)
    for path in (tmp_path / "folder" / "checkpoint", tmp_path / "away"):
        with pytest.raises(CannotVerify, match="neither a folder nor a plain tar"):
            source_of(path)


def test_a_file_is_read_once_and_its_digest_is_of_what_was_read(tmp_path: Path) -> None:
    export = Digested(written(tmp_path, {"a": b"first", "b": b"b"}))
    assert export.read("a") == b"first"
    (tmp_path / "a").write_bytes(b"second")

    assert export.names() == ["a", "b", "manifest.json"]
    assert export.digest("a") == hashlib.sha256(b"first").hexdigest()
    assert export.digest("b") == hashlib.sha256(b"b").hexdigest()
    assert (export.digest("away"), export.read("away")) == (None, None)


def test_the_keys_to_trust_are_given_as_text_or_as_the_log_lists_them(tmp_path: Path) -> None:
    one, two = str(KEY.verifier), str(STRANGER.verifier)
    listed = tmp_path / "keys.json"
    entries: list[dict[str, Any]] = [
        {"verifier_key": two, "first": 4, "last": 9},
        {"verifier_key": one, "first": 0, "last": None},
    ]
    listed.write_text(json.dumps({"origin": ORIGIN, "keys": entries}))

    assert keys_of([one], [listed]) == [
        TrustedKey(KEY.verifier, -1),
        TrustedKey(STRANGER.verifier, 4, 9),
        TrustedKey(KEY.verifier, 0, None),
    ]
    with pytest.raises(Misused, match="name the key to trust: --key or --keys"):
        keys_of([], [])
    for bad in ('{"keys": [{}]}', "[]", "x", "{}", '{"keys": ["x"]}'):
        listed.write_text(bad)
        with pytest.raises(Misused, match="a key is not written as keys are"):
            keys_of([], [listed])
    with pytest.raises(Misused, match="a key is not written as keys are"):
        keys_of(["x"], [])
    with pytest.raises(Misused, match="away can't be read"):
        bytes_of(tmp_path / "away")
    assert bytes_of(listed) == b'{"keys": ["x"]}'


def test_json_without_end_is_no_json() -> None:
    with pytest.raises(ValueError, match="nested too deep"):
        json_of(b"[" * 100_000)


def test_leaves_say_their_places(tmp_path: Path) -> None:
    assert leaves_in(written(tmp_path, filtered(5, 299))) == {
        "leaves/000000000005.json": 5,
        "leaves/000000000299.json": 299,
    }


def test_the_one_file_is_its_modules_with_what_they_import_from_outside_once(
    tmp_path: Path,
) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "log/a.py").write_text(
        '"""About a.\n\nMore of it.\n"""\n\nimport os\nfrom json import dumps, loads\n\n'
        "ONE, TWO = 1, 2\n\n\nclass A:\n    import sys\n\n\n\n\n    pass\n"
    )
    (tmp_path / "b.py").write_text(
        "from json import (\n    loads,\n)\n\nfrom services.audit.log.a import A\n\n\n"
        "def b():\n    return A\n"
    )

    text = one_file(("log/a", "b"), tmp_path)

    head, _, code = text.partition("from json import dumps\n")
    assert head.startswith("#!/usr/bin/env python3\n")
    assert code == (
        "from json import loads\nimport os\n\n"
        "# --- log/a.py\n\n# About a.\n#\n# More of it.\n#\n\n\n"
        "ONE, TWO = 1, 2\n\n\nclass A:\n    import sys\n\n\n    pass\n\n\n"
        "# --- b.py\n\ndef b():\n    return A\n"
    )


def test_the_one_file_needs_no_package_and_says_so_to_an_older_python() -> None:
    text = one_file()

    roots = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name) or ""
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert {root.partition(".")[0] for root in roots} <= sys.stdlib_module_names
    first = ast.parse(text).body[:3]
    assert [ast.unparse(node) for node in first[1:2]] == ["import sys"]
    assert "sys.exit(2)" in ast.unparse(first[2])
    # An older one reads as far as that: a syntax error would end in 1, the code that accuses.
    ast.parse(text, feature_version=(3, 8))


@pytest.mark.parametrize(
    "again", ["def one(): ...", "class one: ...", "one = 2", "two, one = 1, 2"]
)
def test_one_name_for_two_things_makes_no_file(tmp_path: Path, again: str) -> None:
    (tmp_path / "a.py").write_text("one = 1\n")
    (tmp_path / "b.py").write_text(again)

    with pytest.raises(ValueError, match="one is defined in a and in b"):
        one_file(("a", "b"), tmp_path)


@pytest.mark.parametrize(
    ("change", "leaf", "code"),
    [
        (lambda hashes: hashes, LEAVES[100], 0),
        (lambda hashes: hashes, FORGED, 1),
        (lambda hashes: hashes[::-1], LEAVES[100], 1),
        (lambda hashes: hashes[:-1], LEAVES[100], 2),
        (lambda hashes: [*hashes, hashes[0]], FORGED, 2),
    ],
)
def test_one_proof_by_itself_is_broken_or_does_not_fit(
    tmp_path: Path, change: Callable[[list[str]], list[str]], leaf: bytes, code: int
) -> None:
    text = path_of(100, change)(filtered(100))[proof(100)]
    (tmp_path / "proof").write_bytes(text)
    (tmp_path / "leaf").write_bytes(leaf)

    said = verify(
        "proof", tmp_path / "proof", "--leaf", tmp_path / "leaf", "--key", str(KEY.verifier)
    )

    assert said.code == code, said.said
