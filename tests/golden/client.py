"""The methods of the Python client, made from the API descriptions: `make client`."""

import json
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.golden.openapi import SERVICES, path_of

ROOT = Path(__file__).parents[2]
MODULE = ROOT / "clients" / "python" / "hub_and_spoke_client" / "operations.py"
# As whom an agency may be asked, in the table of docs/access.md.
AGENCY = ("own agency", "referrer", "partner with a ground")
TYPES = {"integer": "int", "boolean": "bool", "number": "float"}
HEAD = '''"""What an agency may do, as methods: made from the API descriptions by `make client`."""

from typing import Any

from hub_and_spoke_client.connection import Answer, Connection, quoted


class Client(Connection):
    """Every operation of the network that an agency may use."""
'''


def for_agencies() -> set[tuple[str, str]]:
    """Method and path of each route that answers an agency with yes, for something."""
    found, columns = set(), list[str]()
    for line in (ROOT / "docs" / "access.md").read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] == "route":
            columns = cells
        elif columns and cells[0].startswith("`"):
            row = dict(zip(columns, cells, strict=False))
            method, _, path = cells[0].strip("`").partition(" ")
            if any(row.get(who) == "yes" for who in AGENCY):
                found.add((method, path))
    return found


def module() -> str:
    """The whole module."""
    return HEAD + "".join(f"\n{method}" for method in sorted(_methods()))


def _methods() -> Iterator[str]:
    allowed = for_agencies()
    for service in SERVICES:
        paths = json.loads(path_of(service).read_text("utf-8"))["paths"]
        for path, operations in paths.items():
            for method, operation in operations.items():
                if (method.upper(), path) in allowed:
                    yield _method(method.upper(), path, operation)


def _method(method: str, path: str, operation: dict[str, Any]) -> str:
    given: dict[str, list[dict[str, Any]]] = {"path": [], "query": [], "header": []}
    for parameter in operation.get("parameters", []):
        given[parameter["in"]].append(parameter)
    body = "requestBody" in operation
    own = [f"{_name(p)}: str" for p in given["path"]] + ["body: Any"] * body
    named = [f"{_name(p)}: {_type(p)} | None = None" for p in (*given["query"], *given["header"])]
    arguments = ", ".join(["self", *own, *(["*", *named] if named else [])])
    where = re.sub(r"\{(\w+)\}", r"{quoted(\1)}", path)
    lines = [f"    def {operation['operationId']}({arguments}) -> Answer:"]
    lines += [f'        """{_first(operation)}"""']
    for kind, name in (("query", "query"), ("header", "headers")):
        if given[kind]:
            pairs = ", ".join(f'"{p["name"]}": {_name(p)}' for p in given[kind])
            lines.append(f"        {name}: dict[str, Any] = {{{pairs}}}")
    said = [*(["query=query"] if given["query"] else [])]
    said += [*(["headers=headers"] if given["header"] else []), *(["body=body"] if body else [])]
    prefix = "f" if given["path"] else ""
    lines.append(
        f"        return self.send({', '.join([_quoted(method), prefix + _quoted(where), *said])})"
    )
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return f'"{text}"'


def _name(parameter: dict[str, Any]) -> str:
    name = re.sub(r"\W", "_", str(parameter["name"]).lower())
    return f"{name}_" if name in ("from", "type", "to", "body") else name


def _type(parameter: dict[str, Any]) -> str:
    schema = parameter["schema"]
    kinds = [schema, *schema.get("anyOf", [])]
    return next((TYPES[kind["type"]] for kind in kinds if kind.get("type") in TYPES), "str")


def _first(operation: dict[str, Any]) -> str:
    text = str(operation.get("description", "")).strip().split("\n\n")[0]
    plain = " ".join(text.split()).replace('"', "'")
    return "\n        ".join(textwrap.wrap(plain, 90))


if __name__ == "__main__":
    MODULE.write_text(module(), "utf-8")
    sys.stdout.write(f"{MODULE.relative_to(ROOT)}\n")
