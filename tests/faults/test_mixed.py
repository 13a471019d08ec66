"""Mixed faults, by a seed, while people refer; at the end the books balance.

A short while in `make test`; FAULTS_FOR seconds with `make test-faults`.
"""

import asyncio
import os
import random
import time
from collections import Counter

import pytest

from allinone import sample
from shared.messaging.topology import QUEUES
from tests.conftest import SEED
from tests.faults.balance import balance
from tests.faults.load import Load
from tests.faults.mishaps import Mishaps
from tests.faults.stage import Stage, stage
from tests.harness.buses import depths
from tests.harness.receiver import Receiver, receiving
from tests.harness.waiting import PATIENCE, until
from tests.system.notifying import verified

SECONDS = float(os.environ.get("FAULTS_FOR", "25"))
LONG = SECONDS > 120
PEOPLE = 6


async def test_the_books_balance_after_mixed_faults(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("faults")
    random_ = random.Random(SEED)
    async with stage(folder) as network, receiving() as receiver:
        await _webhook(network, receiver)
        load, mishaps = Load(network, random_), Mishaps(network, random_, disks=LONG)
        working = asyncio.create_task(load.run(PEOPLE))
        breaking = [
            asyncio.create_task(mishaps.kill_services(10 if LONG else 4)),
            asyncio.create_task(mishaps.watch()),
            asyncio.create_task(mishaps.break_things(8 if LONG else 1.5)),
        ]
        ends = time.monotonic() + SECONDS
        try:
            while time.monotonic() < ends:
                await asyncio.sleep(1)  # it goes on for so long
                for task in (working, *breaking):
                    assert not task.done() or task.result(), "it ended by itself"
        finally:
            for task in breaking:
                task.cancel()
            await asyncio.wait(breaking)
        await mishaps.heal()
        load.stop.set()
        await working
        healed = time.monotonic()
        parked = await _over(network, mishaps)
        drained = time.monotonic() - healed
        counted = await balance(network, load.history, receiver)
    print(f"seed {SEED}: {SECONDS:.0f} s of faults, over after {drained:.0f} s")
    print({**mishaps.counted}, {**counted}, f"parked by the broker, replayed: {parked}")


async def _webhook(network: Stage, receiver: Receiver) -> None:
    path = f"/v1/subscriptions/{sample.SCHOOL}"
    answer = await network.ask("school", "PUT", path, json={"url": receiver.url})
    assert answer.status_code == 200, answer.text
    await verified(network, "school", sample.SCHOOL)


async def _over(network: Stage, mishaps: Mishaps) -> int:
    """Until nothing is on its way any more, and nothing that was lost is still asked for. What the
    broker parked because its consumer died twenty times over it is given back, as an operator would."""
    lost = mishaps.counted["broker's disk lost"]
    trail = network.mongo_of("audit")
    parked = 0

    async def over() -> bool:
        nonlocal parked
        parked += await _replayed(network, cause_lost=bool(lost))
        if await network._pending():
            return False
        asked = await trail["asked_again"].count_documents({})
        lacking = await trail["losses"].find_one({"event_ids.0": {"$exists": True}})
        waiting = await network.mongo_of("notify")["notifications"].find_one(
            {"webhook_due": {"$exists": True}}
        )
        return not lacking and not waiting and (asked >= 1 or not lost)

    await until(over, deadline=(900 if LONG else 240) / PATIENCE, what="all being over")
    await network.quiet()
    return parked


async def _replayed(network: Stage, *, cause_lost: bool) -> int:
    """What the broker parked; and what waited in vain for a cause that went with a broker's disk."""
    from shared.messaging.rabbit import RabbitBus

    dead = [f"{network.prefix}{queue}.dead" for queue in QUEUES]
    if not any((await depths(network.node.url, dead)).values()):
        return 0

    async def probe() -> None:
        return None

    bus = RabbitBus(network.node.url, "operator", probe, network.topology)
    letters = await bus.dead_letters()
    reasons = Counter(letter.reason for letter in letters)
    unexplained = [
        reason
        for reason in reasons
        if not reason.startswith("broker:") and not (cause_lost and reason == "NotFound")
    ]
    print(f"parked: {reasons}, {Counter(letter.type for letter in letters)}")
    assert not unexplained, f"parked: {reasons}"
    return sum([await bus.replay(letter.message_id) for letter in letters])
