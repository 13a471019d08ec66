"""Every event with every value that its fields can take by their types, one changed at a time: made from
the catalogue, so that a new event or code is among them."""

import json
import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError

from shared.events import EventData
from tests.golden.__main__ import sample

Data = dict[str, Any]
PLAIN: dict[Any, list[Any]] = {
    bool: [True, False],
    int: [7],
    str: ["other_1"],
    type(None): [None],
}


def sampled(kind: type[EventData]) -> Data:
    """The data of an event with every field filled; a text is the name of its field and `_1`."""
    whole: Data = json.loads(sample(kind).body())["data"]
    return whole


def changes(kind: type[BaseModel], data: Data) -> Iterator[tuple[str, Data]]:
    """The same data with one field changed, and which; for each value that the field can take."""
    for name, field in kind.model_fields.items():
        for value in _values(field.annotation, data.get(name)):
            yield name, {**data, name: value}


def variants(kind: type[EventData]) -> Iterator[EventData]:
    """Each of them that is an event of this kind."""
    for _, data in changes(kind, sampled(kind)):
        if (one := valid(kind, data)) is not None:
            yield one


def valid(kind: type[EventData], data: Data) -> EventData | None:
    """The event of this data; None where there is none."""
    try:
        return kind.model_validate(data)
    except ValidationError:
        return None


def _values(kind: Any, there: Any) -> list[Any]:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return list(inner)
    if origin is Annotated:
        return _values(inner[0], there)
    if origin in (tuple, list, frozenset):
        first = there[0] if isinstance(there, list) and there else None
        return [[], *([one] for one in _values(inner[0], first))]
    if isinstance(kind, types.UnionType) or origin is not None:
        return [one for each in inner for one in _values(each, there)]
    if isinstance(kind, type) and issubclass(kind, BaseModel) and isinstance(there, dict):
        return [changed for _, changed in changes(kind, there)]
    return PLAIN.get(kind, [])
