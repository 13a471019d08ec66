"""Exports that somebody made up, by their structure: never a failure, never more than was proven,
nobody accused who was not changed. `make fuzz-verify` runs many (EXAMPLES=…); `make test` a few."""

import base64
import hashlib
import io
import json
import os
import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from services.audit.log.checkpoints import Checkpoint
from services.audit.log.leaf import canonical
from services.audit.log.signing import SigningKey
from services.audit.log.tiles import WIDTH, Bundle, pack_bundle, unpack_bundle
from tests.harness.exports import (
    FORGED,
    KEY,
    LEAVES,
    ORIGIN,
    SIZE,
    STRANGER,
    Files,
    Leaves,
    filtered,
    full,
    line,
    manifest_of,
    note,
)
from tests.harness.trails import Verdict, verify

EXAMPLES = int(os.environ.get("EXAMPLES", "200"))
ELSEWHERE = SigningKey.parse(f"other.example+{base64.b64encode(bytes([9]) * 32).decode()}")
LINES = ("verified: ", "TAMPERED: ", "cannot verify: ", "usage: ")
EXACT = re.compile(r"^TAMPERED: entry (\d+) is not what was sealed(?! *, or)", re.MULTILINE)
RANGE = re.compile(r"one of the entries (\d+) to (\d+) was (changed|rewritten)")
TILE = re.compile(r"^TAMPERED: (tile/0/\S+) was changed; its entries are", re.MULTILINE)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=9)
    | st.sampled_from(["full", "filtered", "0" * 64, ORIGIN, str(KEY.verifier)]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
NAMES = st.sampled_from(
    ["leaves/x.json", "leaves/000000000007.json", "leaves/0000000000007.json", "x", "é", "a\nb",
     "tile/0/000", "tile/0/002", "tile/entries/x001/000", "checkpoints/x", "consistency.json",
     "proofs/000000000007.tlog-proof", "../x", "C:\\x", "tile\\0\\000", "tile/0/000.p/256"]
) | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)  # fmt: skip


class Case:
    """An export as it is being made up. `stolen`: the trail's key signed another history."""

    def __init__(self, files: Files) -> None:
        self.files, self.stolen = dict(files), False
        self.more: list[tuple[str, bytes]] = []  # a second time in the tar

    def name(self, draw: Any) -> str:
        few = sorted(n for n in self.files if not n.startswith(("leaves/", "proofs/")))
        every = sorted(self.files)
        return str(draw(st.sampled_from(few if few and draw(st.booleans()) else every)))


def other_bytes(draw: Any, raw: bytes) -> bytes:
    """A bit, a cut, more of it, or something else altogether."""
    at = draw(st.integers(0, max(0, len(raw) - 1)))
    how = draw(st.integers(0, 5))
    if how == 0 and raw:
        return raw[:at] + bytes([raw[at] ^ (1 << draw(st.integers(0, 7)))]) + raw[at + 1 :]
    if how == 1:
        return raw[:at]
    if how == 2:
        return raw + bytes(draw(st.sampled_from([b"x", b"\n", raw])))
    if how == 3 and len(raw) >= 64:  # two hashes change places
        one, two = (32 * draw(st.integers(0, len(raw) // 32 - 1)) for _ in range(2))
        swapped = bytearray(raw)
        swapped[one : one + 32], swapped[two : two + 32] = raw[two : two + 32], raw[one : one + 32]
        return bytes(swapped)
    return bytes(draw(st.sampled_from([b"", b"[" * 9999, b"\xff", b"{}"]) | st.binary(max_size=40)))


def other_json(draw: Any, raw: bytes) -> bytes:
    """Somewhere in a JSON document stands something else, nothing, or a name twice."""
    try:
        whole = json.loads(raw)
    except (ValueError, RecursionError):
        return other_bytes(draw, raw)
    inner, before = whole, None
    while isinstance(inner, dict | list) and inner and (before is None or draw(st.booleans())):
        keys = sorted(inner) if isinstance(inner, dict) else list(range(len(inner)))
        key = draw(st.sampled_from(keys))
        before, inner = (inner, key), inner[key]
    if before is None:
        return json.dumps(draw(JSON)).encode()
    at, key = before
    how = draw(st.integers(0, 3))
    if how == 0:
        del at[key]
    elif how == 1 and isinstance(at, dict):
        return b'{"kind": "filtered", "size": 1, "keys": [], ' + raw.strip()[1:]
    else:
        at[key] = draw(JSON)
    return json.dumps(whole).encode()


def change_file(draw: Any, case: Case) -> None:
    name = case.name(draw)
    case.files[name] = other_bytes(draw, case.files[name])


def change_json(draw: Any, case: Case) -> None:
    names: list[str] = [
        n for n in ("manifest.json", "keys.json", "consistency.json") if n in case.files
    ]
    name = draw(st.sampled_from(names or sorted(case.files)))
    case.files[name] = other_json(draw, case.files[name])


def change_list(draw: Any, case: Case) -> None:
    """A line of the list of checkpoints goes, comes twice, or is another's."""
    name = "checkpoints/000000000090.ndjson"
    lines = case.files.get(name, b"").splitlines(keepends=True)
    at = draw(st.integers(0, len(lines)))
    how = draw(st.integers(0, 4))
    if how == 0:
        lines[at : at + 1] = []
    elif how == 1:
        lines[at:at] = lines[:1]
    elif how == 2 and at < len(lines):
        lines[at] = other_json(draw, lines[at]) + b"\n"
    else:
        lines[at:at] = [line(other_note(draw, case))]
    case.files[name] = b"".join(lines)


def other_note(draw: Any, case: Case) -> bytes:
    """Signed by a stranger, another log, or with the stolen key; of another size or history."""
    size = draw(st.sampled_from([0, 1, 90, 150, 256, 280, SIZE - 1, SIZE]))
    who = draw(st.sampled_from(["trail", "stranger", "elsewhere", "stolen"]))
    if who == "elsewhere":
        return Checkpoint("other.example", size, bytes(32)).sign([ELSEWHERE]).encode()
    if who == "stolen":
        case.stolen = True
        return (
            Checkpoint(ORIGIN, size, draw(st.binary(min_size=32, max_size=32))).sign([KEY]).encode()
        )
    return note(size, key=STRANGER if who == "stranger" else KEY)


def change_note(draw: Any, case: Case) -> None:
    case.files["checkpoint"] = other_note(draw, case)


def change_name(draw: Any, case: Case) -> None:
    name = case.name(draw)
    how = draw(st.integers(0, 2))
    content = case.files.pop(name) if how else draw(st.binary(max_size=9))
    if how != 1:
        case.files[draw(NAMES | st.sampled_from(sorted(full())))] = content


def change_twice(draw: Any, case: Case) -> None:
    name = case.name(draw)
    case.more.append((name, draw(st.sampled_from([case.files[name], b"x"]))))


def change_entry(draw: Any, case: Case) -> None:
    """One entry is edited, swapped or taken out; and, as an insider would, its tiles with it."""
    leaves = list(LEAVES)
    at, to = (draw(st.integers(0, SIZE - 1)) for _ in range(2))
    how = draw(st.integers(0, 3))
    if how == 0:
        leaves[at], leaves[to] = leaves[to], leaves[at]
    else:
        leaves[at] = draw(st.sampled_from([FORGED, b"", leaves[at] + b" ", leaves[to]]))
    forged = full(tuple(leaves))
    level = draw(st.integers(0, 3))
    for name, content in forged.items():
        wanted = ("tile/entries", "tile/0", "tile/1")[: min(level, 2) + 1]
        if name in case.files and (
            name.startswith(wanted) or (level == 3 and "checkpoint" in name)
        ):
            case.stolen |= "checkpoint" in name
            case.files[name] = content
    single = f"leaves/{at:012d}.json"
    if single in case.files:
        case.files[single] = leaves[at]


CHANGES: tuple[Callable[[Any, Case], None], ...] = (
    change_file, change_json, change_list, change_note, change_name, change_twice, change_entry,
)  # fmt: skip
PREVIOUS = ("none", "good", "stolen")


def fitted(files: Files) -> Files:
    """With a manifest that fits, as somebody who lies would write it."""
    try:
        rest = {name: raw for name, raw in files.items() if name != "manifest.json"}
        digests = {name: hashlib.sha256(raw).hexdigest() for name, raw in rest.items()}
        return {**rest, "manifest.json": canonical({**manifest_of(rest), "files": digests})}
    except UnicodeEncodeError:
        return files


def tar(path: Path, files: list[tuple[str, bytes]], cut: float) -> Path:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as out:
        for name, content in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            out.addfile(entry, io.BytesIO(content))
    path.write_bytes(raw.getvalue()[: int(len(raw.getvalue()) * cut)])
    return path


def entries(files: Files) -> dict[int, bytes]:
    """The entries that are in these files, where they can be read."""
    found: dict[int, bytes] = {}
    for index in range(2):
        raw = files.get(Bundle(index, min(WIDTH, SIZE - index * WIDTH)).path, b"")
        try:
            leaves = unpack_bundle(raw)
        except ValueError:
            continue
        found |= {index * WIDTH + place: leaf for place, leaf in enumerate(leaves)}
    singles = {n: raw for n, raw in files.items() if re.fullmatch(r"leaves/\d{12}\.json", n)}
    return found | {int(name[7:19]): raw for name, raw in singles.items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a kept checkpoint and an earlier export, in a tar."""
    path = tmp_path_factory.mktemp("fuzz")
    (path / "kept").write_bytes(note(90))
    earlier = fitted(full(LEAVES[:280], (90, 150, 280)))
    tar(path / "previous.tar", [*earlier.items()], 1)
    return path


@settings(
    max_examples=EXAMPLES,
    derandomize=EXAMPLES <= 200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data())
def test_no_export_however_made_up_fails_the_verifier_or_is_misjudged(
    folder: Path, data: Any
) -> None:
    draw = data.draw
    case = Case(fitted(draw(st.sampled_from([full(), filtered(5, 100, 299, first=90)]))))
    good = dict(case.files)
    for _ in range(draw(st.integers(0, 3))):
        if case.files:
            draw(st.sampled_from(CHANGES))(draw, case)
    files = fitted(case.files) if draw(st.booleans()) else case.files
    cut = draw(st.sampled_from([1.0, 1.0, 1.0, 0.99, 0.5, 0.0]))
    path = tar(folder / "export.tar", [*files.items(), *case.more], cut)
    held = draw(
        st.sampled_from([(), ("--kept", folder / "kept"), ("--previous", folder / "previous.tar")])
    )
    command = draw(st.sampled_from(["export", "export", "export", "gaps"]))

    said = verify(command, path, "--key", str(KEY.verifier), *(held if command == "export" else ()))

    event(f"exit {said.code}")
    judge(said, files, good, case.stolen)
    if (
        files == good
        and not case.more
        and cut == 1
        and "--previous" not in held
        and command == "export"
    ):
        assert said.code == 0, said.said


def judge(said: Verdict, files: Files, good: Files, stolen: bool) -> None:
    """What may be said of these files."""
    assert said.code in (0, 1, 2)
    assert "the verifier failed" not in said.said
    assert all(one.startswith(LINES) or ": " in one for one in said.said.splitlines())
    assert (said.code == 1) == ("TAMPERED: " in said.said)
    found = entries(files)
    other = {seq for seq in range(SIZE) if found.get(seq) != LEAVES[seq]}
    if said.code == 0 and not stolen:
        assert all(leaf == LEAVES[seq] for seq, leaf in found.items())
        if whole := re.search(r"all (\d+) entries", said.said):
            assert set(found) == set(range(int(whole[1])))
    if stolen:
        return
    accused = {int(seq) for seq in EXACT.findall(said.said)}
    assert accused <= other, said.said
    for first, last, _ in RANGE.findall(said.said):
        changed_proof = "or the proof was" in said.said
        assert changed_proof or other & set(range(int(first), int(last) + 1)), said.said
    for name in TILE.findall(said.said):
        assert files[name] != full()[name], said.said


def rewritten(*places: int) -> Leaves:
    return tuple(FORGED if n in places else leaf for n, leaf in enumerate(LEAVES))


@settings(max_examples=EXAMPLES // 4, derandomize=EXAMPLES <= 200,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(st.sets(st.integers(0, SIZE - 1), min_size=1, max_size=4))
def test_with_the_stolen_key_a_previous_export_names_exactly_what_was_rewritten(
    folder: Path, places: set[int]
) -> None:
    """Everything made anew and signed again. What came after the earlier export nobody can know."""
    files = fitted(full(rewritten(*places)))
    path = tar(folder / "export.tar", [*files.items()], 1)

    said = verify("export", path, "--key", str(KEY.verifier), "--previous", folder / "previous.tar")

    named = {int(seq) for seq in re.findall(r"entry (\d+) is not what was sealed when", said.said)}
    assert named == {seq for seq in places if seq < 280}
    assert said.code == (1 if named else 0)


def test_the_pieces_are_the_export() -> None:
    assert entries(full()) == dict(enumerate(LEAVES))
    assert pack_bundle(LEAVES[256:]) == full()["tile/entries/001.p/44"]
