"""The wall as a picture that a page only has to draw. Pure.

In it stand children (and reports that know of no child), what was mentioned of them, and places, in
three columns. The same mentions make the same picture, in whatever order they come.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from services.referral.intelligence.layout import (
    NODE_HEIGHT,
    NODE_WIDTH,
    WIDTH,
    Placed,
    line,
    place,
)
from services.referral.intelligence.normal import MentionKind, Strength
from services.referral.intelligence.wall import Shown, Thing

NodeKind = MentionKind | Literal["child", "report"]
MOST_LABEL = 24
PLACES = frozenset({"place", "business"})


class WallNode(BaseModel):
    """A child, a report that knows of none, or a thing. `number`: how many children and reports meet
    in it; of those, how many things they share with another. `conditions`: some of its reports bind whoever
    uses them; read those first. `x`, `y`: its left upper corner."""

    id: str
    kind: NodeKind
    roles: list[str]
    label: str
    number: int
    reports: list[str]
    conditions: bool
    x: int
    y: int


class WallEdge(BaseModel):
    """What two nodes have to do with each other: said by so many reports, or a link between things
    that is `possible` until somebody confirms it. `path` is its line, as SVG has it."""

    one: str
    other: str
    strength: Strength
    reports: int
    first_at: datetime | None
    last_at: datetime | None
    link_id: str | None
    path: str


class Wall(BaseModel):
    """The picture. `more` counts by kind what is not in it."""

    nodes: list[WallNode]
    edges: list[WallEdge]
    more: dict[str, int]
    width: int = WIDTH
    height: int
    node_width: int = NODE_WIDTH
    node_height: int = NODE_HEIGHT


def drawn(shown: Shown, labels: dict[str, str]) -> Wall:
    """The picture. `labels`: what a thing is called, by the id of its newest mention, and a child."""
    placed = place(
        {thing.id: thing.sources for thing in shown.things if thing.newest.kind not in PLACES},
        {thing.id: thing.sources for thing in shown.things if thing.newest.kind in PLACES},
    )
    nodes = [_source_node(s, shown, labels, placed) for s in shown.sources]
    nodes += [_thing_node(thing, labels, placed) for thing in shown.things]
    edges = [*_said_edges(shown.things, placed), *_tie_edges(shown.ties, placed)]
    return Wall(
        nodes=sorted(nodes, key=lambda node: (node.x, node.y)),
        edges=sorted(edges, key=lambda edge: (edge.one, edge.other, edge.link_id or "")),
        more=shown.more,
        height=placed.height,
    )


def short(label: str) -> str:
    """So much of it as a node bears, in one line."""
    one = " ".join(label.split())
    return one if len(one) <= MOST_LABEL else one[: MOST_LABEL - 1].rstrip() + "…"


def _source_node(source: str, shown: Shown, labels: dict[str, str], placed: Placed) -> WallNode:
    theirs = [thing for thing in shown.things if source in thing.sources]
    said = [one for thing in theirs for one in thing.said if one.source == source]
    return WallNode(
        id=source,
        kind="child" if said[0].child else "report",
        roles=[],
        label=short(labels.get(source, "Report")),
        number=sum(len(thing.sources) > 1 for thing in theirs),
        reports=sorted({one.report_id for one in said}),
        conditions=any(one.conditional for one in said),
        x=placed.corners[source][0],
        y=placed.corners[source][1],
    )


def _thing_node(thing: Thing, labels: dict[str, str], placed: Placed) -> WallNode:
    return WallNode(
        id=thing.id,
        kind=thing.newest.kind,
        roles=sorted({one.role for one in thing.said}),
        label=short(labels.get(thing.newest.id, "Not said")),
        number=len(thing.sources),
        reports=sorted({one.report_id for one in thing.said}),
        conditions=any(one.conditional for one in thing.said),
        x=placed.corners[thing.id][0],
        y=placed.corners[thing.id][1],
    )


def _said_edges(things: Iterable[Thing], placed: Placed) -> Iterator[WallEdge]:
    for thing in things:
        for source in thing.sources:
            said = [one for one in thing.said if one.source == source]
            yield WallEdge(
                one=source,
                other=thing.id,
                strength="certain",
                reports=len({one.report_id for one in said}),
                first_at=said[0].at,
                last_at=said[-1].at,
                link_id=None,
                path=line(placed, source, thing.id),
            )


def _tie_edges(ties: Iterable[tuple[str, str, str]], placed: Placed) -> Iterator[WallEdge]:
    for link, one, other in ties:
        yield WallEdge(
            one=one,
            other=other,
            strength="possible",
            reports=0,
            first_at=None,
            last_at=None,
            link_id=link,
            path=line(placed, one, other),
        )
