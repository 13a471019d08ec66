"""The API description: what it says of members and parameters that say nothing themselves."""

import json
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

WORDS = Path(__file__).with_name("words.toml")
EXAMPLES = Path(__file__).with_name("examples")

STREAM = "text/event-stream"
NOT_MODIFIED = "What you have is what you would be shown now. That you asked is recorded as a look."
IF_NONE_MATCH: Mapping[str, Any] = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "title": "If-None-Match"},
    "description": "The ETag of the answer that you have. If it is still so, the answer is 304 without a "
    "body.",
}
ABOUT = """\
Every error is a problem document (RFC 9457) with a stable `code`; docs/errors.md has all of them.

Every GET has a HEAD, and an `ETag` of what it shows; sent as `If-None-Match` it is answered with 304 \
while that is the same. A change takes the same tag as `If-Match`, where it asks for one. A method that an \
address has not is 405, with all that it has in `Allow`; a body of another kind than those here is 415, \
with those in `Accept`; a parameter that is not here is 422 (`unknown_parameter`), and the answer names \
those that are.

`GET /v1/codes` lists every closed set of codes, `GET /v1/codes/{name}` has its codes with labels and, where \
there are some, the codes of the children in need census and of other systems (FHIR, SNOMED CT, NHS Data \
Dictionary); neither needs a token."""


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
    for template, path in document.get("paths", {}).items():
        for method, operation in path.items():
            _exampled(f"{method.upper()} {template}", operation)
        if STREAM not in path.get("get", {}).get("responses", {}).get("200", {}).get("content", {}):
            _conditional(path.get("get", {}))
    for operation in operations(document):
        for parameter in operation.get("parameters", ()):
            if not parameter.get("schema", {}).get("description"):
                _say(parameter, f"?{parameter['name']}", parameter["name"])
    return document


def _conditional(operation: dict[str, Any]) -> None:
    if operation.get("responses"):
        operation.setdefault("parameters", []).append(dict(IF_NONE_MATCH))
        operation["responses"]["304"] = {"description": NOT_MODIFIED}


@cache
def examples() -> Mapping[str, Mapping[str, Any]]:
    """Method and path → a request, and how it was answered when a test sent it."""
    files = sorted(EXAMPLES.glob("*.json"))
    return {
        name: one for file in files for name, one in json.loads(file.read_text("utf-8")).items()
    }


def _exampled(name: str, operation: dict[str, Any]) -> None:
    one = examples().get(name)
    if one is None:
        return
    content = operation.get("requestBody", {}).get("content", {})
    if content and one["body"] is not None:
        content["text/csv" if "text/csv" in content else next(iter(content))]["example"] = one[
            "body"
        ]
    answer = operation["responses"].get(str(one["status"]), {}).get("content", {}).get(one["media"])
    if answer is not None and one["answer"] is not None:
        answer["example"] = one["answer"]
    query = dict(parse_qsl(urlsplit(one["path"]).query))
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "query" and parameter["name"] in query:
            parameter["example"] = query[parameter["name"]]


def operations(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every operation of the document."""
    paths = document.get("paths", {}).values()
    return [one for path in paths for one in path.values() if isinstance(one, dict)]


def _say(said: dict[str, Any], *names: str) -> None:
    meaning = next((words()[name] for name in names if name in words()), None)
    if meaning is not None:
        said.setdefault("description", meaning)
