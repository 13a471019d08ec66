"""A slip in a question is refused with what there is: on every route of the audit service, made from its
description. And a day in `to` is in the answer, on every route that takes one."""

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest
import pytest_asyncio

from services.audit.recordable import CHOSEN, CODES
from services.audit.trail_query import PURPOSES
from shared.rules.calendars import LONDON
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import Network, running
from tests.harness.template import ROOT
from tests.harness.trails import body

COUNT = 3  # entry 0 is that of the signing key
PATHS: dict[str, dict[str, Any]] = json.loads(
    (ROOT / "docs" / "openapi" / "audit.json").read_text("utf-8")
)["paths"]
PLACES = {
    "seq": "1",
    "event_id": f"evt_{1:032d}",
    "subject_id": f"sub_{'1' * 32}",
    "agency_id": "ag_school",
    "name": "bulk_reading",
    "export_id": f"exp_{'1' * 32}",
    "path": "0/000",
    "size": "1",
}
NEEDED = {"first": "1", "second": "2", "seq": "1"}
# Health is of every service, parked messages are for operators: neither is a question to the trail.
OURS = {
    path: of for path, of in PATHS.items() if not path.startswith(("/health", "/v1/dead-letters"))
}
READING = sorted(path for path, of in OURS.items() if "get" in of)


def parameters(path: str, method: str = "get") -> list[dict[str, Any]]:
    """Its query parameters, as they are described."""
    return [one for one in OURS[path][method].get("parameters", ()) if one["in"] == "query"]


def filled(path: str) -> str:
    """The path with something in each place."""
    for name, value in PLACES.items():
        path = path.replace(f"{{{name}}}", value)
    return path


def needed(path: str) -> dict[str, str]:
    """What it can't be asked without."""
    return {one["name"]: NEEDED[one["name"]] for one in parameters(path) if one.get("required")}


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    """The audit service alone, with two looks at one young person."""
    about: dict[str, Any] = {
        "subject_id": PLACES["subject_id"],
        "type": "record.viewed",
        "viewer_kind": "worker",
    }
    async with running(broker, mongo, tmp_path_factory.mktemp("asked"), ["audit"]) as one:
        await one.sealed(1)
        await one.publish(body(1, **about), body(2, **about))
        await one.sealed(COUNT)
        yield one


async def refused(
    network: Network, method: str, path: str, query: dict[str, str], document: Any = None
) -> str:
    """What is said of what was asked; fails where it was answered."""
    answer = await network.ask("auditor", method, filled(path), params=query, json=document)
    assert answer.status_code == 422, (path, query, answer.status_code, answer.text)
    (fault,) = answer.json()["errors"]
    said: str = fault["message"]
    return said


@pytest.mark.parametrize("path", READING)
async def test_an_unknown_parameter_is_refused_with_those_there_are(
    network: Network, path: str
) -> None:
    said = await refused(network, "GET", path, {**needed(path), "refferal_id": "ref_1"})

    assert said.startswith("Only: ")
    assert all(one["name"] in said for one in parameters(path)), said


CODED = {**{name: CODES[name] for name in CHOSEN}, "purpose": frozenset(PURPOSES)}
WITH_CODES = [
    (path, name)
    for path, name in product(READING, CODED)
    if name in {one["name"] for one in parameters(path)}
]


@pytest.mark.parametrize(("path", "name"), WITH_CODES)
async def test_an_unknown_code_is_refused_with_those_there_are(
    network: Network, path: str, name: str
) -> None:
    said = await refused(network, "GET", path, {**needed(path), name: "none_of_ours"})

    assert all(code in said for code in CODED[name]), said


FIELDS = PATHS["/v1/exports"]["post"]["requestBody"]["content"]["application/json"]["schema"]
EXPORTED = json.loads((ROOT / "docs" / "openapi" / "audit.json").read_text("utf-8"))["components"][
    "schemas"
][FIELDS["$ref"].rpartition("/")[2]]["properties"]


@pytest.mark.parametrize("name", [*(one for one in CODED if one in EXPORTED), "purpose"])
async def test_an_export_of_an_unknown_code_is_refused_with_those_there_are(
    network: Network, name: str
) -> None:
    query = {name: "none_of_ours"} if name == "purpose" else {}
    document = {} if query else {name: "none_of_ours"}
    said = await refused(network, "POST", "/v1/exports", query, document)

    assert all(code in said for code in CODED[name]), said


def test_every_route_that_takes_codes_is_among_them() -> None:
    assert {path for path, _ in WITH_CODES} >= {"/v1/trail", "/v1/trail/reports/{name}"}
    assert {name for _, name in WITH_CODES} == set(CODED)


TO_A_DAY = [path for path in READING if "to" in {one["name"] for one in parameters(path)}]


@pytest.mark.parametrize("path", TO_A_DAY)
async def test_to_a_day_includes_that_day_in_london(network: Network, path: str) -> None:
    entry = (await network.ask("auditor", "GET", "/v1/trail/1")).json()
    at = datetime.fromisoformat(entry["recorded_at"]).astimezone(LONDON).date()

    async def answered(to: object) -> str:
        answer = await network.ask("auditor", "GET", filled(path), params={"to": str(to)})
        assert answer.status_code == 200
        assert "(days are those of Europe/London)" in answer.text
        return answer.text

    told = await answered(at)
    if "/reports/" not in path:  # its findings need more than two looks
        assert "record.viewed" in told
        assert "record.viewed" not in await answered(at - timedelta(days=1))


def test_what_takes_a_day_is_found() -> None:
    assert len(TO_A_DAY) == 3
