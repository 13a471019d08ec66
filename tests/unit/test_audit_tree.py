"""The Merkle tree against reference figures, and against its own definition."""

import functools
import hashlib
from typing import cast

import pytest

from services.audit.log.edge import Edge
from services.audit.log.tiles import WIDTH, node_reader
from services.audit.log.tree import (
    EMPTY_ROOT,
    Node,
    ReadNode,
    consistency_ranges,
    extends,
    includes,
    inclusion_ranges,
    leaf_hash,
    node_hash,
    proof_of,
    root_of,
)
from tests.harness.vectors import vectors

# github.com/google/certificate-transparency, cpp/merkletree/merkle_tree_test.cc (Apache-2.0):
# the leaves of the reference tree, and the root of the first 1, 2, … 8 of them.
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"]
LEAVES += ["606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
REFERENCE = [leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES]


def reader(leaves: list[bytes]) -> ReadNode:
    """Reads nodes by the definition of RFC 6962 §2.1 itself."""

    @functools.cache
    def read(node: Node) -> bytes:
        level, index = node
        return root_of(leaves[index << level : (index + 1) << level])

    return cast(ReadNode, read)


def many(count: int) -> list[bytes]:
    return [leaf_hash(number.to_bytes(4, "big")) for number in range(count)]


def test_the_eight_roots_of_the_reference_tree() -> None:
    assert [root_of(REFERENCE[:size]).hex() for size in range(1, 9)] == ROOTS
    assert root_of([]) == EMPTY_ROOT == hashlib.sha256(b"").digest()


def test_the_right_edge_has_the_same_roots() -> None:
    edge = Edge()
    for leaf, root in zip(REFERENCE, ROOTS, strict=True):
        edge.push([leaf])
        assert edge.root().hex() == root
    assert Edge().root() == EMPTY_ROOT


def test_proofs_of_the_reference_vectors() -> None:
    given = vectors("rfc6962_reference_tree")
    read = reader(REFERENCE)

    for case in given["inclusion_paths"]:
        index, size = case["leaf_one_based"] - 1, case["tree_size"]
        path = proof_of(inclusion_ranges(index, size), read)
        assert [value.hex() for value in path] == case["path"]
        assert includes(index, size, REFERENCE[index], path, bytes.fromhex(ROOTS[size - 1]))
    for case in given["consistency_proofs"]:
        path = proof_of(consistency_ranges(case["first"], case["second"]), read)
        assert [value.hex() for value in path] == case["proof"]


def test_a_real_certificate_transparency_proof_of_2013() -> None:
    real = vectors("rfc6962_reference_tree")["real_ct_log_inclusion_2013"]
    path = [bytes.fromhex(value) for value in real[_named(real, "path", "proof")]]
    root = bytes.fromhex(real[_named(real, "root")])
    leaf = leaf_hash(bytes.fromhex(real["leaf_data_hex"]))

    assert includes(real["leaf_index"], real["tree_size"], leaf, path, root)
    assert not includes(real["leaf_index"] + 1, real["tree_size"], leaf, path, root)


def _named(entry: dict[str, object], *parts: str) -> str:
    return next(name for name in entry if any(part in name for part in parts))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 31])
def test_every_proof_verifies_and_every_flipped_byte_of_it_fails(size: int) -> None:
    leaves = many(size)
    root, read = root_of(leaves), reader(leaves)
    for index in range(size):
        path = proof_of(inclusion_ranges(index, size), read)
        assert includes(index, size, leaves[index], path, root)
        for step in range(len(path)):
            assert not includes(index, size, leaves[index], _flipped(path, step), root)
        assert not includes(index, size, _flip(leaves[index]), path, root)
        assert not includes(index, size, leaves[index], [*path, root], root)
    for first in range(1, size):
        path = proof_of(consistency_ranges(first, size), read)
        assert extends(first, size, root_of(leaves[:first]), root, path)
        for step in range(len(path)):
            assert not extends(first, size, root_of(leaves[:first]), root, _flipped(path, step))
        assert not extends(first, size, root_of(leaves[:first]), root, path[:-1])


def _flip(value: bytes) -> bytes:
    return bytes([value[0] ^ 1]) + value[1:]


def _flipped(path: list[bytes], step: int) -> list[bytes]:
    return [_flip(value) if place == step else value for place, value in enumerate(path)]


def test_an_empty_hash_is_no_proof_of_anything() -> None:
    assert not includes(0, 1, b"", [], b"")
    assert not includes(0, 1, EMPTY_ROOT[:31], [], EMPTY_ROOT[:31])
    assert not extends(1, 1, b"", b"", [])
    assert not extends(1, 2, root_of(many(1)), root_of(many(2)), [many(2)[1][:-1]])


def test_impossible_places_and_sizes_prove_nothing() -> None:
    leaves = many(4)
    root = root_of(leaves)
    path = proof_of(inclusion_ranges(1, 4), reader(leaves))

    assert not includes(-1, 4, leaves[1], path, root)
    assert not includes(4, 4, leaves[1], path, root)
    assert not includes(1, 0, leaves[1], [], EMPTY_ROOT)
    assert not extends(3, 2, root, root, [])
    assert not extends(-1, 2, root, root, [])
    with pytest.raises(ValueError, match="no such leaf"):
        inclusion_ranges(4, 4)
    with pytest.raises(ValueError, match="larger"):
        consistency_ranges(5, 4)


def test_every_tree_extends_the_empty_one_and_nothing_else_is_the_empty_one() -> None:
    root = root_of(many(3))

    assert extends(0, 3, EMPTY_ROOT, root, [])
    assert extends(0, 0, EMPTY_ROOT, EMPTY_ROOT, [])
    assert not extends(0, 3, root, root, [])
    assert not extends(0, 0, EMPTY_ROOT, root, [])
    assert not extends(0, 3, EMPTY_ROOT, root, [root])


@pytest.mark.parametrize("size", [1, 255, 256, 257, 600])
def test_the_edge_gives_the_tiles_a_proof_is_read_from(size: int) -> None:
    leaves = many(size)
    edge, tiles = Edge(), {}
    for start in range(0, size, 100):
        for tile in edge.push(leaves[start : start + 100]):
            tiles[tile.level, tile.index] = tile.hashes
            assert tile.root == root_of(leaves[tile.index * WIDTH : (tile.index + 1) * WIDTH])
    for level, hashes in enumerate(edge.levels):
        if hashes:
            tiles[level, (size >> 8 * level) // WIDTH] = b"".join(hashes)

    assert edge.size == size
    assert edge.root() == root_of(leaves)
    read = node_reader(tiles)
    for index in {0, size // 2, size - 1}:
        path = proof_of(inclusion_ranges(index, size), read)
        assert includes(index, size, leaves[index], path, edge.root())


def test_node_and_leaf_hashes_differ_so_that_neither_passes_for_the_other() -> None:
    left, right = many(2)

    assert node_hash(left, right) != leaf_hash(left + right)
    assert node_hash(left, right) == hashlib.sha256(b"\x01" + left + right).digest()
