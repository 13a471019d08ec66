"""The keys, the clock and the right edge of the trail; and what it says of itself."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.audit.exports.export import Export, asked_for
from services.audit.integrity.faults import Fault, integrity_failed
from services.audit.log.checkpoints import TrustedKey
from services.audit.log.damage import Damaged
from services.audit.log.edge import Edge
from services.audit.log.head import Head
from services.audit.log.keys import KeyEntry, introduced, retire
from services.audit.log.signing import SigningKey
from services.audit.log.tiles import WIDTH, Tile, tiles_for
from services.audit.log.tree import leaf_hash, leaf_hashes, nodes_of, root_of
from services.audit.query import Query, queried
from shared.events.trail import TrailIntegrityFailed, TrailKeyRotated, TrailQueried
from shared.storage.records import Change

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
KEY = SigningKey.parse(f"trail.example/log+{base64.b64encode(bytes(32)).decode()}").verifier
HASHES = leaf_hashes(str(n).encode() for n in range(WIDTH * WIDTH + 3 * WIDTH + 7))


def test_a_key_counts_from_where_it_was_introduced_up_to_where_it_was_retired() -> None:
    entry = KeyEntry(id="key_1", verifier_key=str(KEY), first=7)

    retired = retire(entry, 90)

    def said(change: str, size: int) -> TrailKeyRotated:
        return TrailKeyRotated.model_validate(
            {"key_id": "key_1", "verifier_key": str(KEY), "change": change, "size": size}
        )

    assert introduced(entry) == said("introduced", 7)
    assert retired == Change(entry.but(last=90), (said("retired", 90),))
    assert retire(retired.after, 99) == Change(retired.after), "twice is once"
    assert entry.trusted == TrustedKey(KEY, 7, None)
    assert retired.after.trusted == TrustedKey(KEY, 7, 90)


@pytest.mark.parametrize(("last", "held"), [(None, False), (-1, False), (0, False), (1, True)])
def test_time_in_the_trail_never_goes_back(last: int | None, held: bool) -> None:
    recorded = None if last is None else AT + timedelta(seconds=last)
    head = Head(size=1, read=None, epoch=1, edge=Edge(), recorded_at=recorded)

    assert head.time_after(AT) == (recorded if held else AT, held)


@given(st.lists(st.integers(1, 600), max_size=4))
@settings(max_examples=20)
def test_an_edge_is_the_tree_of_what_was_pushed_and_survives_being_stored(parts: list[int]) -> None:
    edge, size = Edge(), 0
    for part in parts:
        copy = edge.copy()
        filled = edge.push(HASHES[size : size + part])
        assert (copy.size, copy.root()) == (size, root_of(HASHES[:size])), "the copy is its own"
        new = range(size // WIDTH, (size + part) // WIDTH)
        assert [(tile.level, tile.index) for tile in filled] == [(0, index) for index in new]
        size += part

    assert (edge.size, edge.root()) == (size, root_of(HASHES[:size]))
    assert Edge.unpacked(size, edge.packed()) == edge
    for wrong in ([*edge.packed(), bytes(32)], [raw + bytes(32) for raw in edge.packed()]):
        if wrong:
            with pytest.raises(ValueError, match="not the right edge"):
                Edge.unpacked(size, wrong)


def test_full_tiles_of_every_level_are_filled_in_their_turn() -> None:
    edge = Edge()

    filled = edge.push(HASHES)

    assert edge.root() == root_of(HASHES)
    assert [len(level) for level in edge.levels] == [7, 3, 1]
    lower = [tile for tile in filled if tile.level == 0]
    assert [tile.index for tile in lower] == list(range(WIDTH + 3))
    assert [tile.root for tile in lower[:WIDTH]] == [
        root_of(HASHES[n : n + WIDTH]) for n in range(0, WIDTH * WIDTH, WIDTH)
    ]
    (upper,) = (tile for tile in filled if tile.level)
    assert (upper.level, upper.index) == (1, 0)
    assert upper.hashes == b"".join(tile.root for tile in lower[:WIDTH])
    assert upper.root == root_of(HASHES[: WIDTH * WIDTH])
    assert filled.index(upper) == WIDTH, "lower ones first"
    assert Edge.unpacked(edge.size, edge.packed()) == edge


def test_the_tiles_of_a_proof_are_those_of_its_nodes() -> None:
    ranges = [(0, 4), (4, 6), (256, 257)]

    assert nodes_of(ranges) == {(2, 0), (1, 2), (0, 256)}
    assert tiles_for(nodes_of(ranges), 300) == {Tile(0, 0, 256), Tile(0, 1, 44)}


def test_leaves_are_hashed_one_by_one_or_together() -> None:
    leaves = [b"", b"a", b"\x00b"]

    assert leaf_hashes(leaves) == [leaf_hash(leaf) for leaf in leaves]


def test_asking_for_an_export_is_told_with_what_was_asked() -> None:
    export = Export(
        id="exp_1", asked_by="auditor:one", purpose="inspection", asked_at=AT, size=9,
        filter={"referral_id": "ref_1"},
    )  # fmt: skip

    assert asked_for(export) == TrailQueried(
        query_id="exp_1",
        resource="export",
        filter={"referral_id": "ref_1"},
        purpose="inspection",
        outcome="answered",
        count=0,
        checkpoint_size=9,
    )


def test_a_query_is_told_whole() -> None:
    told = queried(
        Query(id="qry_1", at=AT), resource="events", asked={"from": "2026-01-01"},
        purpose="inspection", outcome="refused", count=3, size=12,
    )  # fmt: skip

    assert told == TrailQueried(
        query_id="qry_1",
        resource="events",
        filter={"from": "2026-01-01"},
        purpose="inspection",
        outcome="refused",
        count=3,
        checkpoint_size=12,
    )


def test_a_fault_says_what_where_and_whether_signing_stopped() -> None:
    fault = Fault(id="f_1", code="leaf_edited", seq=5, frozen=True, found_at=AT)
    damaged = Damaged("entry_missing", 7)

    assert integrity_failed(fault) == TrailIntegrityFailed(code="leaf_edited", seq=5, frozen=True)
    assert (damaged.code, damaged.at, str(damaged)) == ("entry_missing", 7, "entry_missing at 7")
