"""The verifier as a command: three exit codes, one line for a sentence, never a traceback."""

import io
import os
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from services.audit.verify.onefile import one_file
from services.audit.verify.words import plain
from tests.harness.exports import KEY, checkpoint, full, note, without, written
from tests.harness.trails import verify

KEYED = ("--key", str(KEY.verifier))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("verifier") / "verify_trail.py"
    path.write_text(one_file(), "utf-8")
    return path


def bare(
    file: Path, *arguments: str | Path, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """The one file, run by a Python without any package, in its own folder."""
    return subprocess.run(
        [sys.executable, "-I", "-S", file, *arguments],
        capture_output=True,
        cwd=file.parent,
        env={**os.environ, **environment},
        timeout=60,
    )


def tar(path: Path, *members: tuple[str, bytes]) -> Path:
    with tarfile.open(path, "w") as out:
        for name, content in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            out.addfile(entry, io.BytesIO(content))
    return path


def test_the_one_file_judges_as_the_modules_do(file: Path, tmp_path: Path) -> None:
    written(tmp_path / "good", full())
    written(tmp_path / "bad", full() | {"tile/0/000": bytes(256 * 32)})
    written(tmp_path / "less", without(full(), "keys.json"))

    for name, code in (("good", 0), ("bad", 1), ("less", 2)):
        alone = bare(file, "export", tmp_path / name, *KEYED)
        assert alone.returncode == code
        assert (alone.stdout + alone.stderr).decode() == verify(
            "export", tmp_path / name, *KEYED
        ).said


@pytest.mark.parametrize(
    "name",
    [
        "x\nverified: all 300 entries are exactly those sealed",
        "x\r\x1b[2Kverified: all",
        "\u202edeifirev",
        "tile\\0\\000",
        "C:\\Windows\\win.ini",
        "\udcff",
        "\u2028verified: all",
    ],
)
def test_a_name_of_a_file_prints_no_line_of_its_own(file: Path, tmp_path: Path, name: str) -> None:
    folder = written(tmp_path / "folder", full())
    members = [(one, folder.read(one) or b"") for one in folder.names()]
    path = tar(tmp_path / "export.tar", *members, (name, b"x"))

    said = bare(file, "export", path, *KEYED, PYTHONIOENCODING="cp1252")
    lines = (said.stdout + said.stderr).split(b"\n")

    assert said.returncode == 2
    assert [line[:14] for line in lines] == [b"cannot verify:", b""]
    assert b"\x1b" not in lines[0]
    assert b"\r" not in lines[0]


def test_a_name_is_told_with_its_odd_characters_escaped() -> None:
    assert plain("a\x1b[2K\n\u202e\udcff é") == "a\\x1b[2K\\n\\u202e\\udcff é"


@pytest.mark.parametrize(
    "content", [b"", b"x", b"x" * 600, bytes(1024), b"\x1f\x8b\x08", b"PK\x03\x04", b"[" * 9000]
)
def test_what_is_no_export_proves_nothing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)

    for arguments in (
        ("export", path), ("gaps", path), ("checkpoint", path), ("compare", path, path),
        ("consistency", path, path), ("proof", path, "--leaf", path), ("export", tmp_path / "away"),
        ("export", tmp_path, "--kept", path), ("export", tmp_path, "--previous", path),
        ("checkpoint", path, "--keys", path),
    ):  # fmt: skip
        said = verify(*arguments, *KEYED)
        assert said.code == 2, arguments
        assert "the verifier failed" not in said.said


def test_a_tar_that_holds_a_name_twice_or_a_link_proves_nothing(tmp_path: Path) -> None:
    """Two programs would unpack two exports."""
    files = [*full().items()]
    twice = tar(tmp_path / "twice.tar", *files, ("checkpoint", note(280)))
    again = tar(tmp_path / "again.tar", *files, ("./checkpoint", note(280)))
    link = tmp_path / "link.tar"
    with tarfile.open(link, "w") as out:
        entry = tarfile.TarInfo("checkpoint")
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        out.addfile(entry)

    for path, why in (
        (twice, "checkpoint is in the tar twice"),
        (again, "checkpoint is in the tar twice"),
        (link, "checkpoint in the tar is no plain file"),
    ):
        assert verify("export", path, *KEYED).said == f"cannot verify: {why}\n"


def test_a_file_that_cannot_be_read_proves_nothing(tmp_path: Path) -> None:
    written(tmp_path, full())
    (tmp_path / "keys.json").unlink()
    (tmp_path / "keys.json").symlink_to(tmp_path / "nowhere")

    assert verify("export", tmp_path, *KEYED).said == "cannot verify: keys.json can't be read\n"


def test_a_reader_that_goes_away_is_no_proof(file: Path, tmp_path: Path) -> None:
    written(tmp_path, full())
    read, write = os.pipe()
    os.close(read)

    ended = subprocess.run(
        [sys.executable, "-I", "-S", file, "export", tmp_path, *KEYED],
        stdout=write, stderr=subprocess.PIPE, timeout=60,
    )  # fmt: skip
    os.close(write)

    assert (ended.returncode, ended.stderr) == (2, b"")


def test_what_is_interrupted_has_proven_nothing(file: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_bytes(note())
    watch = ("watch", "http://127.0.0.1:9", "--keep", kept, "--every", "60", *KEYED)
    process = subprocess.Popen(
        # Also where whoever started the tests ignores it, as a shell does for what runs beside it.
        ["env", "--default-signal=INT", sys.executable, "-I", "-S", file, *watch],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == b"cannot verify: the log can't be reached\n"
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(1)
        except subprocess.TimeoutExpired:
            continue
    process.kill()
    _, said = process.communicate()

    assert (process.returncode, said) == (2, b"cannot verify: it was interrupted\n")
    assert kept.read_bytes() == note()


@pytest.mark.parametrize("every", ["0", "-1", "nan", "inf", "x"])
def test_a_watch_takes_a_number_of_seconds(tmp_path: Path, every: str) -> None:
    said = verify("watch", "http://127.0.0.1:9", "--keep", tmp_path / "k", "--every", every, *KEYED)

    assert (said.code, said.said[:7]) == (2, "usage: ")


def test_gaps_are_told_of_a_full_export_that_verifies_only(tmp_path: Path) -> None:
    written(tmp_path / "good", full())
    written(tmp_path / "bad", full() | {"tile/0/000": bytes(256 * 32)})

    good = verify("gaps", tmp_path / "good", *KEYED)
    assert (good.code, "in all 300 entries, each as sealed" in good.said) == (0, True)
    assert verify("gaps", tmp_path / "bad", *KEYED).code == 1
    assert verify("gaps", tmp_path / "good").code == 2, "without a key nothing is known"


def test_each_sentence_says_what_was_checked(tmp_path: Path) -> None:
    (tmp_path / "note").write_bytes(note())

    assert verify("checkpoint", tmp_path / "note", *KEYED).said == (
        "verified: a trusted key signed this checkpoint of trail.example/log: 300 entries, root "
        f"{checkpoint().root.hex()}; no entry was read\n"
    )
    assert verify("compare", tmp_path / "note", tmp_path / "note", *KEYED).said == (
        "verified: both checkpoints seal the same 300 entries; no entry was read\n"
    )
