"""Links: what several agencies report is found to be the same without opening anybody's report; who may
not read the others learns that there is a link and whom to speak with, a taxi firm not even that; and a
hotel that everybody mentions is one link."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from allinone import sample
from services.referral.intelligence.link import MOST_JOINED
from shared.ids import new_id
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import PEOPLE, Network, running
from tests.harness.waiting import until

PERSONS = {"coordinator": {"sub": "co_north", "role": "coordinator", "area_id": "northtown"}}
PERSONS |= {"taxi": {"sub": "ag_taxi", "role": "agency", "agency_id": "ag_taxi"}}
CAR: dict[str, Any] = {"kind": "vehicle", "role": "suspect", "values": {"registration": "AB12 CDE"}}
HOTEL: dict[str, Any] = {
    "kind": "business",
    "role": "place_of_concern",
    "values": {"name": "Synthetic Hotel", "number": "12", "postcode": "ZZ99 3VZ"},
}


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    before = dict(PEOPLE)
    PEOPLE.update(PERSONS)
    async with running(broker, mongo, tmp_path_factory.mktemp("links")) as started:
        await started.load_sample()
        await started.quiet()
        yield started
    PEOPLE.clear()
    PEOPLE.update(before)


def named(nickname: str) -> dict[str, Any]:
    return {"kind": "person", "role": "suspect", "values": {"nickname": nickname}}


async def report(network: Network, who: str, *mentions: Any, **changes: Any) -> str:
    entry: dict[str, Any] = {
        "text": "Synthetic.",
        "source": "2",
        "assessment": "C",
        "handling": "P",
    }
    entry |= {"area": "northtown", "mentions": mentions, **changes}
    headers = {"Idempotency-Key": new_id("key")}
    sent = await network.ask(who, "POST", "/v1/intelligence", json=entry, headers=headers)
    assert sent.status_code == 201, sent.text
    return str(sent.json()["id"])


async def links(network: Network, who: str, path: str) -> list[dict[str, Any]]:
    answer = await network.ask(who, "GET", f"/v1/{path}/links")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["links"]
    return found


async def told(network: Network, kind: str) -> list[str]:
    await network.quiet()
    entries = network.mongo_of("audit")["entries"]
    every = [str(document["leaf"]) async for document in entries.find()]
    return [leaf for leaf in every if f'"type":"{kind}"' in leaf]


async def test_three_agencies_and_a_taxi_firm_meet_and_each_learns_what_is_theirs(
    network: Network,
) -> None:
    children = []
    for name in ("One", "Two"):
        child = {"name": f"Synthetic {name}", "date_of_birth": "2012-05-17"}
        sent = await network.refer(f"links-{name}", subject=child)
        children.append(sent.json()["id"])
    await network.quiet()
    schools = await report(network, "school", CAR, named("Ziggurat"), referral_id=children[0])
    second = await report(network, "school", CAR, referral_id=children[1])
    polices = await report(network, "police", CAR, HOTEL, named("Zigurat"))
    taxis = await report(network, "taxi", CAR, HOTEL)
    await network.quiet()

    seen = {
        each["kind"]: each for each in await links(network, "coordinator", f"intelligence/{taxis}")
    }
    assert {seen["vehicle"]["standing"], seen["place"]["standing"]} <= {"certain", "possible"}
    every = await links(network, "coordinator", f"intelligence/{polices}")
    cars = [each for each in every if (each["kind"], each["strength"]) == ("vehicle", "certain")]
    assert [set(each["report_ids"]) for each in cars] == [{schools, second, taxis}]
    assert "name" in {each["kind"] for each in every}
    of_school = await links(network, "school", f"referrals/{children[0]}")
    (car,) = [
        each for each in of_school if (each["kind"], each["strength"]) == ("vehicle", "certain")
    ]
    assert (car["linked_reports"], car["report_ids"]) == (3, [second])
    assert car["speak_with"] == [f"hub:{sample.HUB}"]
    assert await links(network, "taxi", f"intelligence/{taxis}") == []
    for path in (f"intelligence/{schools}", f"referrals/{children[0]}"):
        assert (await network.ask("taxi", "GET", f"/v1/{path}/links")).status_code == 404
    joining = [
        leaf for leaf in await told(network, "link.found") if '"joins_children":true' in leaf
    ]
    assert joining
    assert not any(word in leaf for leaf in joining for word in ("AB12", "Zig", "Hotel"))


async def test_a_possible_link_is_decided_taken_back_and_opened_by_another_report(
    network: Network,
) -> None:
    one = await report(network, "school", named("Quillfeather"))
    two = await report(network, "police", named("Quilfeather"))
    await network.quiet()
    (link,) = await links(network, "coordinator", f"intelligence/{one}")
    path, tag = f"/v1/links/{link['id']}/decisions", {"If-Match": "*"}
    for decision, standing in (("rejected", "rejected"), (None, "possible"), ("confirmed",) * 2):
        body = {"decision": decision, "reason": "reports_compared"}
        said = await network.ask("manager", "POST", path, json=body, headers=tag)
        assert said.json()["standing"] == standing, said.text
    for who in ("school", "worker", "other_manager", "auditor"):
        refused = await network.ask(who, "POST", path, json=body, headers=tag)
        assert refused.status_code == 404
    await report(network, "stranger", named("Quillfeather"))
    await network.quiet()
    (link,) = await links(network, "coordinator", f"intelligence/{two}")
    assert (link["standing"], link["linked_reports"]) == ("possible", 2)


async def test_what_everybody_mentions_is_one_link_and_few_events(network: Network) -> None:
    inn = {**HOTEL, "values": {**HOTEL["values"], "number": "99", "name": "Another Inn"}}
    mine = [await report(network, "police", inn) for _ in range(MOST_JOINED + 5)]
    await network.quiet()
    nodes = network.mongo_of("referral")["link_nodes"]
    found = [node async for node in nodes.find({"report_ids": mine[0]})]
    assert {len(node["report_ids"]) for node in found} == {MOST_JOINED}
    events = await told(network, "link.found")
    ids = [node["_id"] for node in found]
    assert sum(any(one in leaf for one in ids) for leaf in events) == len(ids) * (MOST_JOINED - 1)
    back = {"json": {"reason": "withdrawn"}, "headers": {"If-Match": "*"}}
    await network.ask("police", "POST", f"/v1/intelligence/{mine[0]}/withdrawal", **back)

    async def left() -> bool:
        return await nodes.find_one({"report_ids": mine[0]}) is None

    await until(left, deadline=20, what="the report being in no link")
