"""One event to many endpoints, by replicas that are processes: one of them dies half-way.

A hundred endpoints in `make test`, a thousand with `make endurance` (SCALE=1).
"""

import time
from collections import Counter
from pathlib import Path

import pytest

from shared.clock import now
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import running
from tests.harness.processes import Module
from tests.harness.publisher import publishing
from tests.harness.receiver import receiving
from tests.harness.waiting import until
from tests.service.notifying import (
    SCALE,
    Hands,
    Told,
    consent,
    event_of,
    referral,
    settled,
    stores_on,
)

MANY = int(1000 * SCALE)
SETTINGS = {"DELIVERY_LEASE": "3", "RELAY_LEASE": "1"}
# At most that much is under way in one replica (`AT_ONCE`, `AT_ONCE_FAILING`) as it dies.
UNDER_WAY = 108
MAY_GROW = 64 * 1024  # kB; a thousand notifications whole are a few thousand


async def test_many_endpoints_all_hear_one_event_though_a_replica_dies_half_way(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("scale")
    names = [f"ag_{number:04}" for number in range(MANY)]
    async with running(broker, mongo, folder, ["notify"]) as network, receiving() as receiver:
        told = Told(stores_on(network.mongo_of("notify"), now), Hands(now()))
        await told.network(*names)
        await told.says(consent())
        for name in names:
            await told.subscribed(name, url=receiver.at(name))
        doomed = await network.replace("notify", **SETTINGS)
        before = memory(doomed, "VmRSS")

        async with publishing(network) as bus:
            started = time.monotonic()
            await bus.publish(event_of("referral.received", "ref_1", 1, **referral()))
            await until(lambda: len(receiver.calls) > 0.4 * MANY, deadline=120, what="half of them")
            grown = memory(doomed, "VmHWM") - before
            doomed.kill()
            heard = len(receiver.calls)
            survivor = network.module("notify", **SETTINGS)
            network.modules["notify"] = survivor
            await survivor.start_ready()
            concerns = {"kind": "concern_in_your_area"}

            async def all_made() -> bool:
                stored = told.stores.notifications.collection
                return await stored.count_documents(concerns) == MANY

            await until(all_made, deadline=300, what="every notification being made")
            found = await settled(told, deadline=300, **concerns)
        print(f"{heard} of {MANY} before the death; {time.monotonic() - started:.1f} s in all")
        print(f"grown by {grown / 1024:.1f} MB")

    assert {n.status for n in found} == {"delivered"}
    assert len({n.recipient for n in found}) == len(found) == MANY
    calls = Counter(call.headers["webhook-id"] for call in receiver.calls)
    assert set(calls) == {n.id for n in found}, "none is lost"
    assert calls.total() - MANY <= UNDER_WAY, "twice is only what was under way at its death"
    assert grown < MAY_GROW


def memory(process: Module, name: str) -> int:
    """Kilobytes (Linux, proc_pid_status(5))."""
    lines = Path(f"/proc/{process.pid}/status").read_text("ascii").splitlines()
    (line,) = [line for line in lines if line.startswith(f"{name}:")]
    return int(line.split()[1])
