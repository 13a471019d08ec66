"""Tiles: their paths, their widths, their bundles of entries."""

import pytest

from services.audit.log.tiles import (
    BadPath,
    Bundle,
    Tile,
    node_reader,
    pack_bundle,
    parse_path,
    tile_of,
    tiles_at,
    unpack_bundle,
    width_at,
)
from tests.harness.vectors import vectors


def test_paths_are_those_of_other_implementations() -> None:
    given = vectors("tile_paths")
    for case in given["hash_tiles"]:
        tile = Tile(case["level"], case["index"], case["width"])
        assert tile.path == case["path"]
        assert parse_path(case["path"]) == tile
    for case in given["entry_bundles"]:
        assert Bundle(case["index"], case["width"]).path == case["path"]
        assert parse_path(case["path"]) == Bundle(case["index"], case["width"])
    for case in given["bundle_for_entry"]:
        index = case["seq"] // 256
        width = min(256, case["size"] - index * 256)
        assert Bundle(index, width).path == case["path"]


def test_paths_that_others_refuse_are_refused() -> None:
    for path in vectors("tile_paths")["bad_requests"]:
        with pytest.raises(BadPath):
            parse_path(path)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0",
        "tile/00/000",
        "tile/0/000.p/0",
        "tile/0/000.p/257",
        "tile/0/x000/000",
        "/tile/0/000",
        "tile/64/000",
    ],
)
def test_a_tile_has_one_path_only(path: str) -> None:
    with pytest.raises(BadPath):
        parse_path(path)


@pytest.mark.parametrize(
    "one", [Tile(63, 0), Tile(0, 1_234_067, 255), Tile(1, 1000), Bundle(999), Bundle(1000, 1)]
)
def test_a_path_is_read_back_as_it_is_written(one: Tile | Bundle) -> None:
    assert parse_path(one.path) == one


def test_the_partial_tiles_of_a_size_are_those_of_other_implementations() -> None:
    for case in vectors("tile_paths")["partial_tiles_of_size"]:
        tiles = list(tiles_at(case["size"]))
        partial = [[t.level, t.index, t.width] for t in tiles if t.width < 256]
        assert partial == case["partial"]
        assert sum(t.level == 0 and t.width == 256 for t in tiles) == case["full_level0"]
        assert sum(t.level == 1 and t.width == 256 for t in tiles) == case["full_level1"]


@pytest.mark.parametrize(
    ("size", "widths"),
    [
        (255, [(0, 0, 255)]),
        (256, [(0, 0, 256), (1, 0, 1)]),
        (257, [(0, 0, 256), (0, 1, 1), (1, 0, 1)]),
        (65_535, [(0, 255, 255), (1, 0, 255)]),
        (65_536, [(0, 255, 256), (1, 0, 256), (2, 0, 1)]),
        (65_537, [(0, 256, 1), (1, 0, 256), (1, 1, 0), (2, 0, 1)]),
    ],
)
def test_widths_are_exact_where_a_tile_has_just_been_filled(
    size: int, widths: list[tuple[int, int, int]]
) -> None:
    for level, index, width in widths:
        assert width_at(level, index, size) == width


def test_a_node_is_read_from_the_tile_of_its_level() -> None:
    assert tile_of((0, 300), 400) == Tile(0, 1, 144)
    assert tile_of((7, 3), 512) == Tile(0, 1, 256)
    assert tile_of((8, 3), 2048) == Tile(1, 0, 8)
    assert tile_of((15, 0), 1 << 16) == Tile(1, 0, 256)


def test_a_tile_that_is_too_short_is_an_error_and_not_another_hash() -> None:
    read = node_reader({(0, 0): bytes(32 * 3)})

    with pytest.raises(LookupError):
        read((1, 1))
    with pytest.raises(LookupError):
        read((0, 300))


def test_a_bundle_is_unpacked_as_it_was_packed_and_a_cut_one_is_refused() -> None:
    leaves = [b"", b"a", b"x" * 65_535]
    raw = pack_bundle(leaves)

    assert unpack_bundle(raw) == leaves
    for cut in (1, 3, 4, 6, len(raw) - 1):
        with pytest.raises(ValueError, match="within an entry"):
            unpack_bundle(raw[:cut])
