"""kill -9 of allocation between the steps of its look for gaps: the managers hear of each gap once."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from allinone import sample
from services.allocation.hubs.hub import DUTY_DUE
from shared.clock import now
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import Network, running
from tests.harness.waiting import until

POINTS = (
    *("turn.after_duty", "gaps.after_look", "store.before_write", "store.after_write"),
    *("relay.after_claim", "relay.after_confirm", "relay.after_settle", "turn.after_gaps"),
)
HUB = f"/v1/hubs/{sample.HUB}"
DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
ALWAYS = {"name": "always", "days": [*DAYS, "bank_holiday"], "start": "00:00", "end": "00:00"}


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    folder = tmp_path_factory.mktemp("network")
    async with running(broker, mongo, folder, ("allocation", "notify")) as started:
        for path, entry in sample.ENTRIES[3:]:
            if path.startswith(("/v1/hubs", "/v1/workers")):
                document = sample.document(path, entry)
                (await started.ask("operator", "PUT", path, json=document)).raise_for_status()
        spans = [{**ALWAYS, "worker_id": sample.DUTY}]
        tag = {"If-Match": "*"}
        put = await started.ask("manager", "PUT", f"{HUB}/rota", json={"spans": spans}, headers=tag)
        put.raise_for_status()
        yield started


async def a_turn_ago(network: Network) -> None:
    """The Hub's timer has run out, and nobody has claimed it, as when a lease is over."""
    past = now() - timedelta(minutes=1)
    hubs = network.mongo_of("allocation")["hubs"]
    await hubs.update_one({"_id": sample.HUB}, {"$set": {DUTY_DUE: past, "duty_at": past}})


async def look_again(network: Network) -> None:
    """A look from its beginning to its end, by a process that lives."""
    await network.modules["allocation"].stop()
    await a_turn_ago(network)
    await network.replace("allocation")

    async def set_again() -> bool:
        found = await network.mongo_of("allocation")["hubs"].find_one({"_id": sample.HUB})
        # A claim leaves the timer at the end of a lease of half a minute.
        return bool(found and found[DUTY_DUE].timestamp() > now().timestamp() + 60)

    await until(set_again, deadline=30, what="the timer of the next turn")
    await network.quiet()


async def warnings(network: Network) -> list[dict[str, Any]]:
    """What the Hub's managers were told of gaps."""
    notices = network.mongo_of("notify")["notifications"]
    return [each async for each in notices.find({"kind": "rota_gap"})]


async def away(network: Network, leave: list[dict[str, str]]) -> None:
    """The worker has this leave, as a look at another time will find it: no event says so."""
    workers = network.mongo_of("allocation")["workers"]
    await workers.update_one({"_id": sample.DUTY}, {"$set": {"leave": leave}})


@pytest.mark.parametrize("point", POINTS)
async def test_each_gap_is_told_once_wherever_the_look_for_it_dies(
    network: Network, point: str
) -> None:
    await away(network, [])
    await look_again(network)  # what was open before is filled
    before = len(await warnings(network))
    await network.modules["allocation"].stop()
    on = str((now() + timedelta(days=20 + POINTS.index(point))).date())
    await away(network, [{"start": on, "to": on, "kind": "other"}])
    await a_turn_ago(network)

    process = network.module("allocation", FAULTS="1", FAULT=point)
    network.modules["allocation"] = process
    process.start()
    await until(lambda: not process.running, deadline=30, what=f"dying at {point}")
    assert process.exit_code == -9
    for _ in range(2):  # the lease has run out; and a look more
        await look_again(network)

    told = await warnings(network)
    assert len(told) == before + 1
    hub = (await network.mongo_of("allocation")["hubs"].find_one({"_id": sample.HUB})) or {}
    assert len(hub["gaps_known"]) == 1
