"""Documents with a fault at any member, found from the model itself: of content, or of type."""

import copy
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

Path = tuple[str | int, ...]
Fault = tuple[Path, Any]
ADD = "a member that nobody knows"


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema()
    found: dict[str, Any] = _resolved(schema, schema.get("$defs", {}))
    return found


def _resolved(schema: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_resolved(each, definitions) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _resolved(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    found = {k: _resolved(v, definitions) for k, v in schema.items() if k not in ("$defs",)}
    if "anyOf" in found:
        (only,) = [one for one in found["anyOf"] if one.get("type") != "null"]
        return {**found, **only, "anyOf": None}
    return found


def whole(schema: dict[str, Any]) -> Any:
    """A document with every member."""
    match schema.get("type"):
        case "object":
            return {name: whole(each) for name, each in schema.get("properties", {}).items()}
        case "array":
            return [whole(schema["items"])]
        case "boolean" | "integer":
            return schema.get("minimum", True)
    if "enum" in schema:
        return schema["enum"][0]
    if "format" in schema:
        return "2012-05-17" if schema["format"] == "date" else "2026-03-02T09:30:00Z"
    return "2012-05" if "19|2" in schema.get("pattern", "") else "en"


def members(schema: dict[str, Any], here: Path = ()) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Each place of the whole document, with what it takes."""
    yield here, schema
    for name, each in schema.get("properties", {}).items():
        yield from members(each, (*here, name))
    if schema.get("type") == "array":
        yield from members(schema["items"], (*here, 0))


def content_faults(schema: dict[str, Any]) -> list[Fault]:
    """Every member with what it doesn't take, though it is of its type."""
    found: list[Fault] = []
    for path, each in members(schema):
        if each.get("type") == "object":
            found.append(((*path, ADD), {"anything": [1]}))
        found += [(path, value) for value in _odd(each)]
    return found


def _odd(schema: dict[str, Any]) -> Iterator[Any]:
    if schema.get("type") == "integer":
        yield from (schema["minimum"] - 1, schema["maximum"] + 1, 10**30)
    if schema.get("type") == "array" and schema.get("minItems"):
        yield []
    if schema.get("type") != "string":
        return
    yield "un\x00known"
    if "enum" in schema or "format" in schema or "pattern" in schema:
        yield from ("no such word", "4 2", "é" * 300)
    if "maxLength" in schema:
        yield "x" * (schema["maxLength"] + 1)
    if schema.get("minLength"):
        yield from ("", " \t ")


def type_faults(schema: dict[str, Any]) -> list[Fault]:
    """Every member with a value of another type. Null says nothing, and is of none."""
    values = {
        "object": ["text", 7, True, []],
        "array": ["text", 7, True, {}],
        "boolean": ["yes", "true", 1, []],
        "integer": ["7", 1.5, True, {}],
        "string": [7, 1337212800, 1.5, True, [], {}],
    }
    return [
        (path, value)
        for path, each in members(schema)
        if path
        for value in values[each.get("type", "string")]
    ]


def with_fault(document: dict[str, Any], fault: Fault) -> dict[str, Any]:
    changed = copy.deepcopy(document)
    put(changed, fault)
    return changed


def put(document: Any, fault: Fault) -> None:
    """Make the fault, where its place is still there."""
    *parents, last = fault[0]
    for part in parents:
        try:
            document = document[part]
        except (KeyError, IndexError, TypeError):
            return
    value = copy.deepcopy(fault[1])
    if isinstance(document, list) and last not in range(len(document)):
        return
    if isinstance(document, (dict, list)):
        document.__setitem__(last, value)  # type: ignore[index]


def pointer(path: Path) -> str:
    return "".join(f"/{part}" for part in path)
