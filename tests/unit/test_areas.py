"""Where a word for an area belongs, what is called nearly so, and lists of areas."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.referral.areas.area_list import read_areas
from services.referral.areas.names import COMPARED, closeness, key_of, nearest
from services.referral.areas.request import AreaEntry, NearArea
from services.referral.areas.rule import (
    Area,
    Place,
    amend_area,
    may_move,
    place,
    put_in,
    register_area,
    settle,
    viewed,
)
from services.referral.corrections.request import AmendReferral
from services.referral.corrections.rule import Placed, amend, patches
from services.referral.intake.request import ReceiveReferral
from services.referral.intake.rule import receive
from services.referral.records import Referral
from services.referral.stranded.rule import find_place, was_put
from shared.errors import Refused
from tests.harness.network import a_referral

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
OF_HUBS = ("northtown", "st-marys")


def registered(code: str, name: str, *aliases: str, retired: bool = False) -> Area:
    return register_area(code, AreaEntry(name=name, aliases=aliases, retired=retired))[0]


AREAS = (
    registered("fartown", "Far Town", "Fár Away"),
    registered("bridge-a", "Bridgeford"),
    registered("bridge-b", "Bridgeford", "Bridge End"),
    registered("oldtown", "Old Town", "The Docks", retired=True),
    registered("docks", "The Docks"),
)


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("northtown", "northtown"),
        ("NORTHTOWN", "northtown"),
        ("North Town", "northtown"),
        ("north\x00town", "northtown"),
        ("St. Mary’s", "st-marys"),
        ("FAR TOWN", "fartown"),
        ("far-away", "fartown"),
        ("bridge-a", "bridge-a"),
        ("bridge end", "bridge-b"),
        ("Old  Town", "oldtown"),
        ("oldtown", "oldtown"),
        # What is retired gives its name to what is not.
        ("the docks", "docks"),
    ],
)
def test_a_word_is_compared_without_case_accents_spaces_and_punctuation(
    word: str, code: str
) -> None:
    assert place(word, AREAS, OF_HUBS) == Place(code)


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("", []),
        ("?!", []),
        ("unknown", []),
        ("Sample Child", []),
        ("Nrothtown", ["northtown"]),
        ("near Far Town station", ["fartown"]),
        # The name of two areas means neither.
        ("Bridgeford", ["bridge-a", "bridge-b"]),
        ("old towne", []),
    ],
)
def test_a_word_that_nobody_knows_is_told_what_is_called_nearly_so(
    word: str, near: list[str]
) -> None:
    found = place(word, AREAS, OF_HUBS)

    assert (found.code, found.known) == ("unknown", False)
    assert [one.code for one in found.near][: len(near) or 1] == near


def test_a_code_comes_before_every_name_and_no_hub_has_the_unknown() -> None:
    areas = (registered("east", "West"), registered("west", "East"))

    assert place("east", areas, ()) == Place("east")
    assert place("East", areas, ()).code == "unknown", "the code of one, the name of the other"
    assert not place("unknown", areas, ("unknown",)).known


def test_a_suggestion_has_the_name_of_the_register_or_is_a_hubs_code() -> None:
    assert place("fartwon", AREAS, OF_HUBS).near == (NearArea(code="fartown", name="Far Town"),)
    assert place("northtwon", AREAS, OF_HUBS).near == (
        NearArea(code="northtown", name="northtown"),
    )


@given(st.text(max_size=200))
def test_a_key_is_its_own_key(word: str) -> None:
    key = key_of(word)

    assert key_of(key) == key
    assert key_of(f" {word}!\n") == key
    assert 0 <= closeness(key, "northtown") <= 1


def test_few_are_suggested_the_nearest_first_and_of_a_long_word_only_the_beginning_counts() -> None:
    names = [(f"{n}", f"northtow{n}") for n in range(9)] + [("x", "northtown")]

    assert nearest("northtown", names)[0] == "x"
    assert len(nearest("northtown", names)) == 3
    assert nearest("z" * COMPARED + "northtown", names) == []
    assert closeness("abc", "xabcx") < closeness("abcd", "xabcdx")


def test_the_same_entry_again_changes_nothing() -> None:
    area, event = register_area("east", AreaEntry(name="East", aliases=("The East",)))
    stored = area.but(version=3)

    assert (event.area, event.names, event.retired) == ("east", 2, False)
    assert stored.name_keys == ("east", "theeast")
    assert not amend_area(stored, AreaEntry(name="East", aliases=("The East",))).events
    changed = amend_area(stored, AreaEntry(name="East", retired=True))
    assert (changed.after.name_keys, changed.after.version) == (("east",), 3)
    assert viewed("east", changed.after, "hub").model_dump() == {
        **{"code": "east", "name": "East", "aliases": (), "retired": True},
        **{"hub_id": "hub", "revision": 3},
    }
    assert viewed("east", None, None).revision is None


def of_a_word(word: str = "Somewhere") -> Referral:
    here = place(word, AREAS, OF_HUBS)
    return receive(
        ReceiveReferral.model_validate(a_referral(area=word)),
        referral_id="ref_1",
        agency_id="ag_1",
        subject=("sub_1", 1),
        hashes=("reference", "request", "hash"),
        sealed={},
        blocks=(),
        reply=True,
        at=AT,
        here=here,
    )[0]


def test_an_unknown_area_is_a_code_and_a_warning_until_it_is_found() -> None:
    before = of_a_word("Fartwon")
    change = settle(before, "fartown", "hash", "operator:usr_1", AT)

    assert (before.area, before.area_hash) == ("unknown", "hash")
    assert "area_unknown" in before.warnings
    assert [one.code for one in before.area_near] == ["fartown"]
    after = change.after
    assert (after.area, after.area_hash, after.area_near) == ("fartown", None, ())
    assert set(after.warnings) == set(before.warnings) - {"area_unknown"}
    assert after.amendments[-1].was == {"area": "unknown"}
    assert [event.model_dump()["amended"] for event in change.events] == [("area",)]
    assert not settle(after, "northtown", "hash", "operator:usr_1", AT).events, "once"
    assert not settle(before, "northtown", "another", "operator:usr_1", AT).events
    erased = before.but(erased_at=AT)
    assert not settle(erased, "northtown", "hash", "operator:usr_1", AT).events
    known = of_a_word("North Town")
    assert (known.area, known.area_hash, known.area_near) == ("northtown", None, ())
    assert "area_unknown" not in known.warnings


@pytest.mark.parametrize("status", ["allocated", "in_progress", "on_hold"])
def test_a_case_with_a_worker_is_not_torn_away_by_a_word(status: str) -> None:
    held = of_a_word("northtown").but(status=status, hub_id="hub_n", worker_id="wk")
    served = {"northtown": "hub_n", "westby": "hub_n", "southtown": "hub_s"}

    may_move(held, "westby", served)
    may_move(held, "northtown", {})
    may_move(held.but(status="waiting"), "southtown", served)
    for elsewhere in ("southtown", "unknown", "fartown"):
        with pytest.raises(Refused, match="area_held"):
            may_move(held, elsewhere, served)


def test_an_operator_puts_only_what_no_hub_has_and_may_ask_again() -> None:
    stranded, me = of_a_word(), "operator:usr_1"
    put = find_place(stranded, "northtown", {"northtown": "hub_n"}, me, AT).after

    assert put.area == "northtown"
    assert (was_put(put, me), was_put(put, "operator:usr_2"), was_put(stranded, me)) == (
        *(True, False, False),
    )
    assert not find_place(put, "northtown", {"northtown": "hub_n"}, me, AT).events
    with pytest.raises(Refused, match="has_a_hub"):
        find_place(put, "fartown", {"northtown": "hub_n"}, me, AT)
    assert put_in(put, "fartown", me, AT).after.area == "fartown"


def test_an_amendment_puts_a_referral_where_its_word_belongs_and_keeps_where_it_was() -> None:
    def amended(before: Referral, word: str) -> Referral:
        here = place(word, AREAS, OF_HUBS)
        placed = Placed(here, f"hash of {word}", {"northtown": "hub_n"})
        amendment = AmendReferral.model_validate({"area": word})
        sealed = {name: text.encode() for name, text in patches(amendment, placed).items()}
        return amend(before, amendment, sealed, "agency:ag_1", AT, placed=placed).after

    found = amended(of_a_word(), "North Town")
    lost = amended(found, "Zqx Doe")

    assert (found.area, found.area_hash) == ("northtown", None)
    assert "area_unknown" not in found.warnings
    assert not [name for name in found.sealed if name.startswith("area_word")]
    assert (lost.area, lost.area_hash) == ("unknown", "hash of Zqx Doe")
    assert "area_unknown" in lost.warnings
    assert lost.sealed["area_word~2"] == b"Zqx Doe"
    assert [each.was for each in lost.amendments] == [{"area": "unknown"}, {"area": "northtown"}]
    with pytest.raises(Refused, match="area_held"):
        amended(found.but(status="allocated", hub_id="hub_n", worker_id="wk"), "Zqx Doe")


def test_every_line_of_a_list_stands_alone() -> None:
    body = (
        b"\xef\xbb\xbfcode,name,aliases,retired,revision\r\n"
        b"east,East,The East; Eastern Side,,\r\n"
        b"unknown,Nowhere,,,\n\n"
        b"west,West,,true,4\n"
        b"\xff,x,,,\n"
        b"south,?,,,\n"
        b"east,East again,,,\n"
        b"too,few\n"
        b'north,"North\n'
    )

    lines, faults = read_areas(body)

    assert faults == ()
    assert {line.number: line.faults for line in lines if line.faults} == {
        3: ("code: value_error",),
        6: ("line: unreadable",),
        7: ("name: value_error",),
        8: ("code: twice_in_this_file",),
        9: ("line: unreadable",),
        10: ("line: unreadable",),
    }
    east, west = (line.area for line in lines if line.area)
    assert east
    assert west
    assert east.entry() == AreaEntry(name="East", aliases=("The East", "Eastern Side"))
    assert (west.retired, west.revision) == (True, 4)


def test_a_list_may_be_ndjson_and_one_without_lines_is_empty() -> None:
    lines, faults = read_areas(
        b'{"code": "east", "name": "East"}\n{"code": "x", "name": "X", "zqx": 1}\n[1]\n{\n'
        + b"[" * 100_000
    )

    assert faults == ()
    assert [line.area and line.area.code for line in lines] == ["east", None, None, None, None]
    assert lines[1].faults == ("line: extra_forbidden",), "no word of the line"
    assert read_areas(b"\n\n") == ([], ())
    (twice,) = read_areas(b'{"code": "east", "name": "Good", "name": "Bad"}')[0]
    assert (twice.area, twice.faults) == (None, ("line: unreadable",))


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        (b"code,name,zqx\n", ("column 3: unknown",)),
        (b"code,code,name\n", ("header: wrong_columns",)),
        (b"name\n", ("header: wrong_columns",)),
        (b"\xff\n", ("header: wrong_columns",)),
        (b"code,name\n" + b"a,b\n" * 5001, ("file: too_many_lines",)),
    ],
)
def test_a_file_that_is_no_such_list_stores_nothing(body: bytes, faults: tuple[str, ...]) -> None:
    assert read_areas(body) == ([], faults)
