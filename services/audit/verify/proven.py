"""What a consistency proof proves."""

from services.audit.log.checkpoints import Checkpoint, decoded_hash
from services.audit.log.tree import EMPTY_ROOT, consistency_ranges, extends
from services.audit.verify.signed import json_of, whole_number
from services.audit.verify.verdicts import CannotVerify, Tampered


def check_consistency(old: Checkpoint, new: Checkpoint, raw: bytes) -> None:
    """That `new` only adds to `old`, by a proof as the log gives it. Raises `Tampered`, and
    `CannotVerify` for what is no whole proof from one to the other."""
    first, second, hashes = read_consistency(raw)
    if (first, second) != (old.size, new.size):
        raise CannotVerify(f"the proof is from {first} to {second}, not {old.size} to {new.size}")
    if not 0 < first < second:
        return check_same(old, new)
    if len(hashes) != len(consistency_ranges(first, second)):
        raise CannotVerify(f"not a whole proof from {first} to {second} entries")
    if not extends(old.size, new.size, old.root, new.root, hashes):
        raise Tampered(
            f"the trail of {new.size} entries is not shown to extend the {old.size} sealed before: "
            f"one of the entries 0 to {old.size - 1} was changed, or the proof was"
        )
    return None


def check_same(old: Checkpoint, new: Checkpoint) -> None:
    """That `new` adds to `old` where no proof is needed: nothing is older, or nothing was added."""
    if old.size == 0 and old.root != EMPTY_ROOT:
        raise Tampered("a signed checkpoint of no entries has the root of some")
    if old.size == new.size and old.root != new.root:
        raise Tampered(
            f"two signed histories of {old.size} entries: {old.root.hex()} and {new.root.hex()}"
        )


def read_consistency(raw: bytes) -> tuple[int, int, list[bytes]]:
    """A consistency proof: sizes and hashes. Raises `CannotVerify` when it isn't one."""
    try:
        proof = json_of(raw)
        hashes = [decoded_hash(text) for text in proof["hashes"]]
        return whole_number(proof["first"]), whole_number(proof["second"]), hashes
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CannotVerify("not a consistency proof") from None
