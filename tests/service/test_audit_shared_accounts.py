"""An account that many share refers, and nothing is ever read back through it: the trail neither."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from allinone import sample
from shared.events.codes import WITHOUT_REPLY
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import Network, running
from tests.harness.trails import body
from tests.harness.waiting import until

FIRST = 1  # entry 0 is that of the signing key
SHARED = dict(zip(("school", "police"), sorted(WITHOUT_REPLY), strict=True))
IDS = {"school": sample.SCHOOL, "police": sample.POLICE}


def registered(number: int, person: str, kind: str, version: int = 1) -> bytes:
    event = "agency.registered" if version == 1 else "agency.amended"
    about: dict[str, Any] = {"subject": IDS[person], "version": version, "agency_id": IDS[person]}
    return body(number, type=event, kind=kind, **about)


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    """Two such accounts, with a referral each."""
    async with running(broker, mongo, tmp_path_factory.mktemp("shared"), ["audit"]) as one:
        await one.sealed(FIRST)
        for number, (person, kind) in enumerate(SHARED.items()):
            referred = body(10 + number, agency_id=IDS[person], actor=f"agency:{IDS[person]}")
            await one.publish(registered(number, person, kind), referred)
        await one.sealed(FIRST + 4)
        yield one


@pytest.mark.parametrize("person", SHARED)
async def test_nothing_is_read_back_through_an_account_that_many_share(
    network: Network, person: str
) -> None:
    """Whoever holds the token: the referral that went through it may be somebody else's."""
    found = await network.ask(person, "GET", "/v1/trail")
    mine = [10 + number for number, one in enumerate(SHARED) if one == person]
    paths = [f"/v1/trail/{seq}" for seq in range(FIRST, FIRST + 4)]
    paths += [f"/v1/trail/events/evt_{number:032d}" for number in mine]

    assert (found.status_code, found.json()["entries"]) == (200, [])
    assert {(await network.ask(person, "GET", path)).status_code for path in paths} == {404}


async def test_of_an_account_that_is_of_another_kind_by_now_its_own_is_read(
    network: Network,
) -> None:
    await network.publish(registered(20, "school", "5", version=2))

    async def found_again() -> list[dict[str, Any]]:
        found = (await network.ask("school", "GET", "/v1/trail")).json()["entries"]
        return [one for one in found if one["says"].endswith("kind 5.")] and found

    found = await until(found_again, deadline=30, what="its own entries")
    assert "referral.received" in [one["type"] for one in found]
