"""Everything is lost, stores and broker, and comes back from backups taken as docs/runbook.md says: what
was backed up is there and can be read, the trail names what was not, and work goes on."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from allinone.sample import SCHOOL
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import SERVICES, STORY, Network, sent_by
from tests.harness.trails import program
from tests.harness.waiting import until

Backup = dict[str, list[dict[str, Any]]]
ORDER = ("referral", "allocation", "notify", "audit")


async def backed_up(network: Network, service: str) -> Backup:
    """Every document of a service's database, as `mongodump` takes them."""
    database = network.mongo_of(service)
    names = await database.list_collection_names()
    return {name: [each async for each in database[name].find()] for name in names}


async def restored(network: Network, service: str, backup: Backup) -> None:
    """Into an empty database, as `mongorestore` puts them; indexes the service makes at its start."""
    database = network.mongo_of(service)
    for name, documents in backup.items():
        if documents:
            await database[name].insert_many(documents)


@pytest_asyncio.fixture
async def before(broker: Broker, mongo: Mongo, tmp_path: Path) -> AsyncIterator[Network]:
    network = Network(broker, mongo, "lost.", tmp_path)
    yield network
    await network.stop()


@pytest_asyncio.fixture
async def after(broker: Broker, mongo: Mongo, tmp_path: Path) -> AsyncIterator[Network]:
    """Empty databases and another broker (of its own prefix), with the keys that were kept."""
    network = Network(broker, mongo, "found.", tmp_path)
    yield network
    await network.stop()


async def test_what_was_backed_up_comes_back_and_the_trail_names_what_was_not(
    before: Network,
    after: Network,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert set(ORDER) == set(SERVICES)
    await before.start()
    await before.load_sample()
    kept = (await before.refer("kept")).json()["id"]
    await before.told(kept, STORY)
    await before.quiet()
    keys, checkpoint = tmp_path / "keys.json", tmp_path / "checkpoint.kept"
    keys.write_text((await before.ask("auditor", "GET", "/v1/keys")).text)
    checkpoint.write_text((await before.ask("auditor", "GET", "/checkpoint")).text)
    # The trail last: whatever another backup holds is in it.
    backups = {service: await backed_up(before, service) for service in ORDER[:-1]}
    missed = (await before.refer("missed")).json()["id"]
    await before.told(missed, STORY)
    await before.quiet()
    backups["audit"] = await backed_up(before, "audit")
    await before.stop()

    for service, backup in backups.items():
        await restored(after, service, backup)
    await after.start()

    # What was backed up is there, opened with the master key that was kept apart.
    read = await after.ask("school", "GET", f"/v1/referrals/{kept}")
    assert "Sample Child" in read.text, read.text
    mine = await after.ask("worker", "GET", "/v1/notifications")
    assert kept in mine.text
    # The trail goes on from what was kept outside of it, and says that the broker is another one.
    monkeypatch.setenv("TRAIL_TOKEN", after.token("auditor"))
    watch = ("watch", after.modules["audit"].url, "--keys", keys, "--keep", checkpoint, "--once")
    verdict = await program(*watch)
    assert verdict.code == 0, verdict.said

    async def replaced() -> Any:
        answer = await after.ask("auditor", "GET", "/v1/trail/integrity")
        return answer.json()["streams_replaced"]

    await until(replaced, deadline=30, what="the entry that the broker's stream is another one")
    # What was lost is known by its id: the trail has its story, the service has not.
    story = {event["type"] for event in await after.trail(missed)}
    assert "referral.received" in story
    gone = await after.ask("school", "GET", f"/v1/referrals/{missed}")
    assert gone.status_code == 404

    # Its sender sends it again under the same key, and work goes on.
    again = await after.refer("missed")
    assert again.status_code == 201
    assert again.json()["id"] == missed == sent_by(SCHOOL, "missed")
    new = (await after.refer("new")).json()["id"]
    await after.told(new, STORY)
    await after.quiet()
    assert (await program(*watch)).code == 0
    integrity = (await after.ask("auditor", "GET", "/v1/trail/integrity")).json()
    assert integrity["frozen"] is None
