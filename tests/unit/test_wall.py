"""The wall shows where most meets, always in the same places, and never more than a page bears."""

import random
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from services.referral.intelligence.layout import NODE_HEIGHT, NODE_WIDTH
from services.referral.intelligence.picture import MOST_LABEL, Wall, drawn, short
from services.referral.intelligence.wall import MOST_NODES, Said, chosen

repeatable = settings(derandomize=True)
AT = datetime(2026, 11, 2, 9, tzinfo=UTC)
LINKS = [f"lnk_{n}" for n in range(8)]


def said(report: int, number: int = 1, child: str | None = None, **changes: object) -> Said:
    fields: dict[str, object] = {"kind": "vehicle", "role": "suspect", "certain": ("lnk_car",)}
    at = AT + timedelta(days=report)
    return Said(f"rep_{report}", number, child, at, **(fields | changes))  # type: ignore[arg-type]


@st.composite
def many(draw: st.DrawFn) -> list[Said]:
    numbers = draw(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 3)), unique=True))
    return [
        said(
            report,
            number,
            draw(st.none() | st.sampled_from(["sub_a", "sub_b", "sub_c"])),
            kind=draw(st.sampled_from(["vehicle", "person", "place"])),
            certain=tuple(draw(st.lists(st.sampled_from(LINKS), max_size=2))),
            possible=tuple(draw(st.lists(st.sampled_from(["lnk_p", "lnk_q"]), max_size=2))),
        )
        for report, number in numbers
    ]


def picture(of: list[Said]) -> Wall:
    return drawn(chosen(of, set(), set(), None), {})


def test_three_agencies_meet_in_a_car_and_a_hotel() -> None:
    of = [
        said(1, child="sub_a"),
        said(2, child="sub_b"),
        said(3),
        said(3, 2, kind="business", certain=("lnk_hotel",)),
        said(2, 2, "sub_b", kind="place", certain=("lnk_hotel",)),
    ]
    shown = drawn(chosen(of, set(), set(), None), {"rep_3-1": "AB12 CDE", "sub_a": "Child a"})
    by_id = {node.id: node for node in shown.nodes}

    car = by_id["rep_1-1"]
    assert (car.kind, car.label, car.number) == ("vehicle", "AB12 CDE", 3)
    assert by_id["rep_2-2"].reports == ["rep_2", "rep_3"]
    assert by_id["sub_a"].label == "Child a"
    assert by_id["rep_3"].kind == "report"
    assert {(e.one, e.other) for e in shown.edges if e.other == car.id} == {
        ("sub_a", car.id),
        ("sub_b", car.id),
        ("rep_3", car.id),
    }
    assert by_id["rep_2-2"].x > car.x > by_id["sub_a"].x


def test_a_possible_link_joins_nothing_until_somebody_confirms_it() -> None:
    of = [said(n, kind="person", certain=(), possible=("lnk_p",), child=f"sub_{n}") for n in (1, 2)]

    open_ = drawn(chosen(of, set(), set(), None), {})
    assert [(e.link_id, e.strength) for e in open_.edges if e.link_id] == [("lnk_p", "possible")]
    assert [n.number for n in open_.nodes if n.kind == "person"] == [1, 1]
    (one,) = [n for n in drawn(chosen(of, {"lnk_p"}, set(), None), {}).nodes if n.kind == "person"]
    assert one.number == 2
    assert not [e for e in drawn(chosen(of, set(), {"lnk_p"}, None), {}).edges if e.link_id]
    assert not [e for e in drawn(chosen(of, set(), set(), "certain"), {}).edges if e.link_id]
    only = drawn(chosen([*of, said(3, child="sub_3")], set(), set(), "possible"), {})
    assert {n.kind for n in only.nodes} == {"child", "person"}


def test_where_most_meets_is_shown_and_the_rest_is_counted() -> None:
    alone = [said(n, 1, f"sub_{n}", certain=(f"lnk_{n}",)) for n in range(100, 200)]
    together = [said(n, 1, f"sub_{n}") for n in range(30)]
    shown = drawn(chosen([*alone, *together], set(), set(), None), {})

    assert len(shown.nodes) <= MOST_NODES
    assert max(n.number for n in shown.nodes if n.kind == "vehicle") == 30
    drawn_things = sum(n.kind == "vehicle" for n in shown.nodes)
    drawn_children = sum(n.kind == "child" for n in shown.nodes)
    assert shown.more == {"child": 130 - drawn_children, "vehicle": 101 - drawn_things}


@repeatable
@given(many(), st.randoms(use_true_random=False))
def test_the_same_mentions_make_the_same_picture(of: list[Said], mixing: random.Random) -> None:
    other = list(of)
    mixing.shuffle(other)

    assert picture(other) == picture(of)


@repeatable
@given(many())
def test_nothing_stands_on_something_else_and_every_line_has_two_ends(of: list[Said]) -> None:
    shown = picture(of)
    ids = {node.id for node in shown.nodes}

    assert len(shown.nodes) == len(ids) <= MOST_NODES
    assert all({edge.one, edge.other} <= ids for edge in shown.edges)
    assert len({(node.x, node.y) for node in shown.nodes}) == len(ids)
    assert all(node.x + NODE_WIDTH <= shown.width for node in shown.nodes)
    assert all(node.y + NODE_HEIGHT <= shown.height for node in shown.nodes)
    assert not [e for e in shown.edges if e.one == e.other]
    sources = {one.source for one in of}
    assert sum(shown.more.get(k, 0) for k in ("child", "report")) == len(sources - ids)


def test_a_picture_of_nothing_is_empty() -> None:
    assert (picture([]).nodes, picture([]).edges, picture([]).more) == ([], [], {})


@repeatable
@given(st.text(max_size=80))
def test_a_label_is_one_short_line(label: str) -> None:
    assert len(short(label)) <= MOST_LABEL
    assert short(short(label)) == short(label)
    assert "\n" not in short(label)
