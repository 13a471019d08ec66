"""docs/asyncapi.json describes the events as they are, as a valid AsyncAPI 3 document."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from shared.events import EVENT_TYPES
from shared.events.catalogue import event_types
from shared.messaging.topology import QUEUES
from tests.golden.__main__ import FOLDER
from tests.golden.asyncapi import OWNERS, PATH, document, emitted
from tests.harness.cases import every_case

DOCUMENT: dict[str, Any] = json.loads(PATH.read_text("utf-8"))
REFERENCE = {
    "type": "object",
    "required": ["$ref"],
    "additionalProperties": False,
    "properties": {"$ref": {"type": "string", "pattern": "^#/"}},
}
# What AsyncAPI 3.0.0 demands of the parts that are used here: every object, its required members
# and the members it may have.
SPECIFICATION: dict[str, Any] = {
    "type": "object",
    "required": ["asyncapi", "info"],
    "additionalProperties": False,
    "properties": {
        "asyncapi": {"const": "3.0.0"},
        "info": {
            "type": "object",
            "required": ["title", "version"],
            "additionalProperties": False,
            "properties": {
                "title": {"type": "string"},
                "version": {"type": "string"},
                "description": {"type": "string"},
                "license": {"type": "object", "required": ["name"]},
            },
        },
        "defaultContentType": {"type": "string"},
        "channels": {"type": "object", "additionalProperties": {"$ref": "#/$defs/channel"}},
        "operations": {"type": "object", "additionalProperties": {"$ref": "#/$defs/operation"}},
        "components": {
            "type": "object",
            "additionalProperties": False,
            "propertyNames": {"pattern": r"^[\w\d.\-_]+$"},
            "properties": {
                "messages": {
                    "type": "object",
                    "propertyNames": {"pattern": r"^[\w\d.\-_]+$"},
                    "additionalProperties": {"$ref": "#/$defs/message"},
                },
                "schemas": {
                    "type": "object",
                    "propertyNames": {"pattern": r"^[\w\d.\-_]+$"},
                    "additionalProperties": {"type": "object"},
                },
            },
        },
    },
    "$defs": {
        "channel": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "address": {"type": ["string", "null"]},
                "description": {"type": "string"},
                "messages": {"type": "object", "additionalProperties": REFERENCE},
                "bindings": {"type": "object"},
            },
        },
        "operation": {
            "type": "object",
            "required": ["action", "channel"],
            "additionalProperties": False,
            "properties": {
                "action": {"enum": ["send", "receive"]},
                "channel": REFERENCE,
                "summary": {"type": "string"},
                "messages": {"type": "array", "uniqueItems": True, "items": REFERENCE},
                "bindings": {"type": "object"},
            },
        },
        "message": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "name": {"type": "string"},
                "title": {"type": "string"},
                "summary": {"type": "string", "minLength": 1},
                "contentType": {"type": "string"},
                "payload": {"type": "object"},
                "examples": {
                    "type": "array",
                    "items": {"type": "object", "required": ["payload"]},
                },
            },
        },
    },
}


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def found_at(reference: str) -> Any:
    place: Any = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        place = place[part]
    return place


def test_the_committed_document_is_up_to_date() -> None:
    assert PATH.read_text("utf-8") == document(), "run `make asyncapi`"


def test_it_has_the_shape_of_asyncapi_3() -> None:
    Draft202012Validator.check_schema(SPECIFICATION)
    Draft202012Validator(SPECIFICATION).validate(DOCUMENT)


def test_every_reference_leads_somewhere() -> None:
    for reference in set(references(DOCUMENT)):
        assert found_at(reference), reference


def test_an_operation_names_only_messages_of_its_channel() -> None:
    for operation in DOCUMENT["operations"].values():
        channel = operation["channel"]["$ref"]
        assert all(m["$ref"].startswith(f"{channel}/messages/") for m in operation["messages"])


def test_every_event_has_one_sender_and_every_queue_its_operation() -> None:
    sent = [name for service in OWNERS for name in emitted(service)]

    assert sorted(sent) == sorted(event_types())
    for queue, types in QUEUES.items():
        messages = DOCUMENT["operations"][f"{queue}.receive"]["messages"]
        assert [m["$ref"].rpartition("/")[2] for m in messages] == list(types)


def validator(name: str) -> Draft202012Validator:
    payload = DOCUMENT["components"]["messages"][name]["payload"]
    return Draft202012Validator({**payload, "components": DOCUMENT["components"]})


@every_case(sorted(FOLDER.glob("*.json")))
def test_every_published_event_is_valid_against_its_description(path: Any) -> None:
    golden = json.loads(path.read_text("utf-8"))
    assert golden["type"] in EVENT_TYPES

    validator(golden["type"]).validate(golden)


def test_a_description_refuses_what_is_no_such_event() -> None:
    golden = json.loads((FOLDER / "referral.received.1.json").read_text("utf-8"))
    for wrong in (
        {**golden, "type": "referral.amended"},
        {**golden, "version": 0},
        {**golden, "data": {**golden["data"], "urgency": "tomorrow"}},
        {**golden, "data": {**golden["data"], "area": "x" * 1_001}},
    ):
        with pytest.raises(ValidationError):
            validator("referral.received").validate(wrong)
