"""Marks as allocation knows them: late and doubled events end in the same state."""

import random

import pytest

from services.allocation.safety.marks import Marks
from shared.storage.store import Database
from tests.harness.room import a_mark

STATES = [
    ("worker:wk_1",),
    ("agency:ag_1", "worker:wk_1"),
    (),
    ("account:usr_1",),
    ("agency:ag_1",),
]


@pytest.mark.parametrize("seed", range(12))
async def test_the_newest_event_counts_in_whatever_order_they_come(
    database: Database, seed: int
) -> None:
    marks = Marks(database["known_marks"])
    await marks.prepare()
    told = [a_mark("sub_1", *names, version=2 + n) for n, names in enumerate(STATES)]
    told += random.Random(seed).choices(told, k=4)
    random.Random(seed).shuffle(told)

    for event in told:
        await marks.keep(event)

    assert await marks.unsafe_for("sub_1") == STATES[-1]
    assert await marks.subjects_of(["agency:ag_1"]) == ["sub_1"]
    assert await marks.subjects_of(["worker:wk_1", "account:usr_1"]) == []
    assert await marks.unsafe_for("sub_2") == ()
