"""Search: each practitioner finds what is their own and nobody is told of anything else; each hit is
a look in the trail, and no value of the question is anywhere."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from allinone import sample
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import PEOPLE, Network, running
from tests.harness.waiting import until

NAME, BORN, NUMBER = "Zuleika Quondam", "2011-03-04", "9434765919"
MORE = {
    "south": {"sub": "mg_south", "role": "hub_manager", "hub_id": "hub_south"},
    "marked": {"sub": "mg_marked", "role": "hub_manager", "hub_id": sample.HUB},
    "colleague": {"sub": "wk_two", "role": "worker", "worker_id": "wk_two"},
}


@pytest_asyncio.fixture
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    folder = tmp_path_factory.mktemp("search")
    async with running(broker, mongo, folder, ["referral", "audit"]) as started:
        await started.load_referral_sample()
        await started.hub_registered("hub_south", "southtown")
        await started.replace("referral", LIMIT_SEARCHES="12/hour")
        yield started


async def ask(network: Network, who: str, method: str, path: str, body: Any) -> httpx2.Response:
    token = network.issue(**(PEOPLE | MORE)[who])
    url = network.modules["referral"].url
    async with httpx2.AsyncClient(trust_env=False, timeout=15) as http:
        headers = {"Authorization": f"Bearer {token}"}
        return await http.request(method, url + path, json=body, headers=headers)


async def found(network: Network, who: str, **said: str) -> dict[str, dict[str, str]]:
    answer = await ask(network, who, "POST", "/v1/referrals/search", said)
    assert answer.status_code == 200, answer.text
    assert not [value for value in (NAME, BORN, NUMBER) if value in answer.text]
    return {hit["referral_id"]: hit["agrees"] for hit in answer.json()["hits"]}


async def test_each_finds_their_own_and_is_recorded(network: Network) -> None:
    child = {"name": NAME, "date_of_birth": BORN, "nhs_number": NUMBER}
    ids = {}
    for area in ("northtown", "southtown"):
        answer = await network.refer(area, area=area, subject=child)
        ids[area] = str(answer.json()["id"])
    north, south = ids["northtown"], ids["southtown"]

    async def known() -> bool:
        return (await ask(network, "south", "GET", f"/v1/referrals/{south}", None)).is_success

    await until(known, deadline=20, what="the other Hub being known")
    await network.mongo_of("referral")["referrals"].update_one(
        {"_id": north}, {"$set": {"worker_id": "wk_hub_one", "hub_id": sample.HUB}}
    )
    assert (await ask(network, "marked", "GET", f"/v1/referrals/{north}", None)).is_success

    assert await found(network, "manager", name="Zuleica Quondam") == {north: {"name": "phonetic"}}
    assert set(await found(network, "manager", date_of_birth=BORN)) == {north}
    assert set(await found(network, "manager", nhs_number=NUMBER)) == {north}
    assert set(await found(network, "worker", name=NAME, nhs_number=NUMBER)) == {north}
    assert set(await found(network, "south", name=NAME)) == {south}
    assert await found(network, "colleague", name=NAME) == {}
    assert await found(network, "manager", name=NAME, date_of_birth="2009-09-09") == {}
    assert set(await found(network, "marked", name=NAME)) == {north}
    # Marked in the record of the other referral: it is one young person.
    mark = {"unsafe": True, "relation": "household_member", "sub": "mg_marked"}
    path = f"/v1/referrals/{south}/unsafe-accounts"
    assert (await ask(network, "south", "PUT", path, mark)).status_code == 200
    nothing = await ask(network, "marked", "POST", "/v1/referrals/search", {"name": NAME})
    elsewhere = await ask(network, "colleague", "POST", "/v1/referrals/search", {"name": "No One"})
    agency = await ask(network, "school", "POST", "/v1/referrals/search", {"name": NAME})

    assert nothing.json() == elsewhere.json()
    assert agency.status_code == 403
    await network.quiet()
    trail = await network.trail(north)
    looks = [e["data"] for e in trail if e["type"] == "record.viewed"]
    viewers = [(look["viewer_kind"], look["purpose"]) for look in looks]
    assert viewers.count(("worker", "safeguarding")) == 1
    assert viewers.count(("hub_manager", "safeguarding")) == 5
    assert {look["part"] for look in looks if look["purpose"] == "safeguarding"} == {
        "record",
        "search_hit",
    }
    answer = await network.ask("auditor", "GET", "/v1/trail?limit=500")
    everything = [entry["leaf"]["event"] for entry in answer.json()["entries"]]
    searches = [e["data"] for e in everything if e["type"] == "record.searched"]
    assert len(searches) == 10
    assert sorted(s["hits"] for s in searches) == [0] * 4 + [1] * 6
    assert not [value for value in ("Quondam", BORN, NUMBER) if value in str(everything)]
    assert "Quondam" not in str(trail)


async def test_nobody_tries_out_names_without_end(network: Network) -> None:
    statuses = [
        (
            await ask(network, "worker", "POST", "/v1/referrals/search", {"name": f"N{n}"})
        ).status_code
        for n in range(14)
    ]

    assert statuses == [200] * 12 + [429] * 2
    assert (
        await ask(network, "manager", "POST", "/v1/referrals/search", {"name": NAME})
    ).is_success
