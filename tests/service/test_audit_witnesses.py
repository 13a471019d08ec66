"""Witnesses: what they cosign, who counts, and how many are demanded. Against another implementation."""

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from proofbundle import checkpoint as theirs

from services.audit.log import ed25519
from services.audit.log.checkpoints import TrustedKey
from services.audit.log.notes import VerifierKey, open_note
from services.audit.verify.exported import check_export
from services.audit.verify.verdicts import CannotVerify, Misused, Tampered
from services.audit.verify.witnesses import Cosigner, Quorum, WitnessKey
from tests.harness.exports import (
    KEY,
    LEAVES,
    ORIGIN,
    RING,
    SIZE,
    Files,
    checkpoint,
    filtered,
    forged,
    full,
    note,
    written,
)
from tests.harness.trails import verify

AT = 1_679_315_147
POLICE, HEALTH, CHARITY = (
    Cosigner(name, bytes([n]) * 32)
    for n, name in enumerate(("police.example", "health.example", "charity.example"), start=20)
)


def quorum(*of: Cosigner, needed: int | None = None) -> Quorum:
    return Quorum.of([str(one.verifier) for one in of], needed, RING)


def judged(export: Files, folder: Path, wanted: Quorum, *cosigned: bytes) -> tuple[int, str]:
    try:
        return 0, check_export(written(folder, export), RING, None, None, wanted, cosigned)
    except Tampered as found:
        return 1, "\n".join(found.findings)
    except CannotVerify as why:
        return 2, str(why)


def test_what_a_witness_cosigns_another_implementation_takes() -> None:
    """proofbundle, which follows C2SP tlog-cosignature on its own."""
    both = HEALTH.cosigned(POLICE.cosigned(note(), AT), AT + 5).decode()

    found = theirs.verify_witnessed_checkpoint(
        both,
        str(KEY.verifier),
        [str(POLICE.verifier), str(HEALTH.verifier)],
        threshold=2,
        expected_origin=ORIGIN,
    )
    assert found["ok"]
    assert theirs.verify_cosignature(both, str(HEALTH.verifier))["timestamp"] == AT + 5


def test_what_another_implementation_cosigns_counts_here(tmp_path: Path) -> None:
    private = Ed25519PrivateKey.from_private_bytes(bytes([9]) * 32)
    key = theirs.cosign_vkey("witness.example", private.public_key().public_bytes_raw())
    cosigned = theirs.cosign_checkpoint(note().decode(), private, "witness.example", AT).encode()

    assert str(WitnessKey.parse(key)) == key
    code, said = judged(full(), tmp_path, Quorum.of([key], None, RING), cosigned)
    assert code == 0
    assert "; 1 of 1 witnesses (witness.example) have cosigned the first 300 entries" in said


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=99))
def test_a_signature_made_in_python_alone_is_the_one_the_library_makes(
    seed: bytes, text: bytes
) -> None:
    key = Ed25519PrivateKey.from_private_bytes(seed)

    assert ed25519.public_of(seed) == key.public_key().public_bytes_raw()
    assert ed25519.signature_of(seed, text) == key.sign(text)


def test_a_cosignature_is_of_this_checkpoint_at_this_time_by_this_witness() -> None:
    good = POLICE.cosigned(note(), AT)
    text, signers = open_note(good, [POLICE.verifier])
    assert (text.encode(), signers) == (note().partition(b"\n\n")[0] + b"\n", [POLICE.verifier])
    head, _, line = good.rstrip().rpartition(b" ")
    raw = base64.b64decode(line)
    for place in range(4, len(raw)):
        bad = bytearray(raw)
        bad[place] ^= 1
        with pytest.raises(ValueError, match="signature is wrong"):
            open_note(head + b" " + base64.b64encode(bytes(bad)) + b"\n", [POLICE.verifier])
    as_log = VerifierKey(POLICE.name, POLICE.verifier.public)
    with pytest.raises(ValueError, match="no trusted key"):
        open_note(good, [as_log])  # a cosignature is no signature of a log
    assert "police.example" in repr(POLICE)
    assert repr(POLICE.seed) not in repr(POLICE)


@pytest.mark.parametrize("kind", ["full", "filtered"])
def test_so_many_witnesses_are_needed_as_is_demanded(tmp_path: Path, kind: str) -> None:
    export = full() if kind == "full" else filtered(5)
    one, two = POLICE.cosigned(note(), AT), HEALTH.cosigned(note(), AT)
    wanted = quorum(POLICE, HEALTH, CHARITY, needed=2)

    assert judged(export, tmp_path, wanted, one, two)[0] == 0
    assert judged(export, tmp_path, wanted, HEALTH.cosigned(one, AT))[0] == 0
    for few in ((), (one,), (one, one), (one, note())):
        code, said = judged(export, tmp_path, wanted, *few)
        seen = 1 if few else 0
        assert code == 2
        assert said.startswith(f"{seen} of 3 witnesses have cosigned"), said


def test_the_trail_may_carry_its_cosignatures_itself(tmp_path: Path) -> None:
    files = full() | {"checkpoint": HEALTH.cosigned(POLICE.cosigned(note(), AT), AT)}

    assert judged(files, tmp_path, quorum(POLICE, HEALTH))[0] == 0


def test_witnesses_vouch_up_to_what_they_have_seen(tmp_path: Path) -> None:
    early, late = POLICE.cosigned(note(150), AT), HEALTH.cosigned(note(280), AT)

    two = judged(full(), tmp_path, quorum(POLICE, HEALTH), early, late)[1]
    one = judged(full(), tmp_path, quorum(POLICE, HEALTH, needed=1), early, late)[1]

    assert "2 of 2 witnesses (police.example, health.example) have cosigned the first 150" in two
    assert "1 of 2 witnesses (health.example) have cosigned the first 280" in one


def test_a_history_that_was_signed_again_contradicts_what_a_witness_cosigned(
    tmp_path: Path,
) -> None:
    """With the stolen key, and nothing kept by the auditor."""
    cosigned = POLICE.cosigned(note(150), AT)

    code, said = judged(full(forged(100)), tmp_path, quorum(POLICE), cosigned)

    assert code == 1
    assert "two signed histories: a cosigned checkpoint, of size 150" in said


def test_a_witness_that_has_seen_more_than_this_export_does_not_count_for_it(
    tmp_path: Path,
) -> None:
    """It may have been asked later."""
    code, said = judged(
        full(LEAVES[:280], (90, 280)), tmp_path, quorum(POLICE), POLICE.cosigned(note(), AT)
    )

    assert (code, said[:27]) == (2, "0 of 1 witnesses have cosig")


def test_a_witness_that_vouches_for_a_note_of_a_stranger_vouches_for_nothing(
    tmp_path: Path,
) -> None:
    other = Cosigner(ORIGIN, bytes([77]) * 32)
    note_of_it = POLICE.cosigned(note().partition(b"\n\n")[0] + b"\n\n", AT)

    assert judged(full(), tmp_path, quorum(POLICE), note_of_it)[0] == 2
    assert judged(full(), tmp_path, quorum(POLICE), other.cosigned(note(), AT))[0] == 2


@pytest.mark.parametrize(
    ("texts", "needed"),
    [
        ([str(POLICE.verifier)], 2),
        ([str(POLICE.verifier)], 0),
        ([str(POLICE.verifier)], -1),
        ([], 1),
        ([str(POLICE.verifier)] * 2, 1),
        ([str(WitnessKey("other.example", POLICE.verifier.public)), str(POLICE.verifier)], 1),
        ([str(WitnessKey("w.example", KEY.verifier.public))], 1),
        ([str(KEY.verifier)], 1),
        (["x"], 1),
    ],
)
def test_what_is_no_quorum_is_refused(texts: list[str], needed: int) -> None:
    with pytest.raises(Misused):
        Quorum.of(texts, needed, [TrustedKey(KEY.verifier)])


def test_the_commands_of_a_witness_and_of_who_demands_it(tmp_path: Path) -> None:
    secret, export = tmp_path / "witness.key", tmp_path / "export"
    written(export, full())
    made = verify("witness-key", "police.example", "--to", secret)
    assert (made.code, made.said[:6]) == (0, "made: ")
    key = made.said.split()[-1]
    (tmp_path / "cosigned").write_bytes(Cosigner.read(secret).cosigned(note()))

    def said(*arguments: str | Path) -> str:
        return verify("export", export, "--key", str(KEY.verifier), *arguments).said

    assert "1 of 1 witnesses (police.example)" in said(
        "--witness", key, "--cosigned", tmp_path / "cosigned"
    )
    assert "0 of 1 witnesses" in said("--witness", key)
    assert said("--witness", key, "--quorum", "2").startswith("usage: ")
    assert secret.stat().st_mode & 0o077 == 0
    assert verify("witness-key", "police.example", "--to", secret).code == 2, "none is overwritten"
    assert verify("witness-key", "a b", "--to", tmp_path / "x").code == 2
    assert checkpoint().size == SIZE
