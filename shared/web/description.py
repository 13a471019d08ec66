"""The API description: what it says of members and parameters that say nothing themselves."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

WORDS = Path(__file__).with_name("words.toml")


@cache
def words() -> Mapping[str, str]:
    """Name, `Schema.name` or `?parameter` → what it means."""
    return tomllib.loads(WORDS.read_text("utf-8"))


def described(document: dict[str, Any]) -> dict[str, Any]:
    """The OpenAPI document, with a description for every member and parameter whose name has one.

    What the code says itself stays. A reference to another schema gets its description beside it.
    """
    for name, schema in document.get("components", {}).get("schemas", {}).items():
        for member, said in schema.get("properties", {}).items():
            _say(said, f"{name.partition('-')[0]}.{member}", member)
    for operation in operations(document):
        for parameter in operation.get("parameters", ()):
            if not parameter.get("schema", {}).get("description"):
                _say(parameter, f"?{parameter['name']}", parameter["name"])
    return document


def operations(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every operation of the document."""
    paths = document.get("paths", {}).values()
    return [one for path in paths for one in path.values() if isinstance(one, dict)]


def _say(said: dict[str, Any], *names: str) -> None:
    meaning = next((words()[name] for name in names if name in words()), None)
    if meaning is not None:
        said.setdefault("description", meaning)
