"""What takes a second or two: every proof of every size, and an independent implementation."""

import functools
import hashlib
import random
from collections.abc import Iterator

from proofbundle import checkpoint as theirs
from proofbundle import merkle, tlogproof

from services.audit.log.checkpoints import (
    Checkpoint,
    InclusionProof,
    TrustedKey,
    open_checkpoint,
    read_proof,
)
from services.audit.log.edge import Edge
from services.audit.log.notes import VerifierKey
from services.audit.log.signing import SigningKey
from services.audit.log.tiles import node_reader
from services.audit.log.tree import (
    Node,
    Range,
    consistency_ranges,
    extends,
    includes,
    inclusion_ranges,
    leaf_hash,
    proof_of,
    root_of,
)
from tests.harness.vectors import vectors

SIZES = 300
LEAVES = [b"leaf %d" % number for number in range(SIZES)]
HASHES = [leaf_hash(leaf) for leaf in LEAVES]
ROOTS = [root_of(HASHES[:size]) for size in range(SIZES + 1)]
KEY = SigningKey.parse("trail.example/log+" + "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=")


@functools.cache
def read(node: Node) -> bytes:
    level, index = node
    return root_of(HASHES[index << level : (index + 1) << level])


def test_every_inclusion_proof_of_every_size_up_to_300_verifies() -> None:
    for size in range(1, SIZES + 1):
        for index in range(size):
            path = proof_of(inclusion_ranges(index, size), read)
            assert includes(index, size, HASHES[index], path, ROOTS[size])


def test_every_consistency_proof_of_every_size_up_to_300_verifies() -> None:
    for second in range(SIZES + 1):
        for first in range(second + 1):
            path = proof_of(consistency_ranges(first, second), read)
            assert extends(first, second, ROOTS[first], ROOTS[second], path)


def test_every_mutated_byte_of_every_proof_up_to_40_fails() -> None:
    for size in range(1, 41):
        for place in range(size):
            every_mutated_byte_fails(place, size)


def test_every_mutated_byte_of_proofs_up_to_300_fails() -> None:
    drawn = [divmod(random.randrange(SIZES * SIZES), SIZES) for _ in range(60)]
    edges = [(0, 300), (255, 256), (255, 257), (256, 257), (299, 300), (130, 255)]
    for place, size in edges + [(place, size) for place, size in drawn if place < size]:
        every_mutated_byte_fails(place, size)


def every_mutated_byte_fails(place: int, size: int) -> None:
    """Of the proof that this entry is in the tree, and that the tree extends that of so many."""
    leaf, root, before = HASHES[place], ROOTS[size], ROOTS[place]
    path = proof_of(inclusion_ranges(place, size), read)
    assert includes(place, size, leaf, path, root)
    for bad in mutated(path):
        assert not includes(place, size, leaf, bad, root)
    path = proof_of(consistency_ranges(place, size), read)
    assert extends(place, size, before, root, path)
    for bad in mutated(path):
        assert not extends(place, size, before, root, bad)


def mutated(path: list[bytes]) -> Iterator[list[bytes]]:
    """The path as often as it has bytes, each time with another of them changed."""
    for step, value in enumerate(path):
        for at in range(len(value)):
            other = value[at] ^ random.randrange(1, 256)
            yield [*path[:step], value[:at] + bytes([other]) + value[at + 1 :], *path[step + 1 :]]


def test_tiles_and_proofs_are_exact_where_the_second_level_fills() -> None:
    """65,535, 65,536 and 65,537 leaves: a tile of tiles is one short, full, and begun again."""
    leaves = [leaf_hash(b"%d" % number) for number in range(65_537)]
    edge, tiles = Edge(), {}
    for size in (65_535, 65_536, 65_537):
        for tile in edge.push(leaves[edge.size : size]):
            tiles[tile.level, tile.index] = tile.hashes
        for level, hashes in enumerate(edge.levels):
            if hashes:
                tiles[level, (size >> 8 * level) // 256] = b"".join(hashes)
        assert edge.root() == root_of(leaves[:size])
        reader = node_reader(tiles)
        for index in (0, 255, 256, 65_279, 65_280, size - 1):
            path = proof_of(inclusion_ranges(index, size), reader)
            assert includes(index, size, leaves[index], path, edge.root())
        for first in (1, 65_280, 65_534, size - 1):
            path = proof_of(consistency_ranges(first, size), reader)
            assert extends(first, size, root_of(leaves[:first]), edge.root(), path)


def test_the_digests_over_all_subtrees_and_inclusion_proofs_up_to_130() -> None:
    """draft-ietf-plants-merkle-tree-certs, appendix "Subtree Test Vectors"."""
    given = vectors("rfc6962_accumulated")
    leaves = [leaf_hash(bytes([number])) for number in range(given["max"])]

    @functools.cache
    def root(wanted: Range) -> str:
        return root_of(leaves[wanted[0] : wanted[1]]).hex()

    subtrees, proofs = hashlib.sha256(), hashlib.sha256()
    for end in range(given["max"] + 1):
        for start in range(end + 1):
            if not _is_subtree(start, end):
                continue
            subtrees.update(f"[{start}, {end}) {root((start, end))}\n".encode())
            for index in range(start, end):
                path = inclusion_ranges(index - start, end - start)
                hashes = "".join(f" {root((a + start, b + start))}" for a, b in path)
                proofs.update(f"{index} [{start}, {end}){hashes}\n".encode())
    assert subtrees.hexdigest() == given["want"]["subtree_hash"]
    assert proofs.hexdigest() == given["want"]["inclusion"]


def _is_subtree(start: int, end: int) -> bool:
    return start in (0, end) or start % (1 << (end - start - 1).bit_length()) == 0


def test_proofbundle_accepts_our_inclusion_and_consistency_proofs() -> None:
    for size in (1, 2, 3, 7, 8, 100, 255, 256, 257, 300):
        for index in {0, 1, size // 2, size - 1} & set(range(size)):
            path = proof_of(inclusion_ranges(index, size), read)
            leaf, root = LEAVES[index], ROOTS[size]
            assert merkle.verify_inclusion(leaf, index, size, path, root)
            assert not merkle.verify_inclusion(b"other", index, size, path, root)
        for first in {1, size // 2, size - 1} - {0}:
            path = proof_of(consistency_ranges(first, size), read)
            assert merkle.verify_consistency(first, size, path, ROOTS[first], ROOTS[size])


def test_we_accept_the_proofs_that_proofbundle_makes() -> None:
    for size in (1, 2, 5, 8, 13, 64, 100):
        leaves = LEAVES[:size]
        assert merkle.merkle_tree_hash(leaves) == ROOTS[size]
        for index in {0, size // 3, size - 1}:
            path = merkle.inclusion_proof(leaves, index)
            assert includes(index, size, HASHES[index], path, ROOTS[size])
        for first in range(1, size):
            path = merkle.consistency_proof(leaves, first)
            assert extends(first, size, ROOTS[first], ROOTS[size], path)


def test_checkpoints_and_textual_proofs_are_accepted_in_both_directions() -> None:
    ours = Checkpoint(KEY.name, 300, ROOTS[300]).sign([KEY])
    public = KEY.verifier.public

    said = theirs.verify_checkpoint(ours, str(KEY.verifier))
    made = theirs.sign_checkpoint(KEY.name, 300, ROOTS[300], KEY.private, KEY.name)

    assert said["ok"], said
    assert theirs.vkey(KEY.name, public) == str(KEY.verifier)
    trusted = [TrustedKey(VerifierKey.parse(theirs.vkey(KEY.name, public)))]
    assert open_checkpoint(made.encode(), trusted).root == ROOTS[300]
    assert made == ours  # Ed25519 is deterministic: the very same note

    path = proof_of(inclusion_ranges(7, 300), read)
    text = InclusionProof(7, tuple(path), ours).text()
    assert tlogproof.verify_tlog_proof(text, LEAVES[7], str(KEY.verifier))["ok"]
    assert not tlogproof.verify_tlog_proof(text, LEAVES[8], str(KEY.verifier))["ok"]
    assert read_proof(tlogproof.format_tlog_proof(7, path, ours).encode()).path == tuple(path)
