"""Strange heads on every route of the description, over real sockets: one answer, never a 500.

A sample in `make test`, by the seed that the run prints; all of them with `EXTREMES=all`.
"""

import asyncio
import random
import re
from collections import Counter
from collections.abc import Iterator

import pytest

from shared.rules.access import roles_of
from tests.conftest import SEED
from tests.golden.access import action_of
from tests.golden.openapi import SERVICES, app_of, routes_of
from tests.harness.mongo import Mongo
from tests.harness.unlimited import UNLIMITED
from tests.harness.whole import Whole, served
from tests.service.test_connections import Clients
from tests.service.test_extremes import EVERY, path_of
from tests.service.test_heads import HEADS, lines

SAMPLE = 500
AT_ONCE = 8
ANY = {b"400"} | {b"%d" % status for status in range(200, 500)}
REFUSED = {b"400"}
TRACE = b"traceparent: 00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01"
# Fields that routes of ours read, and those that any server may read.
FIELDS: dict[str, tuple[bytes, set[bytes]]] = {
    "two tags": (lines(b'If-Match: "v1"', b'If-Match: "v2"'), ANY),
    "any tag, and one": (lines(b"If-Match: *", b'If-Match: W/"v1"'), ANY),
    "a tag and none": (lines(b'If-Match: "v1"', b"If-None-Match: *"), ANY),
    "a tag without an end": (lines(b'If-Match: "v' + b"9" * 4000), ANY),
    "two keys in two spellings": (lines(b"idempotency-key: a", b"IDEMPOTENCY-KEY: a"), REFUSED),
    "an empty key": (lines(b"Idempotency-Key:"), ANY),
    "a key in bytes": (lines(b"Idempotency-Key: \xff\xfe\x80"), ANY),
    "an empty place": (lines(b"Last-Event-ID:"), ANY),
    "a place in bytes": (lines(b"Last-Event-ID: \xff\xfe"), ANY),
    "a part of nothing": (lines(b"Range: bytes=5-2", b"If-Range: x"), ANY),
    "two ranges": (lines(b"Range: bytes=0-0", b"Range: bytes=-1"), ANY),
    "two traces": (lines(TRACE, TRACE, b"tracestate: a=b", b"tracestate: =,;"), ANY),
    "a trace of nothing": (lines(b"traceparent: 00-" + b"0" * 32 + b"-" + b"0" * 16 + b"-ff"), ANY),
    "a trace too long": (lines(TRACE + b"-" * 4000, b"baggage: " + b"a=b," * 500), ANY),
}
ROLES = {
    "agency": "school",
    "worker": "worker",
    "hub_manager": "manager",
    "auditor": "auditor",
    "operator": "operator",
    "coordinator": "coordinator",
}


def attempts(made: Whole) -> Iterator[tuple[str, bytes, set[bytes]]]:
    """Each field on each route, by somebody whose role may; with the statuses that may answer it."""
    ids = {"referral_id": "ref_" + "0" * 32, "allocation_id": "ref_" + "0" * 32}
    for service in SERVICES:
        for route in routes_of(app_of(service)):
            method, action = min(route.methods or ()), action_of(route)
            role = min(roles_of(action)) if action else "agency"
            path = path_of(route.path, ids)
            token = made.tokens[ROLES[role]].encode()
            known = f"{method} {path} HTTP/1.1\r\nHost: x\r\n".encode()
            known += b"Connection: close\r\nAuthorization: Bearer " + token + b"\r\n"
            for name, (rest, statuses) in {**HEADS, **FIELDS}.items():
                told = REFUSED if statuses == REFUSED else ANY | statuses
                yield f"{method} {path} by {role}: {name}", known + rest, told


async def answer_to(sent: bytes, port: int) -> bytes:
    """Everything that comes back until the connection ends; of a stream, what comes at once."""
    patience = 0.5 if b"/stream" in sent else 20
    found = b""
    async with Clients() as clients:
        client = await clients.open(port)
        client.writer.write(sent)
        try:
            async with asyncio.timeout(patience):
                while part := await client.reader.read(65536):
                    found += part
        except (TimeoutError, ConnectionError):
            pass
    return found


def fault_of(answer: bytes, statuses: set[bytes]) -> bool:
    """Whether it is more than one answer, or none that may be given. A parser may just hang up."""
    first = re.match(rb"HTTP/1\.1 (\d{3})", answer)
    if not answer:
        return False
    return not first or first[1] not in statuses or answer.count(b"HTTP/1.1 ") > 1


async def test_no_route_takes_a_strange_head_for_two_or_breaks(
    mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> None:
    slots, told = asyncio.Semaphore(AT_ONCE), Counter[str]()
    async with served(mongo.url, tmp_path_factory.mktemp("heads"), **UNLIMITED) as made:
        found = list(attempts(made))
        chosen = found if EVERY else random.Random(SEED).sample(found, SAMPLE)

        async def one(name: str, sent: bytes, statuses: set[bytes]) -> str:
            async with slots:
                answer = await answer_to(sent, made.port)
            told[answer[9:12].decode()] += 1
            return f"{name}: {answer[:200]!r}" if fault_of(answer, statuses) else ""

        wrong = [fault for fault in await asyncio.gather(*(one(*each) for each in chosen)) if fault]
    print(f"{len(chosen)} of {len(found)} heads, seed {SEED}: {told}")

    assert len(found) > 3000
    assert {"200", "400", "404"} <= set(told)
    assert not wrong, f"{len(wrong)} with seed {SEED}:\n" + "\n".join(wrong[:40])
