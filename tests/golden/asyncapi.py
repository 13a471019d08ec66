"""The AsyncAPI 3 document of all events: `make asyncapi` writes it, a test holds it equal.

Made from the catalogue (what there is and what it carries), the bindings (who hears it) and the
bounds, so it can't be wrong about any of them.
"""

import json
import sys
from collections.abc import Mapping
from inspect import cleandoc
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic.json_schema import models_json_schema

from shared.events import (
    CONTENT_TYPE,
    EVENT_TYPES,
    Event,
    EventData,
    absence,
    accounts,
    advice,
    agency,
    allocation,
    areas,
    casework,
    delivery,
    directory,
    erasure,
    goals,
    intelligence,
    joining,
    links,
    mistaken,
    notification,
    notify,
    parents,
    parked,
    participation,
    plans,
    records,
    referral,
    risk,
    rota,
    schema_of,
    sharing,
    subject,
    tracing,
    trail,
    transfer,
    unsafe,
    workers,
)
from shared.events.bounds import MAX_EVENT, MAX_ITEMS, MAX_TEXT
from shared.events.catalogue import event_types
from shared.messaging.topology import QUEUES
from tests.golden.__main__ import path_of

PATH = Path(__file__).parents[2] / "docs" / "asyncapi.json"
# `account.seen` comes from whichever service first sees one: it stands with the one that hears it.
OWNERS: Mapping[str, tuple[ModuleType, ...]] = {
    "referral": (
        *(
            accounts,
            agency,
            areas,
            referral,
            erasure,
            goals,
            intelligence,
            links,
            participation,
            advice,
            subject,
            joining,
            mistaken,
            tracing,
            transfer,
            parents,
            sharing,
            records,
        ),
    ),
    "allocation": (
        *(allocation, casework, absence, directory, plans, risk, rota, unsafe, workers),
    ),
    "notify": (notify, notification, delivery),
    "audit": (trail, parked),
}
Json = dict[str, Any]


def document() -> str:
    """The document as it is committed."""
    return json.dumps(described(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def described() -> Json:
    """The document."""
    models = {name: Event[data] for name, data in event_types().items()}  # type: ignore[valid-type]
    of_model, definitions = models_json_schema(
        [(model, "validation") for model in models.values()],
        ref_template="#/components/schemas/{model}",
    )
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Hub and Spoke referral network: events",
            "version": "1",
            "description": (
                "CloudEvents 1.0 in structured mode. They carry ids, codes and decisions, never a"
                " name. Within a schema version only optional fields and new codes are added:"
                " a reader takes a code that it does not know as declared, and ignores other fields."
                f" An event has at most {MAX_EVENT} bytes, a text {MAX_TEXT} characters, a list"
                f" {MAX_ITEMS} items."
            ),
            "license": {"name": "MIT"},
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {"events": _channel(list(models))},
        "operations": _operations(),
        "components": {
            "messages": {
                name: _message(EVENT_TYPES[name], of_model[model, "validation"])
                for name, model in models.items()
            },
            "schemas": {
                name: _bounded(schema) for name, schema in definitions.get("$defs", {}).items()
            },
        },
    }


def _channel(names: list[str]) -> Json:
    exchange = {"name": "events", "type": "topic", "durable": True, "autoDelete": False}
    return {
        "address": "events",
        "description": "A durable topic exchange; the routing key is the type of the event.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {"amqp": {"is": "routingKey", "exchange": exchange, "bindingVersion": "0.3.0"}},
    }


def _operations() -> Json:
    operations: Json = {}
    for service in OWNERS:
        sent = emitted(service)
        operations[f"{service}.send"] = _operation(f"{service} publishes", "send", sent)
    for queue, types in QUEUES.items():
        operations[f"{queue}.receive"] = _operation(
            f"{queue.partition('.')[0]} reads its queue {queue}", "receive", types
        )
    operations["audit.receive"] = _operation(
        "audit reads every event from its stream", "receive", tuple(event_types())
    )
    return operations


def emitted(service: str) -> tuple[str, ...]:
    """The types that this service publishes: those declared in the modules it owns."""
    modules = {module.__name__ for module in OWNERS[service]}
    return tuple(name for name, data in event_types().items() if data.__module__ in modules)


def _operation(summary: str, action: str, types: tuple[str, ...]) -> Json:
    return {
        "action": action,
        "summary": f"{summary}.",
        "channel": {"$ref": "#/channels/events"},
        "messages": [{"$ref": f"#/channels/events/messages/{name}"} for name in types],
        "bindings": {"amqp": {"deliveryMode": 2, "mandatory": True, "bindingVersion": "0.3.0"}}
        if action == "send"
        else {"amqp": {"ack": True, "bindingVersion": "0.3.0"}},
    }


def _message(data: type[EventData], envelope: Json) -> Json:
    golden = json.loads(path_of(data).read_text("utf-8"))
    exact = {
        "properties": {
            "type": {"const": data.event_type},
            "dataschema": {"const": schema_of(data)},
        }
    }
    return {
        "name": data.event_type,
        "title": data.__name__,
        "summary": cleandoc(data.__doc__ or ""),
        "contentType": CONTENT_TYPE,
        "payload": {"allOf": [envelope, exact]},
        "examples": [{"name": "golden", "payload": golden}],
    }


def _bounded(schema: Any) -> Any:
    """The schema with the bounds that hold for every text and every list."""
    if isinstance(schema, list):
        return [_bounded(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    bounded = {name: _bounded(inner) for name, inner in schema.items()}
    fixed = {"enum", "const", "format"} & set(bounded)
    if bounded.get("type") == "string" and not fixed:
        bounded.setdefault("maxLength", MAX_TEXT)
    if bounded.get("type") == "array":
        bounded.setdefault("maxItems", MAX_ITEMS)
    return bounded


if __name__ == "__main__":
    PATH.write_text(document(), "utf-8")
    sys.stdout.write(f"{PATH.name} written\n")
