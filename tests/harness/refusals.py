"""Requests that must be refused, made from one that would be taken; and what they left behind."""

import copy
import json
import random
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import httpx2

from tests.harness.network import SERVICES, Network

SPECS = Path(__file__).parents[2] / "docs" / "openapi"
WRITING = ("post", "put", "patch", "delete")
TOO_LARGE = b'"' + b"x" * (1 << 20) + b'"'
TOO_DEEP = b"[" * 100_000
# Of each kind a run takes some, by its seed: over many runs all have been sent.
FAULTS_PER_DOCUMENT = 6
FAULTS_PER_BODY = 3
NOBODIES = ("nonsense", "service", "no agency", "no worker", "no hub")
NO_ID = "0" * 32
# Path parameters that name one young person's record.
OF_A_RECORD = (
    *("referral_id", "allocation_id", "notification_id", "tracing_id", "report_id", "link_id"),
)

# A document of a database, by service, collection and id.
Key = tuple[str, str, str]
Stored = dict[Key, dict[str, Any]]


@dataclass(frozen=True)
class Operation:
    """A writing route as the committed OpenAPI document describes it."""

    service: str
    method: str
    template: str
    description: Mapping[str, Any] = field(repr=False)
    schemas: Mapping[str, Any] = field(repr=False)

    @property
    def name(self) -> str:
        return f"{self.method} {self.template}"

    def takes(self, header: str) -> bool:
        """Whether it reads this header."""
        return any(p["name"] == header for p in self.description.get("parameters", ()))

    @property
    def media_type(self) -> str | None:
        content = self.description.get("requestBody", {}).get("content", {})
        return next(iter(content), None)

    @property
    def needed(self) -> list[str]:
        """The members that its document can't do without."""
        if self.media_type != "application/json":
            return []
        schema = self.description["requestBody"]["content"]["application/json"]["schema"]
        named = schema.get("$ref", "").rpartition("/")[2]
        return list(self.schemas.get(named, schema).get("required", ()))

    def matches(self, path: str) -> "re.Match[str] | None":
        """Whether a path is one of this route; its groups are the path parameters."""
        named = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(self.template))
        return re.fullmatch(named, path.partition("?")[0])


def code_of(answer: httpx2.Response) -> str:
    """The code of an error: of a problem document, or of an OperationOutcome."""
    told = answer.json()
    return str(
        told["issue"][0]["details"]["coding"][-1]["code"] if "issue" in told else told["code"]
    )


@cache
def operations() -> dict[str, Operation]:
    """Every writing route of all services, by its name."""
    found = {}
    for service in SERVICES:
        spec = json.loads((SPECS / f"{service}.json").read_text("utf-8"))
        for template, methods in spec["paths"].items():
            for method in set(methods) & set(WRITING):
                schemas = spec["components"]["schemas"]
                one = Operation(service, method.upper(), template, methods[method], schemas)
                found[one.name] = one
    return found


@dataclass(frozen=True)
class Rule:
    """A well-formed request that a rule refuses: what differs from the one that is taken."""

    status: int
    code: str
    by: str | None = None
    path: str | None = None
    body: Any = None
    headers: Mapping[str, str] | None = None
    entry: str | None = None


@dataclass(frozen=True)
class Row:
    """A request that is taken, who may not make it, and which rules refuse it.

    `path` is a format of the ids in the world. `unknown` are the path parameters that must name
    something there is. `entry` is the type of the entry that each refusal of an outsider makes.
    """

    path: str
    by: str
    body: Any = None
    outsiders: Mapping[str, int] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    unknown: tuple[str, ...] = ()
    malformed: int = 422
    entry: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    # Faults of form by a caller who may ask are entries, too.
    recorded: bool = False
    optional_body: bool = False
    # What is not understood is kept and marked: only another type is refused (docs/intake.md).
    generous: bool = False
    # A rule refuses it as it is, too: its state can't be brought about here.
    taken: bool = True


@dataclass(frozen=True)
class Request:
    """One request, the statuses it may be refused with, and the entries its refusal makes."""

    label: str
    service: str
    method: str
    path: str
    by: str | None
    statuses: frozenset[int]
    code: str = ""
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    entry: str | None = None
    certain: bool = True


def good_request(operation: Operation, row: Row, ids: Mapping[str, str]) -> Request:
    """The request that is taken."""
    headers = dict(row.headers)
    if operation.takes("if-match"):
        headers["If-Match"] = "*"
    if operation.takes("idempotency-key"):
        headers["Idempotency-Key"] = f"refused-{operation.template}"
    if operation.media_type and row.body is not None:
        headers["Content-Type"] = operation.media_type
    return Request(
        label="good",
        service=operation.service,
        method=operation.method,
        path=row.path.format_map(ids),
        by=row.by,
        statuses=frozenset({200, 201, 204}),
        content=written(row.body),
        headers=headers,
    )


def written(body: Any) -> bytes | None:
    """A body as it is sent."""
    if body is None or isinstance(body, bytes):
        return body
    return json.dumps(body).encode()


def refused_requests(
    operation: Operation, row: Row, ids: Mapping[str, str], chance: random.Random
) -> Iterator[Request]:
    """The requests of this route that must be refused; of some kinds those of this run's seed."""
    good = good_request(operation, row, ids)
    for nobody in ("no token", chance.choice(NOBODIES)):
        yield _but(good, nobody, 401, by=f"?{nobody}", code="unauthenticated")
    taken = {one.method for one in operations().values() if one.matches(good.path)}
    method = chance.choice(sorted({method.upper() for method in WRITING} - taken))
    yield _but(good, method, 405, method=method, code="method_not_allowed")
    for person, status in row.outsiders.items():
        yield _but(good, f"by {person}", status, by=person, entry=_entry(row, status))
    yield from _with_other_ids(operation, row, good)
    for one in _with_faulty_headers(operation, good):
        yield replace(one, entry=row.entry if row.recorded else None)
    if operation.media_type == "application/json":
        for one in _with_faulty_bodies(operation, row, good, chance):
            yield replace(one, entry=row.entry if row.recorded else None, certain=False)
    elif operation.media_type:
        yield _but(good, "too large", 413, content=TOO_LARGE)
    for rule in row.rules:
        yield _ruled(good, rule, ids)


def _entry(row: Row, status: int) -> str | None:
    """A role that never may is told so before a record is looked for: there is no entry of one."""
    return None if (row.entry, status) == ("record.refused", 403) else row.entry


def _ruled(good: Request, rule: Rule, ids: Mapping[str, str]) -> Request:
    """The request that a rule refuses."""
    made = _but(good, f"rule {rule.code}", rule.status, code=rule.code, entry=rule.entry)
    if rule.by is not None:
        made = replace(made, by=rule.by)
    if rule.path is not None:
        made = replace(made, path=rule.path.format_map(ids))
    if rule.body is not None:
        made = replace(made, content=written(rule.body))
    if rule.headers is not None:
        made = replace(made, headers={**made.headers, **rule.headers})
    return made


def _but(good: Request, label: str, *statuses: int, **changes: Any) -> Request:
    return replace(good, label=label, statuses=frozenset(statuses), **changes)


def _with_other_ids(operation: Operation, row: Row, good: Request) -> Iterator[Request]:
    found = operation.matches(good.path)
    assert found, f"{good.path} is no {operation.template}"
    for name, value in found.groupdict().items():
        start, end = found.span(name)

        def path(other: str, start: int = start, end: int = end) -> str:
            return good.path[:start] + other + good.path[end:]

        malformed = path("NO%20CODE")
        yield _but(good, f"malformed {name}", row.malformed, path=malformed)
        stored = re.fullmatch(r"([a-z]+_)[0-9a-f]{32}", value)
        if stored or name in row.unknown:
            unknown = path(stored[1] + NO_ID if stored else "nobody_here")
            entry = row.entry if name in OF_A_RECORD else None
            yield _but(good, f"unknown {name}", 404, path=unknown, entry=entry)


def _with_faulty_headers(operation: Operation, good: Request) -> Iterator[Request]:
    if operation.takes("if-match"):
        without = {n: v for n, v in good.headers.items() if n != "If-Match"}
        yield _but(good, "no tag", 428, headers=without)
        for label, tag, status in (
            ("another's tag", '"v999"', 412),
            ("weak tag", 'W/"v1"', 412),
            ("no tag at all", "v1", 400),
            ("too many tags", ", ".join(['"v1"'] * 21), 400),
            ("too long a tag", f'"{"v" * 1001}"', 422),
        ):
            yield _but(good, label, status, headers={**good.headers, "If-Match": tag})
    if operation.takes("idempotency-key"):
        for label, key, status in (("empty key", '""', 400), ("long key", "k" * 256, 422)):
            yield _but(good, label, status, headers={**good.headers, "Idempotency-Key": key})
        without = {n: v for n, v in good.headers.items() if n != "Idempotency-Key"}
        yield _but(good, "no key", 400, headers=without)


def _with_faulty_bodies(
    operation: Operation, row: Row, good: Request, chance: random.Random
) -> Iterator[Request]:
    bodies = [
        ("too large", TOO_LARGE, 413),
        ("too deep", TOO_DEEP, 400),
        ("cut off", (written(row.body) or b"{")[:-1], 400),
        ("a list", b"[]", 422),
        ("no text", b'{"\xff": 1}', 400),
    ]
    for label, content, status in chance.sample(bodies, FAULTS_PER_BODY):
        yield _but(good, label, status, content=content)
    if not row.optional_body:
        yield _but(good, "nothing", 422, content=None)
    for name in () if row.generous else operation.needed:
        without = {n: v for n, v in row.body.items() if n != name}
        yield _but(good, f"without {name}", 422, content=written(without))
    for label, document in faulty(row.body, chance, OF_CONTENT if row.generous else ()):
        yield _but(good, label, 422, content=written(document))


# Faults of a value that has the type that is asked for.
OF_CONTENT = ("a member more", "too long", "half a character", "a strange item")


def faulty(
    document: Any, chance: random.Random, but: Collection[str] = ()
) -> Iterator[tuple[str, Any]]:
    """Copies of a document with one fault each, somewhere in it; without faults of some kinds."""
    places = list(_places(document))
    for _ in range(FAULTS_PER_DOCUMENT):
        place = chance.choice(places)
        faults = [one for one in _faults_of(_at(document, place)) if one[0] not in but]
        kind, fault = chance.choice(faults)
        copied = copy.deepcopy(document)
        if place:
            _at(copied, place[:-1])[place[-1]] = fault
        else:
            copied = fault
        yield f"{kind} at {list(place)}", copied


def _places(part: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    if isinstance(part, dict | list):
        for name, value in part.items() if isinstance(part, dict) else enumerate(part):
            yield from _places(value, (*at, name))


def _at(document: Any, place: tuple[Any, ...]) -> Any:
    for name in place:
        document = document[name]
    return document


def _faults_of(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        unheard_of = {**value, "unheard_of": 1}
        return [("a number", 7), ("a member more", unheard_of), ("a member more", unheard_of)]
    if isinstance(value, list):
        return [("a number", 7), ("no list", {"0": value}), ("a strange item", [*value, {"x": {}}])]
    faults: list[tuple[str, Any]] = [("an object", {"x": 1}), ("a list", [[value]])]
    if isinstance(value, str):
        return [*faults, ("too long", "x" * 100_001), ("half a character", "\ud800")]
    return [*faults, ("no number", "perhaps")]


async def everything(network: Network, *services: str) -> Stored:
    """Every document of these services' databases, or of all; but for how often was tried what is
    limited: that counts what is refused, too."""
    found: Stored = {}
    for service in services or SERVICES:
        database = network.mongo_of(service)
        for name in set(await database.list_collection_names()) - {"quotas"}:
            for document in await database[name].find().to_list():
                found[service, name, str(document["_id"])] = document
    return found
