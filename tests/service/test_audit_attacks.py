"""The table of attacks in docs/auditing.md, each cell of it: who changes what, and who is told."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from services.audit.log.tiles import pack_bundle
from services.audit.verify.exported import check_export
from services.audit.verify.verdicts import CannotVerify, Tampered
from services.audit.verify.witnesses import Cosigner, Quorum
from tests.harness.exports import (
    LEAVES,
    RING,
    Files,
    checkpoint,
    filtered,
    forged,
    full,
    note,
    written,
)
from tests.harness.template import ROOT

VICTIM = 100
WITNESS = Cosigner("police.example", bytes([5]) * 32)
CHECKPOINTS = ("checkpoint", "checkpoints/000000000090.ndjson")
ATTACKS: dict[str, Callable[[], Files]] = {
    "an entry is edited, swapped or deleted": lambda: (
        full() | {"tile/entries/000": pack_bundle(forged(VICTIM)[:256])}
    ),
    "an entry and all hashes over it": lambda: (
        full(forged(VICTIM)) | {name: full()[name] for name in CHECKPOINTS}
    ),
    "a file of hashes": lambda: full() | {"tile/0/000": bytes(256 * 32)},
    "everything, and signed again": lambda: full(forged(VICTIM)),
    "the end is cut off, with its checkpoints": lambda: full(LEAVES[:90], (90,)),
    "one entry of a filtered export": lambda: (
        filtered(5, VICTIM, first=150) | {f"leaves/{VICTIM:012d}.json": forged(VICTIM)[VICTIM]}
    ),
    "an entry is left out of a filtered export": lambda: filtered(5, first=150),
}
SAID = {
    "not noticed": (0, "verified"),
    "the entry": (1, f"entry {VICTIM} is not what was sealed"),
    "a range": (1, "one of the entries 90 to 149 was changed"),
    "the file": (1, "tile/0/000 was changed; its entries are what was sealed"),
    "two histories": (1, "two signed histories"),
    "the cut": (1, "the trail was cut"),
    "can't tell": (2, "0 of 1 witnesses have cosigned"),
}


def rows() -> dict[str, list[str]]:
    """The table, by attack."""
    text = (ROOT / "docs" / "auditing.md").read_text("utf-8")
    table = text.partition("| what is changed, and by whom |")[2].partition("\n\n")[0]
    found = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]
    ]
    return {re.sub(r" \(.*", "", cells[0]): cells[1:] for cells in found}


def judged(folder: Path, files: Files, holds: int) -> tuple[int, str]:
    """What who holds this is told: nothing, a checkpoint, an earlier full export, a witness."""
    kept = checkpoint(150) if holds == 1 else None
    previous = written(folder / "before", full(LEAVES[:150], (90, 150))) if holds == 2 else None
    witnesses = [str(WITNESS.verifier)] if holds == 3 else []
    cosigned = [WITNESS.cosigned(note(150), 1_700_000_000)] if holds == 3 else []
    export = written(folder / "now", files)
    try:
        quorum = Quorum.of(witnesses, None, RING)
        return 0, f"verified: {check_export(export, RING, kept, previous, quorum, cosigned)}"
    except Tampered as found:
        return 1, "\n".join(found.findings)
    except CannotVerify as why:
        return 2, str(why)


def test_the_table_names_the_attacks_that_are_run() -> None:
    assert list(rows()) == list(ATTACKS)
    assert {cell for cells in rows().values() for cell in cells} == set(SAID)


@pytest.mark.parametrize("holds", range(4))
@pytest.mark.parametrize("attack", ATTACKS)
def test_each_cell_of_the_table_is_as_it_says(tmp_path: Path, attack: str, holds: int) -> None:
    code, words = SAID[rows()[attack][holds]]

    said = judged(tmp_path, ATTACKS[attack](), holds)

    assert (said[0], words in said[1]) == (code, True), said
