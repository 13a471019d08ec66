"""What /metrics of a running network says, and that alarms rise where there is something to do."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from shared.ids import new_id
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import STORY, Network, a_mark
from tests.harness.proxy import Proxy
from tests.harness.scraping import Sample, holds, scrape, values, with_metrics
from tests.harness.waiting import until
from tests.unit.test_alarms import NAMED, rules
from tests.unit.test_pilot import asked_of_metrics


@pytest_asyncio.fixture
async def network(
    broker: Broker, mongo: Mongo, tmp_path: Path, prefix: str
) -> AsyncIterator[Network]:
    """A network whose metrics can be read; nothing is started yet."""
    made = Network(broker, mongo, prefix, tmp_path)
    yield made
    await made.stop()


def risen(now: list[Sample], before: list[Sample]) -> set[str]:
    """Which alarms are about to fire."""
    return {rule["alert"] for rule in rules() if holds(rule["expr"], now, before)}


def names(samples: list[Sample]) -> set[str]:
    """Which metrics there are, as the runbook names them."""
    found = {re.sub(r"_(bucket|count|sum|created)$", "", one.name) for one in samples}
    return {name for name in found if not name.startswith("http_server_active")}


async def test_metrics_are_those_of_the_runbook_and_alarms_rise_and_fall(network: Network) -> None:
    where = with_metrics(network)
    await network.start()
    await network.load_sample()
    posted = await network.refer("watched")
    await network.told(posted.json()["id"], STORY)
    await network.quiet()

    async def complete() -> bool:
        samples, _ = await scrape(where.values())
        return names(samples) >= NAMED

    await until(complete, deadline=60, what="every metric that the runbook names")
    calm, text = await scrape(where.values())
    assert names(calm) == NAMED
    for name, labels in asked_of_metrics():
        there = [{label for label, _ in s.labels} for s in calm if s.name == name]
        assert any(labels <= each for each in there), f"the dashboard: {name} {labels}"
    assert risen(calm, calm) == set()
    assert posted.json()["id"] not in text
    value = {(s.name, s.labels): s.value for s in calm}
    assert value["hub_referrals", (("service_name", "referral"), ("state", "allocated"))] == 1
    assert value["hub_cases", (("service_name", "allocation"), ("which", "unaccepted"))] == 1

    async def until_risen(alarm: str) -> set[str]:
        async def there() -> set[str]:
            samples, _ = await scrape(where.values())
            found = risen(samples, calm)
            return found if alarm in found else set()

        return set(await until(there, deadline=60, what=alarm) or ())

    # A dead letter: an event of a type that is handled, and that nobody can read.
    broken = json.loads(a_mark().body())
    broken |= {"id": new_id("evt"), "type": "referral.received"}
    await network.publish(json.dumps(broken).encode(), types=["referral.received"])
    assert "DeadLetter" in await until_risen("DeadLetter")

    # Somebody changes what was sealed: nothing is signed any more.
    sealed = network.mongo_of("audit")["checkpoints"]
    await sealed.update_many({}, {"$set": {"root": bytes(32)}})
    await network.refer("it grows")
    await until_risen("TrailFault")
    await network.refer("not sealed")
    await until_risen("TrailNotSealed")

    # One service says nothing any more.
    await network.modules["notify"].stop()
    del where["notify"]
    assert "ServiceSilent" in await until_risen("ServiceSilent")


async def test_what_a_service_needs_is_seen_to_be_away_and_what_waits_grows_old(
    network: Network,
) -> None:
    async with Proxy(network.broker.url).running() as broker:
        where = with_metrics(network, AMQP_URL=broker.url)
        await network.start()
        await network.load_sample()
        await network.quiet()
        calm, _ = await scrape(where.values())
        assert risen(calm, calm) == set()
        broker.hole()
        broker.reset_all()

        async def seen() -> bool:
            samples, _ = await scrape(where.values())
            return "BrokerAway" in risen(samples, calm)

        await until(seen, deadline=60, what="BrokerAway")
        taken = await network.refer("while the broker is away")
        assert taken.status_code == 201

        async def old() -> bool:
            samples, _ = await scrape([where["referral"]])
            return max(values(samples, "hub_outbox_age_seconds")) > 2

        await until(old, deadline=30, what="an event that waits")
        broker.heal()

        async def well() -> bool:
            samples, _ = await scrape(where.values())
            return not risen(samples, calm) and not any(values(samples, "hub_outbox_age_seconds"))

        await until(well, deadline=60, what="the end of the alarms")
