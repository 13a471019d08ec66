"""Nothing that comes from outside is without an end: every text, number, time and list of a request.

Storage and arithmetic take what is within these ends, so no request can make a 500 with them.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from re import _parser as regex  # type: ignore[attr-defined]
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant
from pydantic import BaseModel, TypeAdapter, ValidationError

from services.allocation.caseload.worker_list import MAX_LINE, read_workers
from services.audit.recordable import UNKNOWN, by_itself
from services.referral.documents import SubjectDetails
from services.referral.people.age import age_band, milestones, next_check, turning_18_ahead
from shared.rules.values import END, FIRST, CalendarDay, Instant, Number
from shared.web.faults import fault
from tests.golden.openapi import SERVICES, app_of, routes_of
from tests.unit.allocation.test_worker_list import HEADER

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
LONGEST = 100_000
NEED_A_LENGTH = set("str bytes list set frozenset any decimal time timedelta url json".split())

# Texts that a parser of our own reads from end to end, and refuses; bodies and heads have an end.
READ_BY_US = {
    *("get_tile path", "get_event event_id", "get_report name", "get_export export_id"),
    *("get_subject_disclosures subject_id", "get_agency_disclosures agency_id"),
    "get_subject_report subject_id",
    *("post_draft entry.answers", "put_draft entry.answers"),
}


def test_no_route_takes_anything_without_an_end() -> None:
    found = {place for service in SERVICES for place in endless_in(service)}

    new = {place for place in found if not place.endswith(" purpose")} - READ_BY_US
    assert not new, f"take a type of shared/rules/values.py: {', '.join(sorted(new))}"


def endless_in(service: str) -> Iterator[str]:
    """`route member.of.its.body` for each parameter and member that has no end."""
    for route in routes_of(app_of(service)):
        for field in parameters_of(route.dependant):
            for place in endless(field._type_adapter.core_schema, field.alias):
                yield f"{route.name} {place}"


def parameters_of(needed: Dependant) -> Iterator[Any]:
    """Everything a route takes, also through what it depends on."""
    yield from needed.path_params + needed.query_params + needed.header_params
    yield from needed.body_params
    for inner in needed.dependencies:
        yield from parameters_of(inner)


def endless(schema: Any, place: str) -> Iterator[str]:
    """The places within a schema of pydantic's core at which a value may be as large as it likes."""
    if isinstance(schema, list):
        for each in schema:
            yield from endless(each, place)
    if not isinstance(schema, dict):
        return
    if "type" in schema and not has_end(schema):
        yield place
    for name, inner in schema.items():
        if name == "fields" and isinstance(inner, dict):
            for member, field in inner.items():
                yield from endless(field, f"{place}.{member}")
        elif name not in ("metadata", "serialization", "default", "expected"):
            yield from endless(inner, place)


def has_end(schema: dict[str, Any]) -> bool:
    length = "max_length" in schema
    match schema["type"]:
        case "int" | "float" | "date" | "datetime":
            return bool(schema.keys() & {"ge", "gt"}) and bool(schema.keys() & {"le", "lt"})
        case "str" if "pattern" in schema:
            return length or bool(regex.parse(schema["pattern"]).getwidth()[1] <= LONGEST)
        case "tuple":
            return length or "variadic_item_index" not in schema
        case "dict":
            return length or bool(schema["keys_schema"]["type"] == "literal")
    return length or schema["type"] not in NEED_A_LENGTH


OUTSIDE: list[Any] = [
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1899-12-31T23:59:59Z"),
    *("3000-01-01T00:00:00Z", "3000-01-01T13:00:00+13:00", "1900-01-01T00:00:00+00:01"),
    *("2026-03-02T09:00:00", "1e999", "NaN", "Infinity", 1e300, -1e300, 10**30, True, ""),
    *("2026-02-29T00:00:00Z", "2026-03-02T24:00:01Z", "\ud800", "2026-03-02T09:00:00Z\x00", []),
]


@pytest.mark.parametrize("raw", OUTSIDE)
def test_a_time_is_one_that_can_be_stored_and_counted_with(raw: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Instant).validate_python(raw)


@pytest.mark.parametrize(
    "raw",
    [
        "1900-01-01T00:00:01Z",
        "2999-12-32",
        "2026-1-1",
        "1e999",
        "\ud800",
        1e300,
        "0001-01-01",
        "9982-01-01",
        "9999-12-31",
        "2023-02-29",
    ],
)
def test_a_day_is_one_that_can_be_counted_with(raw: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(CalendarDay).validate_python(raw)


@pytest.mark.parametrize("raw", [2**53, 2**63, 2**64, -1, 10**400, "9" * 5000, "1e999", 1.5, "٣"])
def test_a_number_is_one_that_json_and_bson_hold(raw: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Number).validate_python(raw)


@pytest.mark.parametrize(
    "day", [FIRST, END - timedelta(days=1), date(2012, 2, 29), date(2996, 2, 29)]
)
@pytest.mark.parametrize("at", [AT, datetime(2999, 12, 31, 23, 59, 59, tzinfo=UTC)])
def test_every_birthday_that_is_taken_can_be_counted_with(day: date, at: datetime) -> None:
    subject = SubjectDetails(name="Sample Child", date_of_birth=day)

    assert age_band(subject, at)
    assert milestones(day)[2].year == day.year + 18
    assert next_check(day, at) is None or next_check(day, at)
    assert turning_18_ahead(day, at) in (True, False)


GOOD = "wk_{},hub_north,hub_worker,northtown,hub,20,"
BROKEN = {
    "a cell of 200,000 characters": "wk_x,hub_north,hub_worker," + "a" * 200_000 + ",hub,20,",
    "a line that is only just too long": "a" * (MAX_LINE + 1),
    "a bare carriage return": "wk_x,hub_north,hub_wor\rker,northtown,hub,20,",
    "a carriage return in quotes": 'wk_x,hub_north,"hub\r_worker",northtown,hub,20,',
    "a quote that never ends": 'wk_x,"hub_north,hub_worker,northtown,hub,20,',
    "words after a quote": 'wk_x,"hub_north"er,hub_worker,northtown,hub,20,',
    "a NUL": "wk_x\x00,hub_north,hub_worker,northtown,hub,20,",
    "a revision without end": "wk_x,hub_north,hub_worker,northtown,hub,20," + "9" * 5000,
    "a revision in other digits": "wk_x,hub_north,hub_worker,northtown,hub,20,٣",
    "a cap without end": "wk_x,hub_north,hub_worker,northtown,hub," + "9" * 5000 + ",",
    "a cap that is no number": "wk_x,hub_north,hub_worker,northtown,hub,NaN,",
    "half of a surrogate pair": "wk_x,hub_north,hub_worker,\ud800,hub,20,",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_line_of_a_list_costs_no_other(name: str) -> None:
    text = HEADER + "\n".join((GOOD.format(1), BROKEN[name], GOOD.format(2), ""))

    lines, faults = read_workers(text)

    assert faults == ()
    assert [(line.number, line.worker_id) for line in lines] == [
        (2, "wk_1"),
        (3, None),
        (4, "wk_2"),
    ]
    assert lines[1].faults
    assert "x" not in {line.worker_id for line in lines}


def test_a_list_with_lines_of_windows_is_the_same_list() -> None:
    plain = HEADER + GOOD.format(1) + "\n\n" + GOOD.format(2) + "\n"

    assert read_workers(plain.replace("\n", "\r\n")) == read_workers(plain)
    assert read_workers(plain.replace("\n", "\r"))[0] == []


def test_days_of_a_list_end_where_all_days_do() -> None:
    header = HEADER.replace("revision", "newly_qualified_from")
    days = ("2026-02-28", "2026-02-29", "9999-12-31", "0001-01-01", "1e999")
    text = header + "".join(f"{GOOD.format(n)}{day}\n" for n, day in enumerate(days))

    lines, _ = read_workers(text)

    assert [line.worker_id for line in lines] == ["wk_0", None, None, None, None]


@pytest.mark.parametrize("name", ["\ud800", "a\x00b", "~/" * 200, "\udfff" * 100])
def test_a_fault_can_be_told_whatever_the_member_is_called(name: str) -> None:
    class Nothing(BaseModel, extra="forbid"):
        """Takes no members."""

    with pytest.raises(ValidationError) as refused:
        Nothing.model_validate({name: 1})

    found = fault(refused.value.errors()[0])
    assert found.model_dump_json().encode()


@pytest.mark.parametrize("raw", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_the_trail_can_record_that_it_was_asked_for_a_time_that_is_none(raw: str) -> None:
    assert by_itself("from", raw) == UNKNOWN
