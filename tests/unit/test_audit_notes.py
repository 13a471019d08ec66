"""Signed notes, checkpoints and textual proofs: what is believed, and what is refused."""

import base64

import pytest

from services.audit.domain.checkpoints import (
    Checkpoint,
    InclusionProof,
    OutOfRange,
    TrustedKey,
    open_checkpoint,
    read_checkpoint,
    read_proof,
)
from services.audit.domain.notes import (
    BadKey,
    BadNote,
    SigningKey,
    UnknownKey,
    VerifierKey,
    open_note,
    sign_note,
)
from tests.harness.vectors import vectors

ORIGIN = "trail.example/log"
ROOT = bytes(range(32))


def key(number: int, name: str = ORIGIN) -> SigningKey:
    return SigningKey.parse(f"{name}+{base64.b64encode(bytes([number]) * 32).decode()}")


def trusted(*keys: SigningKey, first: int = 0, last: int | None = None) -> list[TrustedKey]:
    return [TrustedKey(k.verifier, first, last) for k in keys]


def a_note(*keys: SigningKey, size: int = 5) -> bytes:
    return Checkpoint(ORIGIN, size, ROOT).sign(keys).encode()


def test_every_reference_note_is_judged_as_others_judge_it() -> None:
    for case in vectors("signed_note")["open"]:
        if case.get("optional"):
            continue  # both answers are allowed there
        raw = base64.b64decode(case["msg_b64"]) if "msg_b64" in case else case["msg"].encode()
        keys = [VerifierKey.parse(text) for text in case["vkeys"]]
        if not case["ok"]:
            with pytest.raises(BadNote):
                open_note(raw, keys)
            continue
        text, signers = open_note(raw, keys)
        assert text == case["text"], case["name"]
        if "verified" in case:
            assert [k.name for k in signers] == case["verified"]


def test_what_a_key_signs_it_verifies_and_its_text_form_is_the_same_key() -> None:
    signing = key(1)

    text, signers = open_note(sign_note("a\n\nb\n", [signing]).encode(), [signing.verifier])

    assert (text, signers) == ("a\n\nb\n", [signing.verifier])
    assert VerifierKey.parse(str(signing.verifier)) == signing.verifier
    assert base64.b64encode(bytes([1]) * 32).decode() not in repr(signing)


def test_a_signature_of_another_kind_or_name_is_ignored_and_never_counted() -> None:
    ours, stranger = key(1), key(2, "witness.example")
    both = a_note(ours, stranger)

    assert open_checkpoint(both, trusted(ours)).size == 5
    with pytest.raises(UnknownKey):
        open_checkpoint(a_note(stranger), trusted(ours))


def test_the_right_name_with_the_wrong_key_is_unknown() -> None:
    with pytest.raises(UnknownKey):
        open_checkpoint(a_note(key(2)), trusted(key(1)))


def test_a_trusted_key_with_a_wrong_signature_refuses_the_note_even_beside_a_good_one() -> None:
    one, two = key(1), key(2)
    text, _, lines = a_note(one, two).decode().partition("\n\n")
    first, second, _ = lines.split("\n")
    head, _, raw = second.rpartition(" ")
    broken = bytearray(base64.b64decode(raw))
    broken[-1] ^= 1
    wrong = f"{text}\n\n{first}\n{head} {base64.b64encode(bytes(broken)).decode()}\n".encode()

    with pytest.raises(BadNote, match="signature is wrong"):
        open_checkpoint(wrong, trusted(one, two))
    assert open_checkpoint(wrong, trusted(one)).size == 5


def test_every_flipped_byte_of_a_checkpoint_is_refused() -> None:
    signing = key(1)
    good = a_note(signing)
    for place in range(len(good)):
        bad = bytearray(good)
        bad[place] ^= 1
        with pytest.raises(BadNote):
            open_checkpoint(bytes(bad), trusted(signing))


def test_a_key_counts_only_inside_its_range_of_sizes() -> None:
    old, new = key(1), key(2)
    ring = [*trusted(old, last=10), *trusted(new, first=8)]

    assert open_checkpoint(a_note(old, size=10), ring).size == 10
    assert open_checkpoint(a_note(old, new, size=9), ring).size == 9
    assert open_checkpoint(a_note(new, size=8), ring).size == 8
    with pytest.raises(OutOfRange):
        open_checkpoint(a_note(old, size=11), ring)
    with pytest.raises(OutOfRange):
        open_checkpoint(a_note(new, size=7), ring)


def test_the_key_of_another_log_proves_nothing_here() -> None:
    other = key(1, "other.example/log")
    note = Checkpoint(ORIGIN, 5, ROOT).sign([other]).encode()

    with pytest.raises(UnknownKey, match="origin"):
        open_checkpoint(note, trusted(other))


@pytest.mark.parametrize(
    "text",
    [
        "trail.example/log\n5\n",
        f"trail.example/log\n05\n{base64.b64encode(ROOT).decode()}\n",
        f"trail.example/log\n-5\n{base64.b64encode(ROOT).decode()}\n",
        f"trail.example/log\n٥\n{base64.b64encode(ROOT).decode()}\n",
        f"trail.example/log\n5\n{base64.b64encode(ROOT[:31]).decode()}\n",
        f"\n5\n{base64.b64encode(ROOT).decode()}\n",
        f"trail.example/log\n5\n{base64.b64encode(ROOT).decode()}",
        "trail.example/log\n5\n!\n",
    ],
)
def test_a_malformed_checkpoint_is_refused_whoever_signed_it(text: str) -> None:
    with pytest.raises(BadNote):
        read_checkpoint(text)


@pytest.mark.parametrize(
    "text", ["", "a", "a+b", "a+00000000+AAAA", "a b+12345678+AQ==", "x" * 40 + "+0+!"]
)
def test_a_malformed_key_is_refused(text: str) -> None:
    with pytest.raises(BadKey):
        VerifierKey.parse(text)
    with pytest.raises(BadKey):
        SigningKey.parse(text)


def test_a_textual_proof_is_read_back_as_written() -> None:
    proof = InclusionProof(3, (ROOT, ROOT[::-1]), a_note(key(1)).decode())

    assert read_proof(proof.text().encode()) == proof
    extra = proof.text().replace("index", "extra YQ==\nindex", 1)
    assert read_proof(extra.encode()) == proof


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff",
        b"c2sp.org/tlog-proof@v1\n\n",
        b"c2sp.org/tlog-proof@v1\nindex 01\n\nx",
        b"c2sp.org/tlog-proof@v1\nindex 1\nAA==\n\nx",
        b"c2sp.org/tlog-proof@v2\nindex 1\n\nx",
        b"c2sp.org/tlog-proof@v1\nextra x\n\nx",
        b"c2sp.org/tlog-proof@v1\nindex 1\n" + (base64.b64encode(ROOT) + b"\n") * 64 + b"\nx",
    ],
)
def test_a_malformed_proof_is_refused(raw: bytes) -> None:
    with pytest.raises(BadNote):
        read_proof(raw)
