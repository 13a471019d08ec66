"""What a witness notices: a trail cut back, rewritten, forked, or signed by a key that no longer counts."""

import base64
import contextlib
import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from services.audit.log.checkpoints import (
    Checkpoint,
    InclusionProof,
    TrustedKey,
    open_checkpoint,
)
from services.audit.log.notes import VerifierKey, open_note
from services.audit.log.signing import SigningKey
from services.audit.log.tree import (
    Node,
    consistency_ranges,
    inclusion_ranges,
    leaf_hash,
    proof_of,
    root_of,
)
from services.audit.verify.verdicts import CannotVerify, Tampered
from services.audit.verify.watching import check_newest, cosigning, getter
from services.audit.verify.witnesses import Cosigner
from tests.harness.trails import OTHER_SEED, SEED, verify

ORIGIN = "hub-and-spoke/trail"
KEY, OTHER = (SigningKey.parse(f"{ORIGIN}+{seed}") for seed in (SEED, OTHER_SEED))
TRUSTED = [TrustedKey(KEY.verifier)]


class Log:
    """A log that answers as ours does, over leaves that the test may change behind its back."""

    def __init__(self, count: int) -> None:
        self.leaves = [b"leaf %d" % n for n in range(count)]
        self.keys = [KEY]

    def read(self, node: Node) -> bytes:
        level, index = node
        return root_of([leaf_hash(x) for x in self.leaves[index << level : (index + 1) << level]])

    def note(self) -> str:
        root = root_of([leaf_hash(leaf) for leaf in self.leaves])
        return Checkpoint(ORIGIN, len(self.leaves), root).sign(self.keys)

    def __call__(self, path: str) -> bytes:
        parts = urlsplit(path)
        if parts.path == "/checkpoint":
            return self.note().encode()
        asked = {name: int(values[0]) for name, values in parse_qs(parts.query).items()}
        hashes = proof_of(consistency_ranges(asked["first"], asked["second"]), self.read)
        return json.dumps({**asked, "hashes": [_base64(value) for value in hashes]}).encode()


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "kept"


def test_a_log_that_only_grows_is_kept_step_by_step(kept: Path) -> None:
    log = Log(3)
    assert "it is the first one kept" in check_newest(log, TRUSTED, kept)
    for before, count in ((3, 3), (3, 4), (4, 300)):
        log.leaves += [b"more %d" % n for n in range(count - len(log.leaves))]
        said = check_newest(log, TRUSTED, kept)
        extends = f"the checkpoint of {count} entries extends the one of {before} that you kept"
        still = f"the log still shows the checkpoint of {count} entries that you kept"
        assert (still if before == count else extends) in said
        assert "no entry was read" in said
        assert kept.read_text() == log.note()


@pytest.mark.parametrize("what", ["cut", "rewritten", "forked"])
def test_a_log_that_takes_something_back_is_proven_and_the_evidence_kept(
    kept: Path, what: str
) -> None:
    log = Log(10)
    check_newest(log, TRUSTED, kept)
    before = kept.read_text()
    if what == "cut":
        log.leaves = log.leaves[:7]
    else:
        log.leaves[4] = b"another"
        log.leaves += [b"more"] if what == "rewritten" else []

    with pytest.raises(Tampered) as caught:
        check_newest(log, TRUSTED, kept)

    said = {
        "cut": "entry 7 and later are gone",
        "rewritten": "one of the entries 0 to 9 was changed",
        "forked": "two signed histories of 10 entries",
    }
    assert said[what] in str(caught.value)
    assert kept.read_text() == before
    assert kept.with_name("kept.conflict").read_text() == log.note()


def test_a_witness_cosigns_only_what_extends_what_it_kept(kept: Path) -> None:
    log, witness, to = Log(10), Cosigner("police.example", bytes(32)), kept.with_name("cosigned")
    then = cosigning(witness, to)

    for count in (10, 10, 12):
        log.leaves += [b"more"] * (count - len(log.leaves))
        assert "; cosigned as police.example" in check_newest(log, TRUSTED, kept, then)
        assert open_checkpoint(to.read_bytes(), TRUSTED).size == count
        assert open_note(to.read_bytes(), [witness.verifier])[1] == [witness.verifier]
    before = to.read_bytes()
    log.leaves[4] = b"another"
    with pytest.raises(Tampered):
        check_newest(log, TRUSTED, kept, then)
    log.leaves += [b"more"]
    with pytest.raises(Tampered):
        check_newest(log, TRUSTED, kept, then)
    log.keys = [OTHER]
    with pytest.raises(CannotVerify):
        check_newest(log, TRUSTED, kept, then)

    assert to.read_bytes() == before


class Answers:
    """A server on loopback that answers every request with these bytes, and remembers what was asked."""

    def __init__(self, answer: Callable[[], bytes]) -> None:
        self.asked: list[bytes] = []
        self._answer = answer
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> "Answers":
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                with connection, contextlib.suppress(OSError):
                    self.asked.append(connection.recv(65_536))
                    connection.sendall(self._answer())


def test_the_token_is_for_the_log_alone(kept: Path) -> None:
    """A log, or who sits before it, that sends us elsewhere is not followed."""
    with Answers(lambda: b"") as other:
        head = (
            f"HTTP/1.1 302 Found\r\nLocation: {other.url}/checkpoint\r\nContent-Length: 0\r\n\r\n"
        )
        with Answers(head.encode) as log, pytest.raises(CannotVerify, match="answered 302"):
            check_newest(getter(log.url, "secret"), TRUSTED, kept)

        assert b"Bearer secret" in log.asked[0]
        assert other.asked == []


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1_500_000,
        b"HTTP/1.1 500 Oh\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
    ],
)  # fmt: skip
def test_a_log_that_answers_nonsense_proves_nothing(kept: Path, answer: bytes) -> None:
    with Answers(lambda: answer) as log:
        said = verify("watch", log.url, "--key", str(KEY.verifier), "--keep", kept, "--once")

    assert (said.code, said.said[:15]) == (2, "cannot verify: "), said.said
    assert "the verifier failed" not in said.said
    assert not kept.exists()


def test_a_log_signed_by_a_stranger_or_not_reached_proves_nothing(kept: Path) -> None:
    log = Log(3)
    log.keys = [OTHER]

    with pytest.raises(CannotVerify, match="no trusted key"):
        check_newest(log, TRUSTED, kept)
    with pytest.raises(CannotVerify, match="reached"):
        check_newest(getter("http://127.0.0.1:9", ""), TRUSTED, kept)
    assert not kept.exists()


def test_after_a_rotation_old_proofs_need_the_old_key_and_new_ones_the_new(tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    ring = [
        {"verifier_key": str(KEY.verifier), "first": 0, "last": 8},
        {"verifier_key": str(OTHER.verifier), "first": 7, "last": None},
    ]
    keys.write_text(json.dumps({"origin": ORIGIN, "keys": ring}))
    leaf = tmp_path / "leaf"
    leaf.write_bytes(b"leaf 2")

    def proven(count: int, *signers: SigningKey) -> int:
        log = Log(count)
        log.keys = list(signers)
        path = proof_of(inclusion_ranges(2, count), log.read)
        proof = tmp_path / "proof"
        proof.write_text(InclusionProof(2, tuple(path), log.note()).text())
        return verify("proof", proof, "--leaf", leaf, "--keys", keys).code

    assert [proven(5, KEY), proven(8, KEY, OTHER), proven(9, OTHER)] == [0, 0, 0]
    assert [proven(9, KEY), proven(6, OTHER)] == [2, 2]
    leaf.write_bytes(b"leaf two")
    assert proven(5, KEY) == 1


def test_consistency_and_checkpoint_say_what_they_found(tmp_path: Path) -> None:
    log = Log(5)
    old, new, proof = tmp_path / "old", tmp_path / "new", tmp_path / "proof"
    old.write_text(log.note())
    log.leaves += [b"more"]
    new.write_text(log.note())
    proof.write_bytes(log("/v1/proofs/consistency?first=5&second=6"))
    key = ("--key", str(KEY.verifier))

    assert verify("checkpoint", new, *key).code == 0
    assert verify("consistency", old, new, "--proof", proof, *key).code == 0
    assert verify("consistency", old, new, *key).code == 2
    assert verify("consistency", new, old, "--proof", proof, *key).code == 2
    assert verify("consistency", old, old, *key).code == 0
    tampered: Any = json.loads(proof.read_bytes())
    tampered["hashes"][0] = _base64(bytes(32))
    proof.write_text(json.dumps(tampered))
    assert verify("consistency", old, new, "--proof", proof, *key).code == 1
    new.write_text(new.read_text().replace("\n6\n", "\n7\n"))
    assert verify("checkpoint", new, *key).code == 1
    assert verify("checkpoint", proof, *key).code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nothing",),
        ("checkpoint",),
        ("checkpoint", "/nowhere", "--key", "x"),
        ("export", "/nowhere"),
    ],
)
def test_wrong_usage_proves_nothing(arguments: tuple[str, ...]) -> None:
    said = verify(*arguments)

    assert said.code == 2
    assert said.said.startswith("usage: ")


def test_the_key_of_the_trail_is_written_as_others_write_it() -> None:
    assert VerifierKey.parse(str(KEY.verifier)) == KEY.verifier
