"""Checking a filtered export: single entries, each by its own proof."""

import re
from collections.abc import Sequence

from services.audit.log.checkpoints import Checkpoint, InclusionProof, TrustedKey, read_proof
from services.audit.log.notes import BadNote
from services.audit.log.tree import includes, inclusion_ranges, leaf_hash
from services.audit.verify.earlier import Earlier
from services.audit.verify.proven import check_consistency, check_same
from services.audit.verify.signed import checkpoint_of
from services.audit.verify.sources import Source, needed
from services.audit.verify.verdicts import CannotVerify, first_of, judge

LEAF = re.compile(r"leaves/([0-9]{12,19})\.json", re.ASCII)


def leaves_in(source: Source) -> dict[str, int]:
    """The leaves of a filtered export: each file's name and the place that it says the entry has.

    Raises `CannotVerify` for a file among them that names no place, or in another way than we do.
    """
    places = {}
    for name in source.names():
        if name.startswith("leaves/"):
            match = LEAF.fullmatch(name)
            if match is None or name != leaf_name(int(match[1])):
                raise CannotVerify(f"a file among the leaves names no entry: {name}")
            places[name] = int(match[1])
    return places


def leaf_name(seq: int) -> str:
    """The file of an entry in a filtered export."""
    return f"leaves/{seq:012d}.json"


def proof_name(seq: int) -> str:
    """The file of its proof."""
    return f"proofs/{seq:012d}.tlog-proof"


def check_filtered(
    source: Source, keys: list[TrustedKey], sealed: Checkpoint, earlier: Earlier
) -> tuple[list[str], str]:
    """What is missing, and what was verified, in words. Raises `Tampered` naming entries."""
    places = leaves_in(source)
    note = needed(source, "checkpoint").decode("utf-8")
    wrong: list[str] = []
    without: list[int] = []
    for name, seq in places.items():
        proof = _proof_for(source, seq, keys, sealed, note)
        if proof is None:
            without.append(seq)
        else:
            wrong += misfit(seq, sealed, needed(source, name), proof.path)
    judge(first_of(wrong), [])
    grown = _check_grown(source, sealed, earlier)
    proven = {proof_name(seq) for seq in places.values()}
    missing = [
        f"{name} proves nothing that is here"
        for name in source.names()
        if name.startswith("proofs/") and name not in proven
    ]
    if without:
        told = ", ".join(first_of([str(seq) for seq in without]))
        missing += [f"{len(without)} of {len(places)} entries without a proof: {told}"]
    if not places:
        missing += ["it holds no entry, so nothing of any entry is proven"]
    return missing, (
        f"{len(places)} of {len(places)} entries in the export are in the trail of {sealed.size} "
        f"entries that {sealed.origin} sealed, each by its own proof{grown}; that no entry was "
        "left out is not proven"
    )


def misfit(seq: int, sealed: Checkpoint, leaf: bytes, path: Sequence[bytes]) -> list[str]:
    """What is found where an entry and a whole proof do not fit: by itself neither says which of
    the two was changed. Nothing, where they do."""
    if includes(seq, sealed.size, leaf_hash(leaf), path, sealed.root):
        return []
    return [f"entry {seq} is not what was sealed, or its proof was changed"]


def is_whole(proof: InclusionProof, size: int) -> bool:
    """Whether a proof has a place in the tree, and as many hashes as that place needs."""
    return proof.index < size and len(proof.path) == len(inclusion_ranges(proof.index, size))


def _proof_for(
    source: Source, seq: int, keys: list[TrustedKey], sealed: Checkpoint, note: str
) -> InclusionProof | None:
    """The proof of an entry; None where it is missing, broken, or of something else: that says
    nothing of the entry."""
    try:
        proof = read_proof(source.read(proof_name(seq)) or b"")
    except BadNote:
        return None
    if proof.note != note:  # else it is signed as the export is
        checkpoint = checkpoint_of(proof.note.encode(), keys, f"the proof of entry {seq}")
        if checkpoint != sealed:
            return None
    return proof if proof.index == seq and is_whole(proof, sealed.size) else None


def _check_grown(source: Source, sealed: Checkpoint, earlier: Earlier) -> str:
    """That the trail only added to what was sealed before, for each checkpoint kept."""
    raw = source.read("consistency.json")
    told = ""
    for one in earlier.held():
        if one.size in (0, sealed.size):
            check_same(one.checkpoint, sealed)
        elif raw is None:
            raise CannotVerify("the export has no consistency proof: ask for one with `previous`")
        else:
            check_consistency(one.checkpoint, sealed, raw)
        told += f"; the trail only added to the {one.size} entries sealed by {one.what}"
    return told
