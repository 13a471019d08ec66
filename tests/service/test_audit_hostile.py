"""An export that somebody made up, or changed on its way: never a traceback, never more than was proven."""

import asyncio
import hashlib
import io
import json
import random
import shutil
import tarfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest_asyncio

from shared.storage.store import Database
from tests.harness.trails import OneTrail, Verdict, a_trail, body, verify

CASES = 200
COUNT = 260
Files = dict[str, bytes]


@pytest_asyncio.fixture
async def trail(database: Database) -> AsyncIterator[OneTrail]:
    async with a_trail(database, 40) as made:
        await made.grow(40, COUNT)
        few: dict[str, Any] = {"actor": "worker:wk_9", "actorrole": "worker"}
        await made.append(*(body(n, **few) for n in range(COUNT, COUNT + 6)))
        await made.sign()
        yield made


def read(folder: Path) -> Files:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def written(folder: Path, files: Files) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def tar(path: Path, files: Files, chance: random.Random) -> Path:
    """As a tar, sometimes cut off, sometimes with a file twice."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as out:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            out.addfile(entry, io.BytesIO(content))
    whole = raw.getvalue()
    path.write_bytes(whole[: chance.choice((len(whole), len(whole), len(whole) // 2))])
    return path


def flipped(raw: bytes, chance: random.Random) -> bytes:
    if not raw:
        return b"\x00"
    at = chance.randrange(len(raw))
    return raw[:at] + bytes([raw[at] ^ (1 << chance.randrange(8))]) + raw[at + 1 :]


NONSENSE = (b"", b"{}", b"[]", b"null", b'"x"', b"\xff\xfe", b"[" * 5000, b'{"files":{"x":1}}')
MEMBERS = ("kind", "files", "first", "second", "hashes", "keys", "note", "size", "filter")
VALUES: tuple[object, ...] = (
    None,
    -1,
    2**70,
    1.5,
    "x",
    "é",
    [],
    {},
    [None],
    {"x": None},
    "filtered",
    "full",
    True,
)


def other_json(raw: bytes, chance: random.Random) -> bytes:
    """A member of a JSON document becomes something else."""
    try:
        document = json.loads(raw)
        document[chance.choice(MEMBERS)] = chance.choice(VALUES)
    except (ValueError, TypeError, RecursionError):
        return chance.choice(NONSENSE)
    return json.dumps(document).encode()


CHANGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    flipped,
    other_json,
    lambda raw, chance: raw[: chance.randrange(len(raw) + 1)],
    lambda raw, chance: raw + chance.choice((b"x", b"\n", raw)),
    lambda _, chance: chance.choice(NONSENSE),
)
NAMES = ("leaves/x.json", "leaves/-1.json", "proofs/x.tlog-proof", "checkpoints/x.ndjson", "é")


def changed(files: Files, chance: random.Random) -> Files:
    """One to three changes of contents and names."""
    files = dict(files)
    for _ in range(chance.randint(1, 3)):
        rare = [n for n in files if not n.startswith(("leaves/", "proofs/"))]
        name = chance.choice(rare if chance.random() < 0.5 else list(files))
        how = chance.randrange(8)
        if how == 0:
            del files[name]
        elif how == 1:
            files[chance.choice((*NAMES, *files))] = files.pop(name)
        else:
            files[name] = chance.choice(CHANGES)(files[name], chance)
    return fitted(files) if chance.random() < 0.5 else files


def fitted(files: Files) -> Files:
    """With the digests that these files have, as somebody who lies would write them."""
    try:
        manifest = json.loads(files["manifest.json"])
        manifest["files"] = {
            name: hashlib.sha256(raw).hexdigest()
            for name, raw in files.items()
            if name != "manifest.json"
        }
    except (ValueError, KeyError, TypeError, RecursionError):
        return files
    return {**files, "manifest.json": json.dumps(manifest).encode()}


async def test_a_changed_export_is_never_a_traceback_and_never_proves_other_entries(
    trail: OneTrail, tmp_path: Path
) -> None:
    """Full and filtered ones, as folders and as tars."""
    whole = read(await trail.export(tmp_path / "full"))
    some = read(await trail.export(tmp_path / "some", previous=40, worker="wk_9"))
    kept = tmp_path / "kept"
    kept.write_text((await trail.parts.trail.checkpoints_from(40))[0].note)
    for seed in range(CASES):
        await asyncio.sleep(0)  # the store's heartbeats go on meanwhile
        chance = random.Random(seed)
        good = chance.choice((whole, some))
        files = changed(good, chance)
        path = written(tmp_path / "bad", files)
        if chance.random() < 0.3:
            path = tar(tmp_path / "bad.tar", files, chance)

        verdict = judged("export", path, "--key", trail.key, "--kept", kept, seed=seed)
        if verdict.code == 0:
            proven = "leaves/" if "are in the trail of" in verdict.said else "tile/entries/"
            assert entries(files, proven) <= entries(good, proven), (seed, verdict.said)


def judged(*arguments: str | Path, seed: int) -> Verdict:
    """What the verifier says, and that it did not fail."""
    verdict = verify(*arguments)
    assert "the verifier failed" not in verdict.said, (seed, verdict.said)
    return verdict


def entries(files: Files, proven: str) -> set[tuple[str, bytes]]:
    return {(name, raw) for name, raw in files.items() if name.startswith(proven)}


async def test_gaps_of_a_changed_export_are_never_a_traceback(
    trail: OneTrail, tmp_path: Path
) -> None:
    whole = read(await trail.export(tmp_path / "full"))
    for seed in range(CASES):
        await asyncio.sleep(0)
        files = changed(whole, random.Random(seed))

        verdict = judged("gaps", written(tmp_path / "bad", files), "--key", trail.key, seed=seed)

        assert verdict.code in (0, 1, 2), (seed, verdict)
