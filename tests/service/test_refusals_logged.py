"""Whatever is refused, on every route and to everybody, has its line in the log under the trace that
the answer names."""

import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import SERVICES, Network, running
from tests.harness.refusals import NO_ID, SPECS, TOO_DEEP, TOO_LARGE, WRITING
from tests.harness.waiting import until

STREAM = "/v1/notifications/stream"  # who may have it gets it until they go
TOKENS = ("", "nonsense", "school", "worker", "auditor")


@dataclass(frozen=True)
class Asked:
    """A request that is refused, or answered: what has to be in the log of it."""

    service: str
    method: str
    route: str
    path: str
    who: str
    body: bytes | None


def requests() -> Iterator[Asked]:
    """Every route, by everybody; with a body where it takes one, and once with none."""
    for service in SERVICES:
        for route, methods in json.loads((SPECS / f"{service}.json").read_text())["paths"].items():
            path = re.sub(r"\{(\w+)\}", _unknown, route)
            for method in methods:
                writes = method in WRITING
                for who in TOKENS[: 2 if route == STREAM else None]:
                    yield Asked(
                        service, method.upper(), route, path, who, b"{}" if writes else None
                    )
                yield Asked(service, method.upper(), route, path, "", None if writes else b"{}")
                if writes:
                    yield Asked(service, method.upper(), route, path, "school", TOO_DEEP)
                if path in ("/v1/referrals", "/v1/exports"):
                    yield Asked(service, method.upper(), route, path, "auditor", TOO_LARGE)


def _unknown(name: re.Match[str]) -> str:
    if name[1] in ("seq", "size"):
        return str(2**40)
    return f"{name[1].removesuffix('_id')[:3]}_{NO_ID}"


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    async with running(broker, mongo, tmp_path_factory.mktemp("refused")) as started:
        yield started


async def ask(network: Network, asked: Asked) -> httpx2.Response:
    token = network.token(asked.who) if asked.who in TOKENS[2:] else asked.who
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if asked.body is not None:
        headers["Content-Type"] = "application/json"
    url = network.modules[asked.service].url + asked.path
    return await network.http.request(asked.method, url, headers=headers, content=asked.body)


def logged(network: Network) -> dict[str, dict[str, Any]]:
    """The lines of requests, by their trace."""
    found: dict[str, dict[str, Any]] = {}
    for log in network.folder.glob("services.*.log"):
        lines = (json.loads(one) for one in log.read_text().splitlines() if one.startswith("{"))
        found |= {
            line["trace_id"]: line
            for line in lines
            if line.get("event") == "http.request" and "trace_id" in line
        }
    return found


async def test_every_error_names_a_trace_under_which_the_log_has_its_request(
    network: Network,
) -> None:
    refused, statuses = [], set()
    for asked in requests():
        answer = await ask(network, asked)
        assert answer.status_code != 500, asked
        if answer.status_code >= 400:
            statuses.add(answer.status_code)
            said = answer.json()  # a problem, or, where FHIR is spoken, an outcome
            instance = said.get("instance") or said.get("meta", {}).get("source")
            assert instance, (asked, answer.text)
            refused.append((asked, answer.status_code, instance.removeprefix("urn:trace:")))

    await until(lambda: refused[-1][2] in logged(network), what="the last line")
    lines = logged(network)
    assert {400, 401, 403, 404, 413, 422} <= statuses
    often = Counter(trace for *_, trace in refused)
    assert [a for a in refused if often[a[2]] > 1] == [], "each request has a trace of its own"
    for asked, status, trace in refused:
        assert trace in lines, asked
        line = lines[trace]
        said = (line["method"], line["route"].replace(":path}", "}"), line["status"])
        assert said == (asked.method, asked.route, status), asked
        assert line["milliseconds"] >= 0
