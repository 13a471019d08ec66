"""Merkle trees as RFC 6962 §2.1 and RFC 9162 §2.1 define them. Pure.

A proof is a list of hashes; each is the root of a range of leaves [start, end). Ranges are plain
arithmetic (`inclusion_ranges`, `consistency_ranges`), so whoever stores hashes can first say which
ones a proof needs, fetch those, and then put the proof together.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence

Range = tuple[int, int]
Node = tuple[int, int]  # (level, index): the perfect subtree over leaves [index << level, …)
ReadNode = Callable[[Node], bytes]

HASH_SIZE = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(leaf: bytes) -> bytes:
    """SHA-256(0x00 ‖ leaf), RFC 6962 §2.1."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def leaf_hashes(leaves: Iterable[bytes]) -> list[bytes]:
    """`leaf_hash` of each. Going on from a copy of what 0x00 began takes less than beginning anew."""
    begun, hashes = hashlib.sha256(b"\x00"), []
    for leaf in leaves:
        one = begun.copy()
        one.update(leaf)
        hashes.append(one.digest())
    return hashes


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right), RFC 6962 §2.1."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def parents(hashes: Sequence[bytes]) -> list[bytes]:
    """The level above an even number of hashes: `node_hash` of each pair."""
    begun, above = hashlib.sha256(b"\x01"), []
    for left, right in zip(hashes[::2], hashes[1::2], strict=True):
        one = begun.copy()
        one.update(left + right)
        above.append(one.digest())
    return above


def root_of(leaf_hashes: Sequence[bytes]) -> bytes:
    """MTH of leaves already hashed, RFC 6962 §2.1: level by level, an odd last one moves up."""
    level = list(leaf_hashes)
    if not level:
        return EMPTY_ROOT
    while len(level) > 1:
        odd = level.pop() if len(level) % 2 else None
        level = parents(level)
        if odd is not None:
            level.append(odd)
    return level[0]


def largest_power_below(n: int) -> int:
    """The largest power of two smaller than n, for n > 1: where RFC 6962 §2.1 splits a tree."""
    return 1 << ((n - 1).bit_length() - 1)


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """The ranges whose roots are PATH(index, D[size]), leaf to root, RFC 6962 §2.1.1.

    Raises `ValueError` unless 0 <= index < size.
    """
    if not 0 <= index < size:
        raise ValueError("no such leaf in a tree of that size")
    ranges: list[Range] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + largest_power_below(end - start)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return ranges[::-1]


def consistency_ranges(first: int, second: int) -> list[Range]:
    """The ranges whose roots are PROOF(first, D[second]), RFC 6962 §2.1.2.

    Empty for first = second and for first = 0. Raises `ValueError` for first > second.
    """
    if not 0 <= first <= second:
        raise ValueError("the first tree must not be larger than the second")
    if first in (0, second):
        return []
    ranges: list[Range] = []
    start, end, whole = 0, second, True
    while first != end:
        middle = start + largest_power_below(end - start)
        if first <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start, whole = middle, False
    if not whole:
        ranges.append((start, end))
    return ranges[::-1]


def perfect_nodes(wanted: Range) -> list[Node]:
    """The perfect subtrees that make up a range of a proof, left to right, largest first."""
    start, end = wanted
    nodes: list[Node] = []
    while start < end:
        level = (end - start).bit_length() - 1
        nodes.append((level, start >> level))
        start += 1 << level
    return nodes


def range_hash(wanted: Range, read: ReadNode) -> bytes:
    """The root of a range, from the roots of its perfect subtrees. An empty range: `EMPTY_ROOT`."""
    found = [read(node) for node in perfect_nodes(wanted)]
    if not found:
        return EMPTY_ROOT
    total = found.pop()
    while found:
        total = node_hash(found.pop(), total)
    return total


def nodes_of(ranges: Iterable[Range]) -> set[Node]:
    """Every perfect subtree that these ranges need."""
    return {node for wanted in ranges for node in perfect_nodes(wanted)}


def proof_of(ranges: Iterable[Range], read: ReadNode) -> list[bytes]:
    """The hashes of a proof."""
    return [range_hash(wanted, read) for wanted in ranges]


def includes(index: int, size: int, leaf: bytes, path: Sequence[bytes], root: bytes) -> bool:
    """Whether `path` proves that the leaf with hash `leaf` is at `index`: RFC 9162 §2.1.3.2.

    Every hash must have 32 bytes: without that check an empty "hash" is a valid root at size 1.
    """
    if not 0 <= index < size or not _all_hashes(leaf, root, *path):
        return False
    place, last, computed = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if place & 1 or place == last:
            computed = node_hash(sibling, computed)
            while place & 1 == 0 and place:
                place, last = place >> 1, last >> 1
        else:
            computed = node_hash(computed, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and computed == root


def extends(
    first: int, second: int, first_root: bytes, second_root: bytes, path: Sequence[bytes]
) -> bool:
    """Whether `path` proves that the second tree only adds to the first: RFC 9162 §2.1.4.2.

    The empty tree (size 0) is extended by every tree, with an empty proof.
    """
    if not 0 <= first <= second or not _all_hashes(first_root, second_root, *path):
        return False
    if first == 0:
        return not path and first_root == EMPTY_ROOT and (second > 0 or second_root == EMPTY_ROOT)
    if first == second:
        return not path and first_root == second_root
    rest = list(path)
    if first & (first - 1) == 0:
        rest.insert(0, first_root)
    if not rest:
        return False
    place, last = first - 1, second - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = rest[0]
    for sibling in rest[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while place & 1 == 0 and place:
                place, last = place >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root


def _all_hashes(*hashes: bytes) -> bool:
    return all(len(value) == HASH_SIZE for value in hashes)
