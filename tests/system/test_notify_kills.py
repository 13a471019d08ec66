"""Two replicas of notify, killed at random: every notification ends once, every attempt has its row.

A short while in `make test`; ten minutes with `make endurance` (KILLS=600).
"""

import asyncio
import os
import random
import time
from collections import Counter
from typing import Any

import aio_pika
import pytest
from pymongo import AsyncMongoClient

from allinone import sample
from shared.messaging.topology import QUEUES
from tests.harness.broker import Broker
from tests.harness.buses import raw
from tests.harness.hostile import Hostile
from tests.harness.mongo import Mongo
from tests.harness.network import Network, running
from tests.harness.processes import Module
from tests.harness.publisher import Publisher, publishing
from tests.harness.receiver import receiving_as
from tests.harness.waiting import until
from tests.service.notifying import consent, event_of, referral, terms

SECONDS = float(os.environ.get("KILLS", "8"))
SETTINGS = {"DELIVERY_LEASE": "3", "DELIVERY_BACKOFF": "[0.3, 0.6, 1.2, 2.4, 5, 5, 5, 5]"}
AREA = "northtown"
BACKLOG = 60
LEAST = 3


async def test_two_replicas_killed_at_random_end_every_notification_once(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("kills")
    async with running(broker, mongo, folder, ["notify", "audit"]) as network:
        first = await network.replace("notify", **SETTINGS)
        replicas = [first, network.module("notify", **SETTINGS)]
        await replicas[1].start_ready()
        async with receiving_as(Flaky) as receiver, publishing(network) as bus:
            try:
                await known(network, bus, receiver)
                told, kills = await refer_while_killing(network, bus, replicas)
                for replica in replicas:
                    if not replica.running:
                        await replica.start_ready()
                parked = await replayed(network)
                await over(network, told)
            finally:
                await replicas[1].stop()
            await network.quiet()
        notifications, rows, events = await found(network, told)

    print(f"{parked} parked by the broker after 20 deaths of their consumer, and replayed")
    print(f"{told} referrals, {kills} kills, {len(rows)} rows, {len(receiver.calls)} calls")
    assert kills >= LEAST
    ends = Counter(e["data"]["notification_id"] for e in events if e["type"] in FINAL)
    webhooks = [n for n in notifications if n["webhook"]]
    assert len(webhooks) == 2 * told
    assert ends == {n["_id"]: 1 for n in webhooks}, "exactly one end each"
    assert Counter(n["webhook"]["status"] for n in webhooks) == {"delivered": 2 * told}
    began = Counter(row["notification_id"] for row in rows if row["step"] == "began")
    calls = Counter(call.headers["webhook-id"] for call in receiver.calls)
    assert set(calls) == {n["_id"] for n in webhooks}
    assert all(calls[name] <= began[name] for name in calls), "no call without its row"
    pairs = {(r["notification_id"], r["number"]) for r in rows if r["step"] == "ended"}
    assert pairs <= {(r["notification_id"], r["number"]) for r in rows if r["step"] == "began"}


class Flaky(Hostile):
    """Answers 500 to one call in five."""

    async def answer(self, request: Any) -> Any:
        from aiohttp import web

        return web.Response(status=500 if random.random() < 0.2 else 204)


FINAL = ("notification.delivered", "notification.failed", "notification.withheld")


async def known(network: Network, bus: Publisher, receiver: Flaky) -> None:
    """A Hub, a school that refers, the police as its partner, and webhooks of both."""
    parties = (sample.HUB, sample.SCHOOL, sample.POLICE)
    await bus.publish(
        event_of(
            "hub.registered", sample.HUB, 1, hub_id=sample.HUB, areas=(AREA,), spoke_ceiling="mild"
        ),
        *(
            event_of("agency.registered", a, 1, agency_id=a, kind="6", areas=(AREA,))
            for a in parties[1:]
        ),
        event_of(
            "agreement.signed",
            "isa_1",
            1,
            agreement_id="isa_1",
            terms=terms(parties=parties, signed_by=parties, effective_to="2100-01-01T00:00:00Z"),
            review_at="2100-01-01T00:00:00Z",
            party=sample.HUB,
        ),
        event_of(
            "consent.recorded",
            "sub_1",
            1,
            subject_id="sub_1",
            referral_id="ref_0",
            referral_ids=(),
            sharing={"consents": (consent(),), "age_band": "16_to_17"},
            consent=consent(),
        ),
    )
    for person, agency_id in (("school", sample.SCHOOL), ("police", sample.POLICE)):
        entry = {"url": receiver.at(person), "kinds": ["concern_in_your_area"], "areas": [AREA]}
        await network.ask(person, "PUT", f"/v1/subscriptions/{agency_id}", json=entry)
    await until(lambda: len(receiver.challenges) >= 2, deadline=30, what="the challenges")
    await network.quiet()


async def refer_while_killing(
    network: Network, bus: Publisher, replicas: list[Module]
) -> tuple[int, int]:
    """Referrals keep coming while one replica after the other dies. Returns how many of each.

    They come no faster than the store of this machine can take them: it is not speed that is tested.
    """
    ends, told, kills = time.monotonic() + SECONDS, 0, 0
    next_kill = time.monotonic() + 1
    # On a slow machine a start takes long: a short run goes on until there were kills enough.
    while time.monotonic() < ends or (kills < LEAST and time.monotonic() < ends + 60):
        if sum(await left(network, told)) < BACKLOG:
            name = f"ref_{told}"
            changes = {"subject_version": 1, "agency_id": sample.SCHOOL, "area": AREA}
            await bus.publish(event_of("referral.received", name, 1, **referral(name, **changes)))
            told += 1
        if time.monotonic() > next_kill:
            victim = random.choice(replicas)
            if victim.running:
                victim.kill()
                kills += 1
            else:
                await victim.start_ready()
            next_kill = time.monotonic() + random.uniform(0.5, 4)
        await asyncio.sleep(0.3)
    return told, kills


async def replayed(network: Network) -> int:
    """What the broker has parked because its consumer died twenty times over it is given back, as
    an operator would. Returns how many there were."""
    count = 0
    async with await raw(network.broker.url) as connection, connection.channel() as channel:
        for name in (network.prefix + q for q in QUEUES if q.startswith("notify.")):
            dead = await channel.get_queue(f"{name}.dead", ensure=False)
            while (message := await dead.get(fail=False)) is not None:
                again = aio_pika.Message(
                    message.body,
                    message_id=message.message_id,
                    type=message.type,
                    correlation_id=message.correlation_id,
                    delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
                )
                await channel.default_exchange.publish(again, name)
                await message.ack()
                count += 1
    return count


async def over(network: Network, told: int) -> None:
    """Until nothing waits any more."""

    async def none_left() -> bool:
        counts = await left(network, told)
        print("waiting, not made yet:", counts)
        await asyncio.sleep(0.5)  # counting is work for the store too
        return counts == (0, 0)

    await until(none_left, deadline=240, what="every delivery being over")


async def left(network: Network, told: int) -> tuple[int, int]:
    """How many wait for their delivery, and how many are not even made."""
    async with AsyncMongoClient[dict[str, Any]](network.mongo.url) as client:
        stored = client[network.database("notify")]["notifications"]
        waiting = await stored.count_documents({"webhook_due": {"$exists": True}})
        about_referrals = {"kind": {"$in": ["referral_received", "concern_in_your_area"]}}
        return waiting, 2 * told - await stored.count_documents(about_referrals)


async def found(network: Network, told: int) -> tuple[list[Any], list[Any], list[Any]]:
    """All notifications to agencies, all attempt rows, and all of the referrals' events."""
    async with AsyncMongoClient[dict[str, Any]](network.mongo.url) as client:
        database = client[network.database("notify")]
        notifications = [
            n async for n in database["notifications"].find({"recipient_kind": "agency"})
        ]
        rows = [row async for row in database["attempts"].find({})]
    events = [e for n in range(told) for e in await network.trail(f"ref_{n}")]
    return notifications, rows, events
