"""Signed notes, checkpoints and textual proofs: what is believed, and what is refused."""

import base64

import pytest

from services.audit.log.checkpoints import (
    Checkpoint,
    InclusionProof,
    OutOfRange,
    TrustedKey,
    open_checkpoint,
    read_checkpoint,
    read_proof,
)
from services.audit.log.notes import (
    MAX_NOTE,
    MAX_SIGNATURES,
    BadKey,
    BadNote,
    UnknownKey,
    VerifierKey,
    open_note,
    sign_note,
)
from services.audit.log.signing import SigningKey
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


def test_a_checkpoint_may_have_more_lines_and_no_empty_one() -> None:
    root = base64.b64encode(ROOT).decode()

    assert read_checkpoint(f"{ORIGIN}\n5\n{root}\n") == Checkpoint(ORIGIN, 5, ROOT)
    assert read_checkpoint(f"{ORIGIN}\n5\n{root}\nmore\n") == Checkpoint(ORIGIN, 5, ROOT)
    for text in (f"{ORIGIN}\n5\n{root}\n\n", f"{ORIGIN}\n5\n{root}\nmore", f"\n\n5\n{root}\n"):
        with pytest.raises(BadNote, match="three lines"):
            read_checkpoint(text)


def test_a_proof_may_be_empty_and_has_at_most_63_hashes() -> None:
    for count in (0, 1, 63):
        proof = InclusionProof(0, (ROOT,) * count, "note\n")
        assert read_proof(proof.text().encode()) == proof
    for raw, why in (
        (InclusionProof(0, (ROOT,) * 64, "n").text(), "too long"),
        ("c2sp.org/tlog-proof@v1\nextra YQ==\n\nx", "no index"),
        ("c2sp.org/tlog-proof@v1\n\nx", "not a tlog-proof"),
        ("c2sp.org/tlog-proof@v1\nindex 1", "not a tlog-proof"),
    ):
        with pytest.raises(BadNote, match=why):
            read_proof(raw.encode())


@pytest.mark.parametrize("name", ["", "a+b", "a b", "a\u00a0b"])
def test_a_name_of_a_key_is_one_word_without_plus(name: str) -> None:
    line = f"\u2014 {name} {base64.b64encode(bytes(70)).decode()}\n"

    with pytest.raises(BadNote):
        open_note(f"text\n\n{line}".encode(), [key(1).verifier])
    with pytest.raises(BadKey):
        SigningKey.parse(f"{name}+{base64.b64encode(bytes(32)).decode()}")


@pytest.mark.parametrize("raw", [b"\x01" + bytes(31), b"\x01" + bytes(33), b"\x02" + bytes(32)])
def test_a_key_of_another_kind_or_length_is_none(raw: bytes) -> None:
    good = VerifierKey(ORIGIN, bytes(32))
    other = VerifierKey(ORIGIN, raw[1:])

    assert VerifierKey.parse(str(good)) == good
    with pytest.raises(BadKey, match="not an Ed25519 key"):
        VerifierKey.parse(f"{ORIGIN}+{other.key_id.hex()}+{base64.b64encode(raw).decode()}")


def test_the_key_itself_may_have_a_plus_in_its_base64() -> None:
    plus = next(
        made for n in range(256) if "+" in base64.b64encode(b"\x01" + bytes([n]) * 32).decode()
        for made in [VerifierKey(ORIGIN, bytes([n]) * 32)]
    )  # fmt: skip
    seed = base64.b64encode(b"\xfb" * 32).decode()
    assert "+" in seed

    assert VerifierKey.parse(str(plus)) == plus
    assert SigningKey.parse(f"{ORIGIN}+{seed}").name == ORIGIN


def test_a_note_is_read_up_to_its_limits_and_strangers_are_passed_over() -> None:
    ours, stranger = key(1), key(2)
    signed = sign_note("text\n", [ours]).encode()

    assert open_note(sign_note("text\n", [stranger, ours]).encode(), [ours.verifier]) == (
        "text\n", [ours.verifier],
    )  # fmt: skip
    twice = signed + signed.rpartition(b"\n\n")[2]
    assert open_note(twice, [ours.verifier])[1] == [ours.verifier], "a key counts once"
    for bad, why in (
        (signed[:-1], "no newline at the end"),
        (signed.replace(b"text", b"te\tt"), "a control character"),
        (b"text\n", "no signatures"),
        (b"text\n\n", "no signatures"),
        (signed.replace(b"\xe2\x80\x94 ", b"- "), "malformed signature line"),
        (b"text\n\n\xe2\x80\x94 name AAAAAA==\n", "malformed signature line"),
        (b"text\n\n\xe2\x80\x94 name !!!!\n", "malformed signature line"),
    ):
        with pytest.raises(BadNote, match=why):
            open_note(bad, [ours.verifier])
    five = f"text\n\n\u2014 name {base64.b64encode(bytes(5)).decode()}\n".encode()
    with pytest.raises(UnknownKey):
        open_note(five, [ours.verifier])
    longest = sign_note("x" * (MAX_NOTE - len(signed) + 4) + "\n", [ours]).encode()
    assert len(longest) == MAX_NOTE
    assert open_note(longest, [ours.verifier])
    with pytest.raises(BadNote, match="too long"):
        open_note(b"x" + longest, [ours.verifier])
    line = signed.rpartition(b"\n\n")[2]
    most = b"text\n\n" + line * MAX_SIGNATURES
    assert open_note(most, [ours.verifier])
    with pytest.raises(BadNote, match="too many signatures"):
        open_note(most + line, [ours.verifier])
