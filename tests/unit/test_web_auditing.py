"""What an auditor asks, and how entries are told: pure rules of the pages."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import FormData

from services.web.auditing.asking import CODES, DAYS, IDS, address, asked_by, asked_in
from services.web.auditing.taking import wanted
from services.web.auditing.telling import line, subject_in
from services.web.visit import Form

RIGHT = {
    "referral_id": "ref_00000000000000000000000000000001",
    "agency": "ag_northtown_school",
    "actor": "agency:ag_northtown_school",
    "type": "referral.received",
    "outcome": "withheld",
    "from": "2026-03-02",
}


def form(**fields: str) -> Form:
    return Form(FormData(fields))


def entry(**changes: Any) -> dict[str, Any]:
    return {"seq": 3, "recorded_at": "2026-03-02T09:30:00.000Z", "says": "it was.", **changes}


def test_ids_codes_and_days_go_into_an_address_as_they_are() -> None:
    asked, wrong = asked_by(form(**RIGHT, purpose="inspection"))
    query = parse_qs(urlsplit(address("/trail", asked, "inspection")).query)

    assert (asked, wrong) == (RIGHT, {})
    assert query == {name: [value] for name, value in {**RIGHT, "purpose": "inspection"}.items()}
    assert asked_in(RIGHT) == RIGHT


@given(st.sampled_from((*IDS, *CODES, *DAYS)), st.text(min_size=1, max_size=120))
def test_what_is_written_in_another_way_is_in_no_address_and_is_told(name: str, said: str) -> None:
    asked, wrong = asked_by(form(**{name: f"Sample {said}"}))

    assert asked == {}
    assert {name, "purpose"} <= wrong.keys()


def test_an_agency_is_called_by_its_name_where_no_other_has_it() -> None:
    known = [("ag_one", "One School"), ("ag_two", "Two"), ("ag_three", "two")]
    called = {
        said: asked_by(form(agency=said, purpose="inspection"), known)
        for said in ("one school", "TWO", "ag_two", "One")
    }

    assert called["one school"] == ({"agency": "ag_one"}, {})
    assert called["ag_two"] == ({"agency": "ag_two"}, {})
    assert all(called[said][1].keys() == {"agency"} for said in ("TWO", "One"))


@pytest.mark.parametrize("day", ["2026-02-30", "20260302", "2026-W10-1", "tomorrow"])
def test_a_day_that_is_none_is_told(day: str) -> None:
    assert "from" in asked_by(form(**{"from": day}))[1]


@pytest.mark.parametrize(
    ("fields", "missing"),
    [
        ({}, {"kind"}),
        ({"kind": "report_html"}, {"subject_id"}),
        ({"kind": "matching"}, {"referral_id"}),
        ({"kind": "whole", "previous": "many"}, {"previous"}),
        ({"kind": "whole", "previous": "12"}, set[str]()),
        ({"kind": "matching", "agency": "ag_northtown_school"}, set[str]()),
    ],
)
def test_a_file_is_made_once_it_is_said_of_what(fields: dict[str, str], missing: set[str]) -> None:
    assert wanted(form(**fields, purpose="court_order"))[1].keys() == missing


@pytest.mark.parametrize(
    ("event", "kind", "stands_out"),
    [
        ("record.viewed", "Looked at", False),
        ("notification.created", "Told", False),
        ("notification.withheld", "Withheld", True),
        ("notification.retracted", "Taken back", True),
        ("record.refused", "Refused", True),
        ("allocation.assignment_refused", "Refused", True),
        ("something.new", "Network", False),
    ],
)
def test_an_entry_is_called_what_it_is(event: str, kind: str, stands_out: bool) -> None:
    told = line(entry(type=event))

    assert (told.kind, told.stands_out) == (kind, stands_out)


def test_within_a_story_the_referral_is_not_named_each_time_and_ids_stay_as_they_are() -> None:
    says = "ref_1 was allocated to wk_one."

    assert line(entry(type="allocation.made", says=says)).says == says
    told = line(entry(type="allocation.made", says=says), within="ref_1")
    assert told.says == "This referral was allocated to wk_one."


def test_whom_a_story_is_about_is_what_its_last_entry_with_a_young_person_says() -> None:
    def named(subject: str) -> dict[str, Any]:
        return entry(leaf={"event": {"data": {"subject_id": subject}}})

    entries = [named("sub_1"), named("sub_2"), entry(leaf=None), entry(leaf={"event": {}})]
    assert subject_in(entries) == "sub_2"
    assert subject_in([entry(leaf=None)]) is None
