"""Every field of a manifest, of keys and of checkpoints becomes something else: none of it is
believed. Where a field is signed by nobody and nothing is there to hold it against, the verdict says so.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from services.audit.log.checkpoints import TrustedKey
from services.audit.log.leaf import canonical
from services.audit.verify.exported import UNSIGNED, check_export
from services.audit.verify.signed import keys_of
from services.audit.verify.verdicts import CannotVerify, Misused, Tampered
from tests.harness.exports import (
    KEY,
    KEYS,
    LEAVES,
    ORIGIN,
    SIZE,
    STRANGER,
    Files,
    filtered,
    full,
    line,
    manifest_of,
    note,
    written,
)

LISTED = "checkpoints/000000000090.ndjson"
RANGED = [TrustedKey(KEY.verifier, 0, None)]  # as a `keys.json` that the auditor kept
WHOLE: dict[str, Files] = {"full": full(), "filtered": filtered(5, 100, first=90)}
ODD: tuple[Any, ...] = (
    None, True, 0, -1, 7, SIZE + 1, 2**70, 1.5, "", "x", "full", "filtered", [], {"x": "y"},
)  # fmt: skip


def paths(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON document."""
    if at:
        yield at
    inner = value.items() if isinstance(value, dict) else ()
    for key, one in enumerate(value) if isinstance(value, list) else inner:
        yield from paths(one, (*at, key))


def put(value: Any, at: tuple[Any, ...], change: Callable[[Any], Any]) -> Any:
    """The document with something else at a place; `Ellipsis` takes it away."""
    whole = json.loads(json.dumps(value))
    inner = whole
    for key in at[:-1]:
        inner = inner[key]
    other = change(inner[at[-1]])
    if other is ...:
        del inner[at[-1]]
    else:
        inner[at[-1]] = other
    return whole


def code(folder: Path, files: Files, manifest: Any, keys: list[TrustedKey] = RANGED) -> int:
    """The exit code, for files under this manifest, written as it is."""
    export = written(folder, files)
    (folder / "manifest.json").write_bytes(json.dumps(manifest).encode())
    try:
        said = check_export(export, keys, None)
    except Tampered:
        return 1
    except CannotVerify:
        return 2
    assert UNSIGNED in said
    return 0


def manifest(files: Files) -> dict[str, Any]:
    digests = {name: hashlib.sha256(raw).hexdigest() for name, raw in files.items()}
    return {**manifest_of(files), "files": digests}


@pytest.mark.parametrize("kind", WHOLE)
def test_every_field_of_a_manifest_is_held_against_what_is_there(tmp_path: Path, kind: str) -> None:
    files = WHOLE[kind]
    good = manifest(files)
    assert code(tmp_path, files, good) == 0
    believed = []
    for at in paths(good):
        for other in (*ODD, ...):
            bad = put(good, at, lambda _, other=other: other)  # type: ignore[misc]
            if bad != good and code(tmp_path, files, bad) == 0:
                believed.append((at, other))

    believed.remove((("complete_for",), ...))  # as of a version that did not say it
    # What the trail says of its own search: only that it may have missed some follows from it.
    believed = [(at, one) for at, one in believed if at[0] != "search_fields"]
    words = {"export", "asked_by", "purpose", "asked_at"}
    unsigned = {(at, other) for at, other in believed if at[0] in words and isinstance(other, str)}
    assert len(believed) == len(unsigned), believed


def test_a_manifest_that_can_be_read_in_two_ways_is_none(tmp_path: Path) -> None:
    text = json.dumps(manifest(full()))
    export = written(tmp_path, full())
    (tmp_path / "manifest.json").write_text('{"kind": "filtered", ' + text[1:])

    with pytest.raises(CannotVerify, match="not a manifest"):
        check_export(export, RANGED, None)


@pytest.mark.parametrize("kind", WHOLE)
def test_every_field_of_the_keys_in_an_export_is_held_against_the_keys_you_trust(
    tmp_path: Path, kind: str
) -> None:
    listed = json.loads(KEYS)
    believed = []
    for at in paths(listed):
        for other in (*ODD, str(STRANGER.verifier), ORIGIN + "x", ...):
            bad = put(listed, at, lambda _, other=other: other)  # type: ignore[misc]
            files = {**WHOLE[kind], "keys.json": json.dumps(bad).encode()}
            if bad != listed and code(tmp_path, files, manifest(files)) == 0:
                believed.append((at, other))

    # A key may have been retired since the auditor took it, at a size that is not reached here.
    assert believed == [(("keys", 0, "last"), SIZE + 1), (("keys", 0, "last"), 2**70)]


def test_a_key_more_is_no_doubt_and_a_key_less_is(tmp_path: Path) -> None:
    entries = json.loads(KEYS)["keys"]
    more = {"verifier_key": str(STRANGER.verifier), "first": SIZE, "last": None}

    def judged(keys: list[dict[str, Any]], trusted: list[TrustedKey]) -> int:
        files = full() | {"keys.json": canonical({"origin": ORIGIN, "keys": keys})}
        return code(tmp_path, files, manifest(files), trusted)

    assert judged([*entries, more], RANGED) == 0
    assert judged([more], RANGED) == 2
    assert judged([*entries, *entries], RANGED) == 2
    assert judged(entries, keys_of([str(KEY.verifier)], [])) == 0
    assert judged(entries, [*RANGED, TrustedKey(STRANGER.verifier, 5, 9)]) == 2


def test_every_field_of_the_keys_you_give_must_be_as_keys_are(tmp_path: Path) -> None:
    listed, path = json.loads(KEYS), tmp_path / "keys.json"
    taken = []
    for at in paths(listed):
        for other in (*ODD, str(STRANGER.verifier), ORIGIN + "x", ...):
            path.write_text(json.dumps(put(listed, at, lambda _, other=other: other)))  # type: ignore[misc]
            try:
                keys = keys_of([], [path])
            except Misused:
                continue
            if keys != RANGED and code(tmp_path / "export", full(), manifest(full()), keys) == 0:
                taken.append((at, other))

    # These trust the same key for sizes that this export does not have.
    narrower = {(("keys", 0, "last"), SIZE + 1), (("keys", 0, "last"), 2**70)}
    assert set(taken) <= narrower, taken


@pytest.mark.parametrize("name", ["checkpoint", LISTED])
def test_no_bit_of_a_checkpoint_may_differ(tmp_path: Path, name: str) -> None:
    good = full()[name]
    for place in range(0, len(good), 3 if name == "checkpoint" else 11):
        raw = bytearray(good)
        raw[place] ^= 1 << (place % 8)
        files = full() | {name: bytes(raw)}

        assert code(tmp_path, files, manifest(files)) != 0, (name, place)


@pytest.mark.parametrize("where", ["checkpoint", "listed"])
def test_every_field_of_a_checkpoint_is_signed(tmp_path: Path, where: str) -> None:
    size = SIZE if where == "checkpoint" else 150
    text = note(size).decode()
    origin, number, root, *rest = text.split("\n")
    others = note(280).decode().split("\n")
    for changed in (
        [origin + "x", number, root, *rest], [origin, "299", root, *rest],
        [origin, "0", root, *rest], [origin, f"0{number}", root, *rest],
        [origin, number, others[2], *rest], [origin, number, root, "more", *rest],
        [origin, number, *rest], [origin, number, root, "", others[4], ""],
        [origin, number, root, "", *note(size, key=STRANGER).decode().split("\n")[4:]],
        [origin, number, root, ""], ["", number, root, *rest],
    ):  # fmt: skip
        bad = "\n".join(changed).encode()
        stated = canonical({"note": bad.decode(), "size": size}) + b"\n"
        lines = line(note(90)) + stated + line(note(280)) + line(note())
        files = full() | ({"checkpoint": bad} if where == "checkpoint" else {LISTED: lines})

        assert code(tmp_path, files, manifest(full()) | {"files": manifest(files)["files"]}) != 0, (
            changed
        )


def test_a_strangers_signature_beside_the_trails_own_changes_nothing(tmp_path: Path) -> None:
    both = note() + note(key=STRANGER).rpartition(b"\n\n")[2]
    files = full() | {"checkpoint": both}

    assert code(tmp_path, files, manifest(files)) == 0


@pytest.mark.parametrize("seq", [0, 5, 255, 256, SIZE - 1])
def test_a_single_entry_that_was_edited_is_the_only_one_accused(tmp_path: Path, seq: int) -> None:
    """In every bundle, at every edge, with one byte more, less or other."""
    for other in (b"", LEAVES[seq][:-1], LEAVES[seq] + b" ", LEAVES[seq][::-1]):
        leaves = (*LEAVES[:seq], other, *LEAVES[seq + 1 :])
        name = "tile/entries/000" if seq < 256 else "tile/entries/001.p/44"
        files = full() | {name: full(leaves)[name]}
        export = written(tmp_path, files)

        with pytest.raises(Tampered) as caught:
            check_export(export, RANGED, None)
        assert caught.value.findings == (f"entry {seq} is not what was sealed",)
