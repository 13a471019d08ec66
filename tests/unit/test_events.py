"""Every event ever published can still be read, and carries nothing but codes and numbers."""

import json
from pathlib import Path
from typing import Any

import pytest

from shared.errors import Poison
from shared.events import EVENT_TYPES, Event, EventData, parse, schema_of
from shared.events.catalogue import event_types
from tests.golden.__main__ import FOLDER, path_of, sample
from tests.harness.cases import every_case

FILES = sorted(FOLDER.glob("*.json"))


@every_case(event_types().values())
def test_every_type_of_event_has_a_golden_file(data: type[EventData]) -> None:
    assert path_of(data).exists(), "run `make golden`, and publish the file with the event"


@every_case(FILES)
def test_what_was_published_is_still_read_as_it_was_meant(path: Path) -> None:
    golden = json.loads(path.read_text("utf-8"))

    read = json.loads(parse(path.read_text("utf-8")).body())

    assert _is_part_of(golden, read), "only optional fields may be added within a version"


@every_case(FILES)
def test_no_field_has_become_needed_that_older_events_lack(path: Path) -> None:
    golden = json.loads(path.read_text("utf-8"))
    data = EVENT_TYPES[golden["type"]]

    needed = {name for name, field in data.model_fields.items() if field.is_required()}

    assert needed <= set(golden["data"])


@every_case(event_types().values())
def test_an_event_survives_its_own_body(data: type[EventData]) -> None:
    event = sample(data)

    assert parse(event.body()).model_dump() == event.model_dump()


@every_case(event_types().values())
def test_empty_optional_fields_survive_too(data: type[EventData]) -> None:
    fields = sample(data).data.model_dump()
    empty = {n: None for n, f in data.model_fields.items() if _may_be_none(f.annotation)}
    event = sample(data).model_copy(
        update={"data": data.model_validate({**fields, **empty}), "traceparent": None}
    )

    assert "traceparent" not in json.loads(event.body())
    assert parse(event.body()).data == event.data


@every_case(FILES)
def test_events_hold_no_floats(path: Path) -> None:
    def refuse(number: str) -> Any:
        raise AssertionError(f"{number}: a float is not canonical JSON for the trail")

    json.loads(path.read_text("utf-8"), parse_float=refuse)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "not_json"),
        (b"[]", "not_an_object"),
        (b"{}", "unknown_type"),
        (b'{"type":"agency.registered","dataschema":"x:9"}', "unknown_schema_version"),
        (b"[" * 50_000, "not_json"),
        (b" " * (256 * 1024 + 1), "too_large"),
    ],
)
def test_an_unreadable_event_is_poison_with_a_reason(body: bytes, reason: str) -> None:
    with pytest.raises(Poison) as caught:
        parse(body)

    assert str(caught.value) == reason


def test_the_reason_names_the_field_and_not_its_value() -> None:
    (data, *_) = event_types().values()
    raw = json.loads(sample(data).body())
    raw["version"] = "MARKER"

    with pytest.raises(Poison) as caught:
        parse(json.dumps(raw))

    assert str(caught.value) == "invalid:version"


def test_the_schema_names_type_and_version() -> None:
    golden = json.loads(path_of(EVENT_TYPES["agency.registered"]).read_text("utf-8"))

    assert golden["dataschema"] == schema_of(EVENT_TYPES["agency.registered"])
    assert golden["dataschema"] == "urn:hub-and-spoke:agency.registered:1"
    assert Event.model_fields["specversion"].default == "1.0"


def _is_part_of(old: Any, new: Any) -> bool:
    if isinstance(old, dict):
        return isinstance(new, dict) and all(
            k in new and _is_part_of(v, new[k]) for k, v in old.items()
        )
    if isinstance(old, list):
        return len(old) == len(new) and all(
            _is_part_of(o, n) for o, n in zip(old, new, strict=True)
        )
    return bool(old == new)


def _may_be_none(annotation: Any) -> bool:
    return type(None) in getattr(annotation, "__args__", ())
