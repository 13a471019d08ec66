"""Three agencies report a car, a nickname and a hotel: the wall shows to who may read the reports where it
meets, opens what it shows and no more, and has each report of which a word is shown in the trail."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from allinone import sample
from shared.clock import now
from shared.ids import new_id
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import PEOPLE, Network, running

COORDINATORS = {
    "north_coordinator": {"sub": "co_north", "role": "coordinator", "area_id": "northtown"},
    "west_coordinator": {"sub": "co_west", "role": "coordinator", "area_id": "westby"},
}
CAR = {"kind": "vehicle", "role": "suspect", "values": {"registration": "zx19 synth"}}
HOTEL = {
    "kind": "business",
    "role": "place_of_concern",
    "values": {"name": "The Synthetic Inn", "number": "7", "postcode": "ZZ9 9ZZ"},
}
SOLD = f"{now().year - 1}-Q1"


def car(written: str) -> dict[str, Any]:
    return {**CAR, "values": {"registration": written}}


def called(name: str) -> dict[str, Any]:
    return {"kind": "person", "role": "suspect", "values": {"nickname": name}}


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    PEOPLE.update(COORDINATORS)
    async with running(broker, mongo, tmp_path_factory.mktemp("wall")) as started:
        await started.load_sample()
        await started.quiet()
        yield started
    for person in COORDINATORS:
        PEOPLE.pop(person)


async def report(network: Network, who: str, *mentions: dict[str, Any], **more: Any) -> str:
    said = {"text": "Synthetic words.", "source": "2", "assessment": "B", "handling": "P"}
    entry = {**said, "conditions": "", "area": "northtown", "mentions": list(mentions), **more}
    headers = {"Idempotency-Key": new_id("key")}
    sent = await network.ask(who, "POST", "/v1/intelligence", json=entry, headers=headers)
    assert sent.status_code == 201, sent.text
    return str(sent.json()["id"])


async def wall(network: Network, who: str, query: str = "") -> Any:
    found = await network.ask(who, "GET", f"/v1/wall{query}")
    assert found.status_code == 200, found.text
    return found.json()


async def test_the_wall_shows_where_three_agencies_meet(network: Network) -> None:
    reports = [
        await report(network, "school", car("AB19 XYZ"), called("Testy")),
        await report(network, "police", car("ab19-xyz"), HOTEL),
        await report(
            network, "stranger", HOTEL, called("TESTY"), handling="C", conditions="Ask us."
        ),
    ]
    await report(network, "health", car("AB19XYZ"), area="westby")
    await network.quiet()

    shown = await wall(network, "north_coordinator")
    by_label = {node["label"]: node for node in shown["nodes"] if node["kind"] != "report"}
    assert by_label["ab19-xyz"]["reports"] == sorted(reports[:2])
    assert by_label["The Synthetic Inn"]["reports"] == sorted(reports[1:])
    assert by_label["The Synthetic Inn"]["conditions"]
    assert not by_label["ab19-xyz"]["conditions"]
    assert shown["report_count"] == 3
    assert [edge["strength"] for edge in shown["edges"] if edge["link_id"]] == ["possible"]
    assert not [
        e for e in (await wall(network, "manager", "?strength=certain"))["edges"] if e["link_id"]
    ]
    assert (await wall(network, "north_coordinator", "?area=westby"))["nodes"] == []
    assert (await wall(network, "north_coordinator", "?since=2099-01-01T00:00:00Z"))["nodes"] == []
    assert (await wall(network, "west_coordinator"))["report_count"] == 1

    await network.quiet()
    for one in reports:
        trail = await network.ask("auditor", "GET", "/v1/trail?limit=100&type=intelligence.viewed")
        assert one in trail.text
    for who in ("school", "worker", "auditor", "operator"):
        refused = await network.ask(who, "GET", "/v1/wall")
        assert refused.status_code == 403, who


async def test_a_report_that_was_taken_back_is_on_no_wall(network: Network) -> None:
    gone = await report(network, "school", car("CD20 XYZ"))
    path = f"/v1/intelligence/{gone}/withdrawal"
    body, headers = {"reason": "withdrawn"}, {"If-Match": "*"}
    taken = await network.ask("school", "POST", path, json=body, headers=headers)
    assert taken.status_code == 200, taken.text

    assert gone not in str(await wall(network, "north_coordinator"))


async def test_a_profile_is_of_quarters_that_have_ended_and_stays_as_it_is(
    network: Network,
) -> None:
    path = f"/v1/problem-profile?area=northtown&quarter={SOLD}"
    answers = await asyncio.gather(
        *(network.ask(who, "GET", path) for who in ("north_coordinator", "manager") for _ in "abc")
    )

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].json()["children"] == {"cells": {}, "total": None}
    as_lines = await network.ask("manager", "GET", f"{path}&format=csv")
    assert as_lines.text.startswith("table,code,number\r\nabout,area,northtown\r\n")
    for who, code in (("west_coordinator", 404), ("stranger", 404), ("operator", 403)):
        assert (await network.ask(who, "GET", path)).status_code == code, who
    quarter = f"{now().year}-Q{(now().month + 2) // 3}"
    runs = await network.ask("manager", "GET", path.replace(SOLD, quarter))
    assert (runs.status_code, runs.json()["code"]) == (409, "quarter_not_ended")


async def test_an_agency_has_the_profile_by_an_agreement_that_says_so(network: Network) -> None:
    path = f"/v1/problem-profile?area=northtown&quarter={SOLD}"
    terms = {
        "parties": [sample.HEALTH, sample.HUB],
        "purposes": ["prevention_of_crime"],
        "categories": ["intelligence"],
        "grounds": ["public_task"],
        "effective_from": "2026-01-01T00:00:00Z",
        "effective_to": "2031-12-31T00:00:00Z",
        "review_at": "2031-01-01T00:00:00Z",
    }
    assert (await network.ask("health", "GET", path)).status_code == 404
    made = await network.ask("operator", "PUT", "/v1/agreements/isa_numbers", json=terms)
    assert made.status_code in (200, 201), made.text
    for who in ("health", "manager"):
        signed = await network.ask(
            who, "POST", "/v1/agreements/isa_numbers/signatures", json={"version": 1}
        )
        assert signed.status_code < 300, signed.text
    assert (await network.ask("health", "GET", path)).status_code == 200
