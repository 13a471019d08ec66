"""What happens because time has passed happens once, soon, and also after a failure or a death."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest_asyncio

from shared.clock import now
from shared.messaging.relay import Relay
from shared.storage.records import Change, New, changed
from shared.storage.store import Database, Store
from shared.storage.timers import run_out
from shared.storage.wake import LONGEST
from tests.harness.things import SOMEONE, Thing, ThingChanged, ThingMade
from tests.harness.waiting import PATIENCE, stopped, until
from tests.service.conftest import SilentBus

RING = "ring_due"
LEASE = 1.0


def rang(thing: Thing) -> Change[Thing]:
    """The rule of the timer: it stops."""
    return changed(thing, ThingChanged(), due={RING: None}, count=thing.count + 1)


@pytest_asyncio.fixture
async def replicas(database: Database) -> list[Store[Thing]]:
    """The same things, as three processes see them."""
    made = [Store(database["things"], Thing, Relay("test", SilentBus())) for _ in range(3)]
    await made[0].prepare(timers=[RING])
    return made


@contextlib.asynccontextmanager
async def looked_after(
    stores: list[Store[Thing]], then: Callable[[Store[Thing], Thing], Awaitable[object]]
) -> AsyncIterator[None]:
    """Each replica's loop runs within the block."""

    def bound(store: Store[Thing]) -> Callable[[Thing], Awaitable[object]]:
        return lambda thing: then(store, thing)

    loops = [
        asyncio.create_task(run_out(store, RING, bound(store), lease=LEASE, at_once=4))
        for store in stores
    ]
    try:
        yield
        assert not any(loop.done() for loop in loops), "a loop came to an end by itself"
    finally:
        await stopped(*loops, what="the loop")


async def ring(store: Store[Thing], thing: Thing) -> None:
    await store.change(thing.id, rang, by=SOMEONE)


def things(count: int) -> list[New[Thing]]:
    """New things whose timers have run out."""
    return [New(Thing(id=f"thing_{n}"), (ThingMade(),), {RING: now()}) for n in range(count)]


async def have_rung(database: Database, count: int) -> None:
    """Returns once so many have, however often."""

    async def all_of_them() -> bool:
        return await database["things"].count_documents({"count": {"$gt": 0}}) == count

    await until(all_of_them, deadline=LEASE + 4 * LONGEST)


async def counts(database: Database) -> Counter[int]:
    return Counter([thing["count"] async for thing in database["things"].find({})])


async def test_every_timer_fires_once_however_many_replicas_look_after_it(
    database: Database, replicas: list[Store[Thing]]
) -> None:
    async with looked_after(replicas, ring):
        await replicas[0].add_many(things(30), by=SOMEONE)
        await have_rung(database, 30)

    assert await counts(database) == {1: 30}


async def test_what_failed_is_done_again_after_the_lease_and_holds_up_nothing_else(
    database: Database, replicas: list[Store[Thing]]
) -> None:
    tried: Counter[str] = Counter()

    async def fail_first(store: Store[Thing], thing: Thing) -> None:
        tried[thing.id] += 1
        if thing.id == "thing_0" and tried[thing.id] < 2:
            raise RuntimeError
        await ring(store, thing)

    async with looked_after(replicas[:1], fail_first):
        await replicas[0].add_many(things(5), by=SOMEONE)
        await have_rung(database, 5)

    assert tried == {"thing_0": 2, **{f"thing_{n}": 1 for n in range(1, 5)}}


async def test_what_a_dead_process_had_claimed_another_does_after_the_lease(
    database: Database, replicas: list[Store[Thing]]
) -> None:
    claimed = asyncio.Event()

    async def never_done(_: Store[Thing], __: Thing) -> None:
        claimed.set()
        await asyncio.Event().wait()

    async with looked_after(replicas[:1], never_done):
        await replicas[0].add_many(things(1), by=SOMEONE)
        await asyncio.wait_for(claimed.wait(), 5 * PATIENCE)
    async with looked_after(replicas[1:], ring):
        await have_rung(database, 1)

    assert await counts(database) == {1: 1}


async def test_a_timer_that_this_process_sets_fires_on_time_after_a_long_rest(
    replicas: list[Store[Thing]],
) -> None:
    fired: asyncio.Queue[float] = asyncio.Queue()

    async def note(store: Store[Thing], thing: Thing) -> None:
        await ring(store, thing)
        fired.put_nowait(time.monotonic())

    store = replicas[0]
    await store.add(Thing(id="thing_0"), ThingMade(), by=SOMEONE)
    async with looked_after([store], note):
        await asyncio.sleep(2 * LONGEST)  # until the pause has grown
        set_at = time.monotonic()
        due = {RING: now() + timedelta(seconds=0.3)}
        await store.change("thing_0", lambda t: changed(t, ThingChanged(), due=due), by=SOMEONE)
        fired_at = await asyncio.wait_for(fired.get(), 2 * LONGEST)

    assert fired_at - set_at < 0.3 * LONGEST * PATIENCE
