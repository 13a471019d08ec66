"""kill -9 of a service between the steps of a tally: whatever it sent is tallied, and nothing is missed."""

import contextlib
import json
from collections.abc import AsyncIterator

import httpx2
import pytest
import pytest_asyncio

from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import Network, running
from tests.harness.waiting import until

POINTS = ("tally.after_archive", "tally.after_telling", "tally.after_clearing_one")


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    async with running(broker, mongo, tmp_path_factory.mktemp("n"), ("referral", "audit")) as one:
        await one.load_referral_sample()
        yield one


async def sent_and_tallied(network: Network) -> tuple[set[str], set[str]]:
    """The entries that the referral service made, without tallies, and what its tallies list."""
    events = [
        json.loads(entry["leaf"])["event"]
        async for entry in network.mongo_of("audit")["entries"].find()
    ]
    own = [event for event in events if event["source"] == "/services/referral"]
    tallied = [one for e in own if e["type"] == "trail.tallied" for one in e["data"]["event_ids"]]
    return {e["id"] for e in own if e["type"] != "trail.tallied"}, set(tallied)


@pytest.mark.parametrize("point", POINTS)
async def test_whatever_was_sent_is_tallied_once_the_service_is_back(
    network: Network, point: str
) -> None:
    await network.modules["referral"].stop()
    process = network.module("referral", TALLY_EVERY="1", FAULTS="1", FAULT=point)
    network.modules["referral"] = process
    process.start()

    async def dead() -> bool:
        with contextlib.suppress(httpx2.TransportError):  # before it serves, and when it dies
            await network.refer(f"before {point}")
        return not process.running

    await until(dead, deadline=30, what=f"the kill at {point}")

    await network.replace("referral", TALLY_EVERY="1")
    (await network.refer(f"after {point}")).raise_for_status()

    async def all_told() -> bool:
        emitted, tallied = await sent_and_tallied(network)
        return bool(emitted) and emitted <= tallied

    await until(all_told, deadline=30, what="every event being tallied")
    answer = (await network.ask("auditor", "GET", "/v1/trail/integrity")).json()
    assert (answer["sound"], answer["missing"]) == (True, [])
    for name in await network.mongo_of("referral").list_collection_names():
        stuck = await network.mongo_of("referral")[name].count_documents(
            {"sent.20": {"$exists": 1}}
        )
        assert not stuck, f"{name} keeps what was tallied"
