"""RabbitMQ's disk is lost and an empty node takes its place: the trail notices, says so, goes on."""

import shutil
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from shared.clock import now
from tests.harness.mongo import Mongo
from tests.harness.network import Network, running
from tests.harness.node import PrivateNode, installed
from tests.harness.trails import body, writer
from tests.harness.waiting import until

_numbers = count(1)
ASKED = "trail.sent_again_asked"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("node")


@pytest_asyncio.fixture(scope="module")
async def network(mongo: Mongo, folder: Path) -> AsyncIterator[Network]:
    """The audit service alone, on a broker of this test's own."""
    here = installed()
    if here is None:
        pytest.skip("no RabbitMQ is installed here: another's disk isn't ours to lose")
    node = PrivateNode(here, folder)
    await node.start()
    try:
        async with running(node, mongo, folder / "network", ["audit"]) as one:
            yield one
    finally:
        await node.stop()


async def lost(network: Network, folder: Path) -> None:
    """An empty node in the broker's place."""
    await network.broker.kill()
    shutil.rmtree(folder / "data")
    await network.broker.start()


async def entries(network: Network) -> list[dict[str, Any]]:
    """Every event that is an entry, in order."""
    seed = network.environment("audit")["AUDIT_SIGNING_KEY"]
    reader = writer(network.mongo_of("audit"), seed=seed)
    return [leaf["event"] for leaf in await reader.leaves()]


async def recorded(network: Network, published: list[str]) -> None:
    """Until all of it is in the trail, in order and once."""

    async def all_there() -> bool:
        seen = [event["id"] for event in await entries(network)]
        return [one for one in seen if one.startswith("evt_00000")] == published

    await until(all_there, deadline=60, what="everything that was published in the trail")


async def test_a_new_broker_is_noticed_told_of_and_read_from_its_first_event(
    network: Network, folder: Path
) -> None:
    published: list[str] = []

    async def publish(number: int) -> None:
        numbers = [next(_numbers) for _ in range(number)]
        await network.publish(*(body(n) for n in numbers))
        published.extend(f"evt_{n:032d}" for n in numbers)

    await publish(20)
    await recorded(network, published)
    # Worst moments: while it runs; killed when the entry is there and the mark is not forgotten yet.
    await lost(network, folder)
    await network.modules["audit"].until_ready(deadline=60)
    await publish(3)
    await recorded(network, published)
    await network.modules["audit"].stop()
    await lost(network, folder)
    dying = network.modules["audit"] = network.module(
        "audit", FAULTS="1", FAULT="trail.after_entries"
    )
    dying.start()
    await until(lambda: not dying.running, deadline=60, what="dying at the entry of it")
    await network.replace("audit")
    await publish(40)
    await recorded(network, published)

    told = [e["data"] for e in await entries(network) if e["type"] == "trail.stream_replaced"]
    assert [one["reason"] for one in told] == ["younger", "younger"]
    integrity = (await network.ask("auditor", "GET", "/v1/trail/integrity")).json()
    assert len(integrity["streams_replaced"]) == 2
    assert integrity["sound"]

    async def asked() -> list[dict[str, Any]]:
        of_it = [e["data"] for e in await entries(network) if e["type"] == ASKED]
        return of_it if len(of_it) == 2 else []

    # Whoever acts on events may have missed what the trail had read: every service sends it again.
    for one in await until(asked, deadline=60, what="the services being asked for all again"):
        assert datetime.fromisoformat(one["since"]) < now() - timedelta(hours=23)
