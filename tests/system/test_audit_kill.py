"""kill -9 of the audit service, or of its store, at any step: nothing lost, doubled or out of order.

On a real RabbitMQ stream. After each crash everything published is in the trail once, in order,
and an auditor's verifier, with a checkpoint kept from before, agrees.
"""

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from shared.ids import new_id
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import Network, running
from tests.harness.proxy import Proxy
from tests.harness.trails import OneTrail, body, verify, writer
from tests.harness.waiting import until

BATCH = 300
_numbers = count(1_000)


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    """The audit service alone."""
    async with running(broker, mongo, tmp_path_factory.mktemp("audit"), ["audit"]) as one:
        yield one


async def size_of(network: Network) -> int:
    state = await network.mongo_of("audit")["state"].find_one({})
    return int(state["size"]) if state else 0


def some(number: int = BATCH) -> list[bytes]:
    return [body(next(_numbers)) for _ in range(number)]


async def everything_is_there_once(
    network: Network, expected: int, tmp_path: Path, kept: str | None = None
) -> None:
    """All that was published is in order and sealed, and the verifier agrees with what was kept."""
    await network.sealed(expected)
    trail = _reader(network)
    ids = [leaf["event"]["id"] for leaf in await trail.leaves()]
    assert len(ids) == len(set(ids))
    published = [int(i.removeprefix("evt_")) for i in ids if i.removeprefix("evt_").isdecimal()]
    assert published == sorted(published), "the order of the stream is the order of the trail"
    assert not (await trail.check()).faults
    folder = await trail.export(tmp_path / "export")
    arguments = ["--kept", str(_kept(tmp_path, kept))] if kept else []
    verdict = verify("export", folder, "--key", trail.key, *arguments)
    assert verdict.code == 0, verdict.said


def _reader(network: Network) -> OneTrail:
    seed = network.environment("audit")["AUDIT_SIGNING_KEY"]
    return writer(network.mongo_of("audit"), seed=seed)


def _kept(folder: Path, note: str) -> Path:
    path = folder / "kept"
    path.write_text(note)
    return path


@pytest.mark.parametrize(
    "point",
    [
        "trail.after_entries",  # entries are there, nothing says that they count
        "trail.after_entries:2",
        "trail.after_tiles",  # a full tile is there before the state knows
        "trail.after_tiles:2",
        "trail.after_state",  # committed; the feed is not acknowledged
        "trail.before_checkpoint",
        "trail.after_checkpoint",  # signed; nobody was told
    ],
)
async def test_killed_at_any_step_nothing_is_lost_doubled_or_out_of_order(
    network: Network, tmp_path: Path, point: str
) -> None:
    kept = (await network.ask("school", "GET", "/checkpoint")).text or None
    kept = kept if kept and kept.startswith("hub-and-spoke") else None
    before = await size_of(network)
    process = await network.replace("audit", FAULTS="1", FAULT=point)
    await network.publish(*some())
    await until(lambda: not process.running, deadline=20, what=f"dying at {point}")
    assert process.exit_code == -9

    await network.replace("audit")

    await everything_is_there_once(network, before + BATCH, tmp_path, kept)


@pytest.mark.parametrize(
    "point",
    [
        "trail.after_lease",  # the lease is taken, nothing is read yet
        "trail.before_roll_forward",  # tiles are filled again, the state doesn't know
    ],
)
async def test_killed_while_it_recovers_the_next_start_recovers_all_the_same(
    network: Network, tmp_path: Path, point: str
) -> None:
    before = await size_of(network)
    process = await network.replace("audit", FAULTS="1", FAULT="trail.after_tiles")
    await network.publish(*some())
    await until(lambda: not process.running, deadline=20, what="dying with entries left behind")
    recovering = network.module("audit", FAULTS="1", FAULT=point)
    recovering.start()
    await until(lambda: not recovering.running, deadline=30, what=f"dying at {point}")
    assert recovering.exit_code == -9

    await network.replace("audit")

    await everything_is_there_once(network, before + BATCH, tmp_path)


async def test_a_question_whose_answer_was_cut_off_is_an_entry_all_the_same(
    network: Network,
) -> None:
    asked_for = new_id("ref")
    process = await network.replace("audit", FAULTS="1", FAULT="store.after_write")
    with pytest.raises(httpx2.HTTPError):  # its own death is all the client sees
        await network.ask("auditor", "GET", f"/v1/trail?referral_id={asked_for}")
    await until(lambda: not process.running, deadline=20, what="dying after the write")

    await network.replace("audit")

    async def recorded() -> int:
        where = {"fields.keys": "type:trail.queried"}
        cursor = network.mongo_of("audit")["entries"].find(where)
        return sum(asked_for.encode() in bytes(d["leaf"]) for d in await cursor.to_list())

    assert await until(recorded, deadline=30, what="the question in the trail") == 1


async def test_the_store_killed_under_load_and_started_again(
    network: Network, tmp_path: Path
) -> None:
    if not network.mongo.ours:
        pytest.skip("the store is not ours to kill")
    before = await size_of(network)
    sending = asyncio.create_task(network.publish(*some(900)))
    await until_size(network, before + 50)
    await network.mongo.kill()
    await network.mongo.start()
    await sending

    await everything_is_there_once(network, before + 900, tmp_path)


async def until_size(network: Network, least: int) -> None:
    async def grown() -> bool:
        return await size_of(network) >= least

    await until(grown, deadline=30, what=f"{least} entries")


async def test_connections_to_the_store_cut_in_the_middle_of_writes(
    network: Network, tmp_path: Path
) -> None:
    """The outcome of a write is unknown: the state is read again, nothing is guessed."""
    before = await size_of(network)
    async with Proxy(network.mongo.url).running() as cut:
        await network.replace("audit", MONGO_URL=cut.url)
        sending = asyncio.create_task(network.publish(*some(900)))
        for step in (50, 200, 350, 500):
            await until_size(network, before + step)
            cut.reset_all()
        await sending
        await until_size(network, before + 900)
        await network.replace("audit")

    await everything_is_there_once(network, before + 900, tmp_path)


async def test_a_paused_writer_comes_back_fenced_and_the_standby_has_gone_on(
    network: Network, tmp_path: Path
) -> None:
    before = await size_of(network)
    first = network.modules["audit"]
    standby = network.module("audit")
    await standby.start_ready()
    try:
        await network.publish(*some(100))
        await until_size(network, before + 100)
        holder = await _holder(network)
        first.pause()
        try:
            await network.publish(*some(100))
            await until_size_or_holder(network, before + 200, holder)
        finally:
            first.go_on()
        await network.publish(*some(100))
        await until_size(network, before + 300)
    finally:
        await standby.stop()

    await everything_is_there_once(network, before + 300, tmp_path)


async def _holder(network: Network) -> str:
    state = await network.mongo_of("audit")["state"].find_one({})
    return str(state["holder"]) if state else ""


async def until_size_or_holder(network: Network, least: int, before: str) -> None:
    """The standby took over (if the paused one was the writer) and appended."""
    await until_size(network, least)
    assert await _holder(network)
    assert before


async def test_a_message_delivered_again_after_a_restart_and_by_a_second_reader_is_one_entry(
    network: Network, tmp_path: Path
) -> None:
    before = await size_of(network)
    again = some(40)
    await network.publish(*again)
    await until_size(network, before + 40)
    await network.replace("audit")
    for _ in range(3):
        await network.publish(*again)
    await network.publish(*some(1))

    await everything_is_there_once(network, before + 41, tmp_path)
    assert await size_of(network) == before + 41


async def test_with_its_store_away_the_service_answers_no_question(network: Network) -> None:
    """What can't be recorded is not answered."""
    async with Proxy(network.mongo.url).running() as cut:
        await network.replace("audit", MONGO_URL=cut.url)
        cut.hole()
        path = "/v1/trail?referral_id=ref_1"
        answer = await network.ask(
            "auditor", "GET", path, timeout=40
        )  # the store has 10 s to answer
        cut.heal()
        assert answer.status_code == 503
        await network.replace("audit")


async def test_killed_between_freezing_and_saying_so_the_fault_is_told_after_the_next_start(
    network: Network,
) -> None:
    entries = network.mongo_of("audit")["entries"]
    process = await network.replace("audit", FAULTS="1", FAULT="trail.after_freeze")
    last = await entries.find_one({}, sort=[("seq", -1)])
    assert last is not None
    same = {"_id": last["_id"]}
    await entries.update_one(same, {"$set": {"leaf_hash": bytes(32)}})
    await network.publish(*some(1))
    await until(lambda: not process.running, deadline=30, what="dying frozen")

    await network.replace("audit")

    faults = network.mongo_of("audit")["faults"]
    code = "root_differs_from_checkpoint"

    async def told() -> bool:
        return await faults.find_one({"code": code}) is not None

    await until(told, deadline=30, what="the fault")
    await entries.update_one(same, {"$set": {"leaf_hash": last["leaf_hash"]}})
    await network.mongo_of("audit")["state"].update_one({}, {"$set": {"frozen": None}})
    await network.replace("audit")
