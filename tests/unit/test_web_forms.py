"""A form as questions: what was typed stays, what is not asked for stays, an API's no finds its question."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import FormData

from services.web.api import Refused
from services.web.forms import (
    CHANGED,
    SAID_HERE,
    THERE_ALREADY,
    Ask,
    amended,
    faults,
    refused,
    shown,
    typed,
)
from services.web.registering.kinds import KINDS
from services.web.visit import Form

ASKS = [
    Ask("name", "Name", needed="Enter the name"),
    Ask("cap", "Cap", "number"),
    Ask("areas", "Areas", "ticks", needed="Choose at least one area"),
    Ask("languages", "Languages", "codes"),
    Ask("aliases", "Aliases", "lines"),
    Ask("active", "In use", "yes"),
    Ask("since", "Since", "date"),
    Ask("from_", "From", "moment"),
    Ask("clocks.days", "Days", "number"),
]
CODES = st.lists(st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True), max_size=5)
LINES = st.lists(st.from_regex(r"[A-Z][a-z ]{0,9}[a-z]", fullmatch=True), max_size=5)
DAYS = st.dates().map(lambda day: day.isoformat())
ENTRIES = st.fixed_dictionaries(
    {
        "name": st.from_regex(r"[A-Z][a-z ]{0,20}[a-z]", fullmatch=True),
        "cap": st.integers(0, 99_999),
        "areas": CODES.filter(bool),
        "languages": CODES,
        "aliases": LINES,
        "active": st.booleans(),
        "since": st.none() | DAYS,
        "from_": st.none() | DAYS.map(lambda day: f"{day}T00:00:00Z"),
        "clocks": st.fixed_dictionaries(
            {"days": st.integers(1, 366), "other": st.integers(1, 9)},
        ),
        "leave": st.lists(st.just({"start": "2026-01-01"}), max_size=2),
    }
)


def form(**said: Any) -> Form:
    items = [
        (name, one)
        for name, value in said.items()
        for one in (value if isinstance(value, list) else [value])
    ]
    return Form(FormData(items))


@given(ENTRIES)
def test_an_entry_that_is_saved_as_it_is_shown_stays_as_it_was(entry: dict[str, Any]) -> None:
    sent = typed(ASKS, form(**shown(ASKS, entry)))

    assert faults(ASKS, sent) == {}
    assert amended(ASKS, sent, entry) == entry


def test_what_a_form_does_not_ask_for_stays_and_what_it_changes_changes_nothing_given() -> None:
    entry = {"name": "Old", "leave": [1], "clocks": {"days": 3, "other": 4}}
    said = typed(ASKS, form(name="New", areas=["b", "c"], **{"clocks.days": "5"}))

    after = amended(ASKS, said, entry)

    assert after["leave"] == [1]
    assert after["clocks"] == {"days": 5, "other": 4}
    assert (after["name"], after["areas"], after["active"]) == ("New", ["b", "c"], False)
    assert entry["clocks"] == {"days": 3, "other": 4}


def test_what_is_left_empty_is_the_services_own() -> None:
    said = typed(ASKS, form(name="New", areas="b", cap="", **{"clocks.days": ""}))

    after = amended(ASKS, said, {"cap": 9, "clocks": {"days": 3}})

    assert "cap" not in after
    assert after["clocks"] == {}


@pytest.mark.parametrize("cap", ["many", "-1", "1.5", "١٢", "1" * 9])
def test_what_is_no_number_is_asked_for_again_and_kept(cap: str) -> None:
    said = typed(ASKS, form(cap=cap, since="yesterday", from_="2026-13-01"))

    assert set(faults(ASKS, said)) == {"cap", "name", "areas", "since", "from_"}
    assert said["cap"] == cap


@pytest.mark.parametrize(
    ("pointer", "name"),
    [
        ("/areas/0", "areas"),
        ("/clocks/days", "clocks.days"),
        ("/spans/0/cap", "cap"),
        ("/elsewhere", "name"),
        ("", "name"),
    ],
)
def test_what_an_api_does_not_take_is_said_at_its_question(pointer: str, name: str) -> None:
    error = Refused(422, {"errors": [{"pointer": pointer, "message": "Not so."}]})

    assert refused(error, ASKS) == {name: "Not so."}


def test_each_no_is_said_here_or_a_page_of_its_own() -> None:
    told = {409: "The reason.", 412: CHANGED, 422: "The reason.", 428: THERE_ALREADY}
    for status in range(400, 430):
        error = Refused(status, {"detail": "The reason."})
        if status in SAID_HERE:
            assert refused(error, ASKS) == {"name": told[status]}
        else:
            with pytest.raises(Refused):
                refused(error, ASKS)


def test_what_an_api_shows_beside_an_entry_is_not_sent_back() -> None:
    area = {"code": "a", "hub_id": "h", "revision": 1, "name": "A", "aliases": [], "retired": False}
    worker = {"id": "w", "revision": 1, "entry": {"name": "W"}}

    assert KINDS["areas"].entry(area) == {"name": "A", "aliases": [], "retired": False}
    assert KINDS["workers"].entry(worker) == {"name": "W"}
