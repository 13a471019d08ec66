"""Where the nodes of the wall stand: three columns, each node near what it is joined with. Pure.

The order within a column is by barycentres (Sugiyama, Tagawa, Toda 1981), a few sweeps, ties by id:
the same nodes stand in the same places always.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# In units of the picture.
COLUMNS = (20, 370, 720)
WIDTH, NODE_WIDTH, NODE_HEIGHT, STEP, TOP = 980, 240, 36, 52, 20
SWEEPS = 4


@dataclass(frozen=True)
class Placed:
    """The left upper corner of each node, and how high the picture is."""

    corners: Mapping[str, tuple[int, int]]
    height: int


def place(middle: Mapping[str, set[str]], right: Mapping[str, set[str]]) -> Placed:
    """The sources in the first column, and what they are joined with in the others."""
    joined: dict[str, list[str]] = defaultdict(list)
    for id_, sources in (*middle.items(), *right.items()):
        for source in sources:
            joined[source].append(id_)
    columns = [sorted(joined), sorted(middle), sorted(right)]
    for _ in range(SWEEPS):
        left = {id_: row for row, id_ in enumerate(columns[0])}
        columns[1].sort(key=lambda id_: (_mean(left, middle[id_]), id_))
        columns[2].sort(key=lambda id_: (_mean(left, right[id_]), id_))
        rows = {id_: row for column in columns[1:] for row, id_ in enumerate(column)}
        columns[0].sort(key=lambda id_: (_mean(rows, joined[id_]), id_))
    corners = {
        id_: (x, TOP + row * STEP)
        for x, column in zip(COLUMNS, columns, strict=True)
        for row, id_ in enumerate(column)
    }
    return Placed(corners, 2 * TOP + STEP * max(1, *map(len, columns)))


def line(placed: Placed, one: str, other: str) -> str:
    """From one node to the other, as the `d` of an SVG path; within a column around its side."""
    (x, y), (to_x, to_y) = sorted((placed.corners[one], placed.corners[other]))
    start, half = x + NODE_WIDTH, NODE_HEIGHT // 2
    end = to_x + (NODE_WIDTH if x == to_x else 0)
    bend = start + 60 if x == to_x else (start + end) // 2
    return f"M{start} {y + half}C{bend} {y + half} {bend} {to_y + half} {end} {to_y + half}"


def _mean(rows: Mapping[str, int], ids: Iterable[str]) -> float:
    found = [rows[id_] for id_ in ids]
    return sum(found) / len(found)
