"""Many allocation processes at once, and killed: caps hold, nobody is lost, nobody has two workers.

`make test` runs it small; `make test-allocation-load` with 8 processes, 2,000 referrals and 60
workers, once in peace and once with kills. The seed is in
the first line; caps are checked on every event and by reading all along.
"""

import asyncio
import os
import random
from pathlib import Path

import pytest

from tests.conftest import SEED
from tests.harness.allocators import allocators, aside, check
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo

PROCESSES = int(os.environ.get("ALLOCATORS", "3"))
REFERRALS = int(os.environ.get("REFERRALS", "150"))
WORKERS = int(os.environ.get("WORKERS", "12"))
# Points; demand is about 2 per referral, a child counted once, so some must wait.
CAP = max(10, 2 * REFERRALS // WORKERS)


# Seconds between two kills; 0 is a run without any.
KILL_EVERY = [float(every) for every in os.environ.get("KILL_EVERY", "2").split(",")]


@pytest.mark.parametrize("kill_every", KILL_EVERY)
async def test_no_interleaving_breaks_a_cap_or_loses_a_referral(
    broker: Broker, mongo: Mongo, prefix: str, tmp_path: Path, kill_every: float
) -> None:
    random_ = random.Random(SEED)
    async with allocators(broker, mongo, prefix, tmp_path, PROCESSES) as running:
        await running.staff(WORKERS, CAP, random_)
        started = asyncio.get_running_loop().time()
        async with aside(running.look_at_caps()):
            referrals = await running.refer(REFERRALS, random_)
            if kill_every:
                async with aside(running.kill_now_and_then(random_, kill_every)):
                    await running.decided(REFERRALS, deadline=120 + REFERRALS)
                await running.all_up()
            await running.quiet(REFERRALS, deadline=120 + REFERRALS)
        took = asyncio.get_running_loop().time() - started

        states = await check(running.stores, referrals)

        print(
            f"\n{REFERRALS} referrals, {PROCESSES} processes, {running.kills} kills: {took:.1f} s"
        )
        assert running.watch.breaches == []
        assert running.watch.gaps() == {}, "an event was lost"
        assert states["waiting"], "nobody had to wait: the caps were not tried"
        assert states["offered"], "nobody got a worker"
        assert bool(running.kills) == bool(kill_every)
