"""Write a golden file for every event that has none yet: `make golden`. Never changes one; to the
files of codes, and to the versions of the sharing rules, it adds.

Values are made from the fields' types, the same at every run. A file, once published, is what
readers out there may rely on; `tests/unit/test_events.py` holds every later model to it.
"""

import sys
import types
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from shared.events import Event, EventData, schema_of
from shared.events.catalogue import event_types
from tests.golden import codes, sharing, trail_fields

FOLDER = Path(__file__).parent / "events"
AT = datetime(2026, 3, 2, 9, 30, 0, 125000, UTC)


def path_of(data: type[EventData]) -> Path:
    """Where the golden file of this version of this type is."""
    return FOLDER / f"{data.event_type}.{data.schema_version}.json"


def sample(data: type[EventData]) -> Event[Any]:
    """An event with every field filled."""
    return Event[Any](
        id="evt_00000000000000000000000000000001",
        source="/services/sample",
        type=data.event_type,
        subject="agg_1",
        time=AT,
        dataschema=schema_of(data),
        correlationid="ref_1",
        causationid="evt_00000000000000000000000000000000",
        traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        version=1,
        actor="service:sample",
        actorrole="service",
        data=_model(data),
    )


def _model(model: type[BaseModel]) -> BaseModel:
    fields = {name: _value(info.annotation, name) for name, info in model.model_fields.items()}
    return model.model_validate(fields)


def _value(kind: Any, name: str) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return inner[0]
    if origin in (Union, types.UnionType):
        return _value(next(k for k in inner if k is not type(None)), name)
    if origin in (tuple, list):
        return [_value(inner[0], name)]
    if origin is dict:
        return {_value(inner[0], name): _value(inner[1], name)}
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return _model(kind)
    plain = {str: f"{name}_1", int: 1, bool: True, datetime: AT, date: AT.date()}
    return plain[kind]


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for data in event_types().values():
        path = path_of(data)
        if not path.exists():
            path.write_text(sample(data).model_dump_json(indent=1) + "\n", "utf-8")
            sys.stdout.write(f"{path.name} written\n")
    for name in codes.publish():
        sys.stdout.write(f"codes/{name}.json written\n")
    if trail_fields.publish():
        sys.stdout.write(f"{trail_fields.FILE.name}: fields added\n")
    if sharing.publish():
        sys.stdout.write(f"{sharing.FILE.name}: version added\n")
