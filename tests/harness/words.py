"""Words that a caller makes up, one in each place of a request to every route, by everybody.

A word is `Zqx17x Doe`, which has no shape of ours, or `zqx17x-doe`, which is a well-formed id.
"""

import copy
import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

from allinone import sample
from tests.golden.openapi import SERVICES, path_of
from tests.harness.refused_routes import ROUTES

WORD = re.compile(r"zqx(\d+)x|0deadbeef0([0-9]{22})", re.IGNORECASE)
ROLES = ("school", "stranger", "worker", "manager", "auditor", "operator")
# Headers that services read, or that proxies and tools add.
HEADERS = (
    *("tracestate", "baggage", "x-request-id", "x-correlation-id", "user-agent", "referer"),
    *("cookie", "origin", "forwarded", "x-forwarded-for", "accept-language", "last-event-id"),
    *("idempotency-key", "if-match", "accept"),
)
KNOWN = {
    "agency_id": sample.SCHOOL,
    "agreement_id": "isa_northtown",
    "hub_id": sample.HUB,
    "kind": "worker",
    "name": "out_of_hours",
    "path": "0/000",
    "person_id": "wk_hub_one",
    "recipient_id": sample.SCHOOL,
    "seq": "0",
    "size": "1",
    "step": "rejection",
    "worker_id": "wk_hub_one",
}


@dataclass(frozen=True)
class Sent:
    """A request with words of its caller, and where they stand in it."""

    by: str
    method: str
    template: str
    path: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes | None = None
    # Whether a well-formed request of this kind keeps what stands there: a name is to be kept.
    kept: bool = False
    # Where in the document, if it is there.
    place: tuple[Any, ...] = ()

    @property
    def label(self) -> str:
        return f"{self.by} {self.method} {self.path[:120]}?{self.query[:120]} {self.headers}"


class Words:
    """Words that were made up, each for one request."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # of each kind a run takes some
        self.requests: list[Sent] = []
        self.sent: dict[int, int] = {}  # the number of a word, and the place of its request
        self._next = 0

    def spoken(self) -> str:
        self._next += 1
        return f"Zqx{self._next}x Doe"

    def coded(self) -> str:
        return self.spoken().lower().replace(" ", "-")

    def some(self, *, long: bool = False) -> str:
        """A word of either kind, or one with 20,000 characters."""
        kind = self.chance.randrange(3 if long else 2)
        return (self.coded, self.spoken, lambda: self.spoken() * 2000)[kind]()

    def traced(self) -> str:
        """A trace that its caller chose, as a `traceparent`."""
        self._next += 1
        return f"00-0deadbeef0{self._next:022}-00f067aa0ba902b7-01"

    def send(self, request: Sent, first: int) -> None:
        """This request has the words from `first` on."""
        self.sent |= dict.fromkeys(range(first, self._next + 1), len(self.requests))
        self.requests.append(request)

    @property
    def next(self) -> int:
        """The number of the next word."""
        return self._next + 1

    def found_in(self, text: str) -> set[int]:
        """The places of the requests of which a word stands in the text."""
        numbers = {int(found[1] or found[2]) for found in WORD.finditer(text)}
        return {self.sent[number] for number in numbers}


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every route of all services, as the API descriptions have it: template, method, the rest."""
    for service in SERVICES:
        paths = json.loads(path_of(service).read_text("utf-8"))["paths"]
        for template, methods in sorted(paths.items()):
            for method, described in methods.items():
                yield template, method.upper(), described


def requests_to(
    words: Words, template: str, method: str, described: dict[str, Any], values: dict[str, str]
) -> None:
    """Make up words for this route: one in each place, for everybody."""
    parameters = described.get("parameters", [])
    row = ROUTES.get(f"{method} {template}")
    media = next(iter(described.get("requestBody", {}).get("content", {})), None)
    body = row.body if row is not None else None
    for by in ROLES:
        good = Sent(by, method, template, filled(template, parameters, values))
        if media:
            good = replace(good, headers={"Content-Type": media}, content=as_sent(body))
        in_path(words, good, parameters, values)
        in_query(words, good, [p["name"] for p in parameters if p["in"] == "query"])
        in_headers(words, good)
        if media:
            in_body(words, good, body)


def filled(template: str, parameters: list[dict[str, Any]], values: dict[str, str]) -> str:
    """A path whose parameters all have the right shape."""
    for parameter in (p for p in parameters if p["in"] == "path"):
        name, pattern = parameter["name"], parameter["schema"].get("pattern", "")
        shaped = re.match(r"\^([a-z]+_)\[0-9a-f\]\{32\}", pattern)
        value = values.get(name) or (f"{shaped[1]}{'0' * 32}" if shaped else f"evt_{'0' * 32}")
        template = template.replace(f"{{{name}}}", value)
    return template


def in_path(
    words: Words, good: Sent, parameters: list[dict[str, Any]], values: dict[str, str]
) -> None:
    for name in [p["name"] for p in parameters if p["in"] == "path"]:
        first, word = words.next, words.some(long=True)
        path = filled(good.template, parameters, {**values, name: quote(word)})
        words.send(replace(good, path=path, kept=True), first)


def in_query(words: Words, good: Sent, names: list[str]) -> None:
    for name in names:
        first = words.next
        words.send(replace(good, query=urlencode({name: words.some()})), first)


def in_headers(words: Words, good: Sent) -> None:
    """And an unknown parameter: none of these is read by most routes, so they go together."""
    first = words.next
    headers = {name: words.spoken() for name in HEADERS} | {"traceparent": words.traced()}
    query = urlencode({words.coded(): words.spoken()})
    words.send(replace(good, query=query, headers={**headers, **good.headers}), first)
    first = words.next
    headers = {"traceparent": words.traced(), "idempotency-key": words.coded(), "if-match": "*"}
    words.send(replace(good, headers={**headers, **good.headers}), first)
    if good.by == ROLES[0]:
        first = words.next
        words.send(replace(good, headers={"authorization": f"Bearer {words.coded()}"}), first)


def in_body(words: Words, good: Sent, body: Any) -> None:
    """Everybody sends a member that nobody knows; each other place is tried by somebody."""
    known = {**(body if isinstance(body, dict) else {})}
    bodies: list[tuple[tuple[Any, ...], Callable[[], Any]]] = [
        ((), lambda: {**known, words.coded(): words.spoken()}),
        ((), words.spoken),
    ]
    for place in places(known):
        # A well-formed word may be taken: every place has one, and some have another.
        bodies.append((place, partial(_put, words, known, place, words.coded)))
        if words.chance.random() < 1 / 4:
            bodies.append((place, partial(_put, words, known, place, words.spoken)))
    for place, made_body in bodies:
        first = words.next
        headers = {**good.headers, "idempotency-key": f"key-{first}", "if-match": "*"}
        content = as_sent(made_body())
        sent = replace(good, content=content, headers=headers, kept=True, place=place)
        words.send(sent, first)


def places(part: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a document but its whole."""
    inner = part.items() if isinstance(part, dict) else enumerate(part)
    for name, value in inner:
        yield (*at, name)
        if isinstance(value, dict | list):
            yield from places(value, (*at, name))


def _put(words: Words, document: Any, place: tuple[Any, ...], word: Callable[[], str]) -> Any:
    changed = part = copy.deepcopy(document)
    for name in place[:-1]:
        part = part[name]
    part[place[-1]] = word()
    for made in ("agency_reference",):  # used once
        if place[-1] != made and made in changed:
            changed[made] = f"reference-{words.next}"
    return changed


def as_sent(body: Any) -> bytes | None:
    return body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
