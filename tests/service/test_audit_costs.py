"""What the trail asks of its store: little for an append, little for a checkpoint, nothing while idle."""

import asyncio
import contextlib
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent
from pymongo.monitoring import CommandSucceededEvent as Succeeded

from services.audit.log import signer as signing
from services.audit.log.edge import Edge
from services.audit.log.tree import leaf_hash
from services.audit.log.writes import recorded_at
from shared.clock import now
from shared.operating.cancellation import raise_if_cancelled
from shared.storage.store import Database
from tests.harness.cases import at_once
from tests.harness.mongo import Mongo
from tests.harness.trails import OneTrail, a_trail, body, writer
from tests.harness.waiting import stopped, until
from tests.service.test_audit_complete import tally


class Commands(CommandListener):
    """The commands that a client sent, by name."""

    def __init__(self) -> None:
        self.sent: Counter[str] = Counter()
        self.slowest = 0.0

    def started(self, event: CommandStartedEvent) -> None:
        self.sent[event.command_name] += 1

    def succeeded(self, event: Succeeded) -> None:
        self.slowest = max(self.slowest, event.duration_micros / 1e6)

    def failed(self, _: CommandFailedEvent) -> None:
        """Nothing to count."""


@contextlib.asynccontextmanager
async def counted(mongo: Mongo, database: Database) -> AsyncIterator[tuple[OneTrail, Commands]]:
    """A prepared trail of three sealed entries on a client of its own, and what it asks from then on."""
    commands = Commands()
    async with AsyncMongoClient[dict[str, Any]](
        mongo.url, tz_aware=True, event_listeners=[commands]
    ) as client:
        trail = writer(client[database.name])
        await trail.parts.prepare()
        await trail.grow(0, 3)
        await trail.sign()
        commands.sent.clear()
        yield trail, commands


@contextlib.asynccontextmanager
async def in_the_background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Work that goes on meanwhile and ends with this."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        await stopped(task, what="the work in the background")


def signer_of(trail: OneTrail) -> contextlib.AbstractAsyncContextManager[None]:
    """The signer's loop, as the service runs it."""
    return in_the_background(trail.parts.signer.run(lambda: trail.parts.sequencer.writing))


async def test_a_batch_is_two_writes_whatever_its_size(mongo: Mongo, database: Database) -> None:
    async with counted(mongo, database) as (trail, commands):
        await trail.append(*(body(n) for n in range(3, 103)))

        assert commands.sent == {"insert": 1, "update": 1}


async def test_a_checkpoint_is_three_reads_and_a_write(mongo: Mongo, database: Database) -> None:
    async with counted(mongo, database) as (trail, commands):
        await trail.append(body(3))
        commands.sent.clear()
        await trail.parts.signer.sign()

        assert commands.sent == {"find": 3, "insert": 1}


async def test_while_nothing_grows_signer_and_self_check_ask_nothing(
    mongo: Mongo, database: Database
) -> None:
    async with counted(mongo, database) as (trail, commands):
        check, ring = trail.parts.check, trail.parts.ring
        async with in_the_background(check.run(ring.trusted, _nothing)), signer_of(trail):
            await until(lambda: check.finished, deadline=20, what="a first pass")
            await asyncio.sleep(signing.EVERY + 1)  # what was told before is dealt with
            commands.sent.clear()
            await asyncio.sleep(3)

            assert not commands.sent


async def test_a_look_for_what_lacks_costs_the_same_however_long_the_trail_is(
    mongo: Mongo, database: Database
) -> None:
    """It begins at the last tally that it has seen."""
    async with counted(mongo, database) as (trail, commands):
        looked = trail.parts.complete
        looked._clock = lambda: now() + timedelta(minutes=1)
        costs = []
        for size in (10, 600):
            await trail.grow((await trail.parts.trail.state())["size"], size)
            await trail.append(tally(20_000 + size))
            await looked.look()  # what is new
            await trail.append(body(10_000 + size))
            commands.sent.clear()
            await looked.look()
            costs.append(dict(commands.sent))

        assert costs[0] == costs[1]
        assert sum(costs[0].values()) <= 12, costs


async def _nothing(_: object) -> None:
    return None


async def test_appends_that_follow_each_other_without_pause_are_sealed_within_two_seconds(
    mongo: Mongo, database: Database
) -> None:
    """The signer never waits for the writer to be idle. Each entry is held against the checkpoint that
    sealed it, by the log's own clock; to the two seconds comes what this machine is seen to lose."""
    async with counted(mongo, database) as (trail, commands), slowness(commands) as slow:
        since = (await trail.parts.trail.state())["size"]
        async with in_the_background(_append_for_ever(trail)), signer_of(trail):
            sealed = since
            for _ in range(ROUNDS):
                sealed = await _next_sealed(trail, sealed)

        waits = await waited(trail, since)
        assert len(waits) > 4 * ROUNDS, "appends went on all the while"
        assert max(waits) <= SEALED_WITHIN + slow.seconds(), (max(waits), slow.seconds())


SEALED_WITHIN, ROUNDS = 2.0, 5


@dataclass
class Slowness:
    """How late this process was at its worst, and how long the store took for one command."""

    commands: Commands
    late: float = 0.0

    def seconds(self) -> float:
        """What a checkpoint may take longer for it: two sleeps, three reads and an insert."""
        return 3 * self.late + 4 * self.commands.slowest


@contextlib.asynccontextmanager
async def slowness(commands: Commands) -> AsyncIterator[Slowness]:
    """Measured from now on, beside whatever is done."""
    found, loop = Slowness(commands), asyncio.get_running_loop()

    async def tick() -> None:
        while True:
            raise_if_cancelled()
            before = loop.time()
            await asyncio.sleep(0.05)
            found.late = max(found.late, loop.time() - before - 0.05)

    async with in_the_background(tick()):
        yield found


async def waited(trail: OneTrail, since: int) -> list[float]:
    """Seconds that each sealed entry from `since` on waited for its checkpoint."""
    found = trail.database["checkpoints"].find({"_id": {"$gt": since}}).sort("_id", 1)
    checkpoints = [(d["_id"], d["at"]) async for d in found]
    entries = trail.parts.trail.scan({}, checkpoints[-1][0], start=since)
    recorded = {d["seq"]: recorded_at(d) async for d in entries}
    sizes = [since, *(size for size, _ in checkpoints)]
    return [
        (at - recorded[seq]).total_seconds()
        for before, (size, at) in zip(sizes, checkpoints, strict=False)
        for seq in range(before, size)
    ]


async def test_what_a_writer_before_left_unsealed_is_sealed_at_once_after_a_restart(
    database: Database,
) -> None:
    async with a_trail(database, 3) as before:
        await before.append(body(3), body(4))
        after = writer(database, same=before)
        async with signer_of(after):
            await after.parts.sequencer.last_read()

            assert await _next_sealed(after, 3) == 5
        assert after.parts.trail.unsealed.seconds() == 0


async def test_entries_that_nobody_seals_are_told_of_by_their_age(database: Database) -> None:
    async with a_trail(database, 3) as trail:
        unsealed = trail.parts.trail.unsealed
        assert unsealed.seconds() == 0
        await trail.append(body(3))
        await until(lambda: unsealed.seconds() > 1, what="an entry a second old")
        await trail.append(body(4))
        assert unsealed.seconds() > 1, "of the oldest"

        await trail.sign()
        assert unsealed.seconds() == 0


async def _append_for_ever(trail: OneTrail) -> None:
    for number in itertools.count(3, 5):
        raise_if_cancelled()  # on Python 3.11 the driver may swallow it
        await trail.append(*(body(n) for n in range(number, number + 5)))


async def _next_sealed(trail: OneTrail, before: int) -> int:
    async def larger() -> int:
        newest = await trail.parts.trail.newest()
        return newest.size if newest and newest.size > before else 0

    return await until(larger, deadline=20, what="the next checkpoint")


async def test_a_burst_is_sealed_by_one_checkpoint(database: Database) -> None:
    async with a_trail(database, 3) as trail, signer_of(trail):
        await _next_sealed(trail, 2)
        await asyncio.sleep(signing.EVERY + 1)
        for number in range(3, 9):
            await trail.append(body(number))

        assert await _next_sealed(trail, 3) == 9


async def test_what_could_not_be_sealed_for_an_outage_is_sealed_without_further_growth(
    database: Database,
) -> None:
    async with a_trail(database, 3) as trail:
        await trail.append(body(3))
        states = trail.parts.trail.states
        async with AsyncMongoClient[dict[str, Any]](
            "mongodb://127.0.0.1:1", serverSelectionTimeoutMS=100
        ) as away:
            trail.parts.trail.states = away["none"]["state"]
            async with in_the_background(_begun_again(trail)):
                await asyncio.sleep(1.5)  # the first attempt has failed
                trail.parts.trail.states = states

                assert await _next_sealed(trail, 3) == 4


async def _begun_again(trail: OneTrail) -> None:
    """The loop begins again when it fails, as the runner does it."""
    while True:
        raise_if_cancelled()
        with contextlib.suppress(Exception):
            await trail.parts.signer.run(lambda: True)
        await asyncio.sleep(0.1)


async def test_two_edges_at_once_are_those_of_the_entries(database: Database) -> None:
    """Near each other or far apart, within a tile or over its border."""
    async with a_trail(database, 520) as trail:
        hashes = [leaf_hash(bytes(d["leaf"])) async for d in trail.parts.trail.scan({}, 520)]

        def told(edge: Edge) -> tuple[int, bytes, list[bytes]]:
            return edge.size, edge.root(), [h for level in edge.levels for h in level]

        def grown(size: int) -> Edge:
            edge = Edge()
            edge.push(hashes[:size])
            return edge

        async def check(first: int, second: int) -> None:
            edges = await trail.parts.trail.tree.edges(first, second)
            for edge, size in zip(edges, (first, second), strict=True):
                assert told(edge) == told(grown(size))

        sizes = (0, 1, 255, 256, 257, 300, 511, 512, 513, 520)
        seconds = {first: (first, first + 1, 256, 512, 513, 520) for first in sizes}
        await at_once(
            check, [(a, b) for a in sizes for b in sorted(set(seconds[a])) if a <= b <= 520]
        )


async def test_growth_told_while_this_process_is_not_known_to_write_is_sealed_once_it_is(
    database: Database,
) -> None:
    async with a_trail(database, 3) as trail:
        writing = {"now": False}
        await trail.append(body(3))
        async with in_the_background(trail.parts.signer.run(lambda: writing["now"])):
            await asyncio.sleep(1.5)  # the first rounds have passed
            writing["now"] = True

            assert await _next_sealed(trail, 3) == 4


async def test_a_writer_that_renews_its_lease_is_the_writer_all_the_while(
    database: Database,
) -> None:
    trail = writer(database, lease=0.3)
    await trail.parts.prepare()
    await trail.append(body(1))
    loop = asyncio.get_running_loop()
    async with in_the_background(trail.parts.sequencer.renew_lease()):
        end = loop.time() + 2
        while loop.time() < end:
            await asyncio.sleep(0)
            assert trail.parts.sequencer.writing
