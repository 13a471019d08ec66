"""Random lives of children who are alike. `LIVES=300` lives so many, `SEED=…` the same ones again."""

import os
import time
from collections import Counter

from tests.conftest import SEED
from tests.harness.lives import living
from tests.harness.mongo import Mongo

LIVES = int(os.environ.get("LIVES", "3"))
FIRST = int(os.environ.get("FIRST", "0"))
STEPS = int(os.environ.get("STEPS", "25"))


async def test_no_word_said_of_one_child_opens_the_record_of_another(
    mongo: Mongo, prefix: str
) -> None:
    total: Counter[str] = Counter()
    began = time.monotonic()
    for number in range(FIRST, FIRST + LIVES):
        name = f"test_{prefix.strip('.')}_{number}"
        async with living(mongo.url, name, f"{SEED}/{number}") as life:
            for step in range(STEPS):
                await life.step()
                if step % 5 == 4:
                    await life.hold()
            await life.sort_out()
        total += life.counts
    print(f"seed {SEED}, {LIVES} lives, {time.monotonic() - began:.0f} s: {dict(total)}")
    assert total["permitted"]
