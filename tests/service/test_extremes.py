"""No input makes a 500: a list of extremes for every parameter, header and member of every route.

Every answer below 500, every refusal a problem document. A sample of them in `make test`, by the
seed that the run prints; all of them with `EXTREMES=all`, as `make test-api` does.
"""

import json
import os
import random
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest_asyncio

from tests.conftest import SEED
from tests.golden.openapi import SERVICES, app_of
from tests.harness.mongo import Mongo
from tests.harness.network import a_referral
from tests.harness.refusals import code_of, operations
from tests.harness.refused_routes import ROUTES
from tests.harness.whole import Whole, whole

SAMPLE = 1500
EVERY = os.environ.get("EXTREMES") == "all"
MARK = "@@extreme@@"
DEEP = 400

# As they stand in a JSON document.
IN_JSON = [
    *("null", "true", "0", "-1", "0.1", "1e999", "-1e999", "NaN", "Infinity", "1" + "0" * 400),
    *(str(2**31), str(2**53), str(2**63), str(-(2**63) - 1), str(2**64), "1e308", "9" * 5000),
    *('""', '" "', '"\\ud800"', '"a\\udfffb"', '"\\u0000"', '"a\\nb"', '"\\u202e"', '"%00"'),
    *('"0001-01-01T00:00:00+14:00"', '"9999-12-31T23:59:59-14:00"', '"2026-03-02T09:00:00"'),
    *('"0001-01-01"', '"9982-01-01"', '"9999-12-31"', '"2023-02-29"', '"2024-02-29"', '"24:00"'),
    *("[]", "{}", "[null]", '{"$gt":""}', '{"__proto__":1}', '"' + "a" * 200_000 + '"'),
    *("[" * DEEP + "]" * DEEP, '{"a":' * DEEP + "1" + "}" * DEEP, "[" + "0," * 50_000 + "0]"),
    *('{"\\ud800":1}', '{"a\\u0000b":1}', '"ref_' + "0" * 32 + '\\n"', '"a,b@example.org"'),
]
# As they stand in an address, or in a header.
IN_ADDRESS = [
    *("", "0", "-1", "1.5", "1e999", "NaN", "inf", "1_0", "٣", "null", "true", "*", "$gt"),
    *(str(2**31), str(2**53), str(2**63), str(2**64), "9" * 4000, "a" * 4000, "a" * 101),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-03-02T09:00:00"),
    *("0001-01-01", "9982-01-01", "9999-12-31", "2023-02-29", "0000-Q1", "9999-Q4", "10000-Q1"),
    *("a\x00b", "\r\nSet-Cookie: a=b", "../../etc/passwd", "a/b", "%", "'\"<>", "\u202e", " "),
    *(f"{2**53 - 1}.{2**53 - 1}", f"{10**15}.{10**15}", "1.1.1", "ref_" + "0" * 32 + "\n"),
]
RAW_ADDRESS = ["%ff%fe", "%ed%a0%80", "%c0%80", "%", "%zz", "a%00", "%0d%0a", "%f8%88%80%80%80"]
IN_HEADER = [
    *(b"", b"*", b'"v1"', b'W/"v1"', b'"v' + b"9" * 500 + b'"', b'"' * 50, b'"a",' * 100),
    *(b"\xff\xfe", b"\x80" * 100, b"a" * 1001, b"-1", b"NaN", b"ntf_" + b"0" * 32, b",", b"\t"),
]
BODIES = [
    *(b"", b" ", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf{}", b"null", b"[]", b"{", b'"', b"1e999"),
    *(b"NaN", b"[" * 100_000, b'{"a":' * 100_000, b"{}{}", b"\x1f\x8b\x08\x00" + b"\x00" * 20),
    *('{"a":1}'.encode("utf-16"), b'{"a":"\xed\xa0\x80"}', b"\n\r\n\r", b"," * 1000, b"9" * 5000),
    *(b"{}\n" * 50 + b"\xff\n", b'"' + b"a" * 1_100_000 + b'"', b'{"a":1,"a":2}', b"worker_id\r"),
]
TYPES = [
    *(b"", b"text/plain", b"application/xml", b"application/json; charset=utf-16", b"\xff"),
    *(b"multipart/form-data; boundary=", b"application/x-www-form-urlencoded", b"a" * 5000),
]
# Valid, and slow on purpose.
SLOW = {"wait"}


@dataclass
class Attempt:
    """One request with one thing in it that is extreme."""

    person: str
    method: str
    path: str
    headers: dict[str, Any] = field(default_factory=dict)
    content: bytes | None = None

    def __str__(self) -> str:
        shown = {name: value for name, value in self.headers.items() if name != "Authorization"}
        content = (self.content or b"")[:300]
        return f"{self.method} {self.path[:300]} by {self.person} {shown!r:.300} {content!r}"


def attempts(ids: dict[str, str]) -> Iterator[Attempt]:
    """Every extreme in every place of every route."""
    for service in SERVICES:
        document = app_of(service).openapi()
        for template, methods in document["paths"].items():
            for method, operation in methods.items():
                yield from attempts_of(service, method.upper(), template, operation, ids)


def attempts_of(
    service: str, method: str, template: str, operation: dict[str, Any], ids: dict[str, str]
) -> Iterator[Attempt]:
    row = ROUTES.get(f"{method} {template}")
    parameters = operation.get("parameters", [])
    headers = {p["name"]: b"*" for p in parameters if p["in"] == "header"}
    media = next(iter(operation.get("requestBody", {}).get("content", ())), None)
    if media:
        headers["Content-Type"] = media.encode()
    body = row.body if row else None
    content = body if isinstance(body, bytes) else json.dumps(body).encode() if body else None
    for person in people(service, row.by if row else ""):
        base = Attempt(person, method, path_of(template, ids), headers, content)
        yield from in_addresses(base, template, parameters, ids)
        yield from in_headers(base, parameters)
        if media:
            yield from in_bodies(base, body)


def people(service: str, by: str) -> list[str]:
    """Who gets as far as possible there."""
    if by:
        return [re.sub("^(east|second|full)_", "", by)]
    return {"audit": ["auditor", "school"], "notify": ["school"]}.get(
        service, ["manager", "school"]
    )


def path_of(template: str, ids: dict[str, str], **other: str) -> str:
    names = {"step": "screening", "kind": "worker", "size": "1", "seq": "1", "path": "0/000"}
    known = {**names, **ids, **other}
    for name in [part[1:-1] for part in template.replace(":path", "").split("/") if "{" in part]:
        inner = name.partition("{")[2] or name
        template = template.replace(f"{{{inner.partition('}')[0]}}}", known.get(inner, "sub_x"))
    return template


def in_addresses(
    base: Attempt, template: str, parameters: list[Any], ids: dict[str, str]
) -> Iterator[Attempt]:
    needed = [p for p in parameters if p["in"] == "query" and p.get("required")]
    always = "&".join(f"{p['name']}=ref_x" for p in needed)
    for parameter in parameters:
        name = parameter["name"]
        if name in SLOW:
            continue
        for value in [*(quote(raw, safe="") for raw in IN_ADDRESS), *RAW_ADDRESS]:
            if parameter["in"] == "path":
                path = f"{path_of(template, ids, **{name: value})}?{always}"
            elif parameter["in"] == "query":
                path = f"{base.path}?{always}&{name}={value}"
            else:
                continue
            yield Attempt(base.person, base.method, path, base.headers, base.content)


def in_headers(base: Attempt, parameters: list[Any]) -> Iterator[Attempt]:
    names = [p["name"] for p in parameters if p["in"] == "header"]
    for name in names:
        # A well-formed place in a stream opens it, and that takes five minutes.
        values = IN_HEADER if "stream" not in base.path else [b"-1", b"\xff\xfe", b"a" * 1001]
        for value in values:
            headers = {**base.headers, name: value}
            yield Attempt(base.person, base.method, base.path, headers, base.content)
    if "stream" in base.path:
        return
    for name in ("Accept", "Accept-Encoding", "traceparent", "X-Forwarded-For", "Range", "Host"):
        for value in (b"\xff", b"a" * 5000, b",;=", b"bytes=-1"):
            headers = {**base.headers, name: value}
            yield Attempt(base.person, base.method, base.path, headers, base.content)


def in_bodies(base: Attempt, body: Any) -> Iterator[Attempt]:
    def of(content: bytes, headers: dict[str, Any]) -> Attempt:
        return Attempt(base.person, base.method, base.path, headers, content)

    yield from (of(raw, base.headers) for raw in BODIES)
    yield from (of(base.content or b"{}", {**base.headers, "Content-Type": t}) for t in TYPES)
    yield of(base.content or b"{}", {**base.headers, "Content-Encoding": b"gzip"})
    if isinstance(body, dict):
        for document in spoiled(body):
            text = json.dumps(document)
            for raw in IN_JSON:
                content = text.replace(f'"{MARK}"', raw).encode("utf-8", "surrogatepass")
                yield of(content, base.headers)
                if "batch" in base.path:
                    yield of(content + b"\n" + content, base.headers)


def spoiled(part: Any) -> Iterator[Any]:
    """The document with each of its places marked in turn, and with one it does not have."""
    yield MARK
    if isinstance(part, dict):
        yield {**part, "unknown": MARK}
        for name, inner in part.items():
            yield from ({**part, name: other} for other in spoiled(inner))
    elif isinstance(part, list) and part:
        yield from ([other, *part[1:]] for other in spoiled(part[0]))


@pytest_asyncio.fixture
async def services(mongo: Mongo, tmp_path: Path) -> AsyncIterator[Whole]:
    """Of one test alone: an extreme may make an agency inactive, or a Hub another one."""
    async with whole(mongo.url, tmp_path) as made:
        yield made


async def test_no_input_makes_a_500_and_every_refusal_is_a_problem_document(
    services: Whole,
) -> None:
    found = list(attempts(services.ids))
    chosen = found if EVERY else random.Random(SEED).sample(found, SAMPLE)
    print(f"{len(chosen)} of {len(found)} attempts, seed {SEED}")
    faults = [fault for attempt in chosen if (fault := await fault_of(services, attempt))]

    assert not faults, f"{len(faults)} with seed {SEED}:\n" + "\n".join(faults[:40])


BROKEN_LINES: dict[str, Any] = {
    "a birth date that has no 18th birthday": {
        "subject": {"name": "S", "date_of_birth": "9982-01-01"}
    },
    "a time that leaves the calendar": {"valid_to": "9999-12-31T23:59:59-14:00"},
    "a time before the calendar": {"valid_to": "0001-01-01T00:00:00+14:00"},
    "half of a surrogate pair": {"narrative": "\ud800"},
    "a member called half of a surrogate pair": {"\ud800": 1},
    "a number without end": {"subject": {"name": "S", "estimated_age": 10**400}},
    "no number": {"subject": {"name": "S", "estimated_age": float("nan")}},
}


async def test_a_broken_line_of_a_batch_costs_no_other(services: Whole) -> None:
    documents = [a_referral(agency_reference="good-0")]
    for number, (name, change) in enumerate(BROKEN_LINES.items(), 1):
        if "valid_to" in change:
            said = {"status": "given", "categories": ["existence"], "given_by": "parent", **change}
            change = {"consents": [said]}  # noqa: PLW2901
        documents += [
            a_referral(agency_reference=f"bad {name}", **change),
            a_referral(agency_reference=f"good-{number}"),
        ]
    lines = [json.dumps(document).encode() for document in documents]
    twice = b'{"urgency":"immediate",' + lines[0][1:]
    raw = [b"\xff\xfe", b"[" * 900, b"1e999", lines[0], twice]

    answer = await services.ask(
        "school",
        "POST",
        "/v1/referrals/batch",
        content=b"\n".join([*lines, *raw]),
        headers={"Content-Type": "application/x-ndjson"},
    )

    statuses = [json.loads(line)["status"] for line in answer.text.splitlines()]
    refused = {"no number"}
    each = [[422 if name in refused else 201, 201] for name in BROKEN_LINES]
    assert statuses[: len(lines)] == [201, *(status for two in each for status in two)]
    assert statuses[len(lines) :] == [400, 400, 422, 201, 400]


async def test_no_route_guesses_which_of_two_members_was_meant(services: Whole) -> None:
    takes_json = [one for one in operations().values() if (one.media_type or "").endswith("json")]
    takes_json = [one for one in takes_json if one.media_type != "application/x-ndjson"]
    assert len(takes_json) > 30
    for one in takes_json:
        path = re.sub(r"\{(\w+)\}", lambda m: services.ids.get(m[1], "x"), one.template)
        answers = set()
        for person in ("school", "worker", "manager", "operator", "auditor"):
            answer = await services.ask(
                person,
                one.method,
                path,
                content=b'{"a": {"b": [{"c": 1, "d": 2, "\\u0063": 3}]}}',
                headers={"Content-Type": f"{one.media_type}; charset=utf-8"},
            )
            answers.add((answer.status_code, code_of(answer)))
        assert answers <= {(400, "member_twice"), (403, "forbidden")}, one
        assert (400, "member_twice") in answers, one


PROBLEMS = ("application/problem+json", "application/fhir+json")


async def fault_of(services: Whole, attempt: Attempt) -> str | None:
    """What is wrong with the answer, if anything is."""
    answer = await services.ask(
        attempt.person,
        attempt.method,
        attempt.path,
        headers=attempt.headers,
        content=attempt.content,
    )
    if answer.status_code >= 500 or '"status":500' in answer.text:
        return f"{answer.status_code} {attempt}"
    if answer.status_code >= 400:
        kind = answer.headers.get("content-type", "")
        if kind not in PROBLEMS or not code_of(answer):
            return f"no problem document, {answer.status_code} {kind}: {attempt}"
    return None
