"""Nobody makes two children one by what they send: made-up referrals, and a correction to another."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from allinone import sample
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import Network, running
from tests.harness.waiting import until

Said = dict[str, Any]


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    folder = tmp_path_factory.mktemp("made_up")
    async with running(broker, mongo, folder, ["referral", "audit"]) as started:
        await started.load_referral_sample()
        yield started


async def refer(network: Network, key: str, said: Said) -> str:
    answer = await network.refer(key, subject=said)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def about(network: Network, referral_id: str) -> str:
    stored = await network.mongo_of("referral")["referrals"].find_one({"_id": referral_id})
    assert stored is not None
    return str(stored["subject_id"])


async def suspected(network: Network, one: str, other: str) -> None:
    """The pair waits for a practitioner."""
    where = {"_id": {"$in": [one, other]}}
    await network.mongo_of("referral")["referrals"].update_many(
        where, {"$set": {"hub_id": sample.HUB}}
    )

    async def noted() -> bool:
        answer = await network.ask("manager", "GET", f"/v1/referrals/{one}/possible-matches")
        return other in answer.text

    await until(noted, deadline=20, what="the possible match")


async def test_a_made_up_number_and_known_as_make_no_two_one(network: Network) -> None:
    alice = {"name": "Alice Bramble", "date_of_birth": "2011-01-05"}
    bruno = {"name": "Bruno Castleton", "date_of_birth": "2013-09-09"}
    number = {"nhs_number": "9434765005"}
    one = await refer(network, "n-1", alice)
    first = await refer(network, "n-2", {**alice, **number})
    second = await refer(network, "n-3", {**bruno, **number, "known_as": alice["name"]})
    other = await refer(network, "n-4", bruno)

    assert await about(network, first) == await about(network, one)
    assert await about(network, one) not in {
        await about(network, second),
        await about(network, other),
    }
    await suspected(network, second, first)


async def test_who_was_known_before_stays_one(network: Network) -> None:
    crispin = {"name": "Crispin Holloway", "date_of_birth": "2012-08-08"}
    dulcie = {"name": "Dulcie Marchwood", "date_of_birth": "2011-04-05"}
    number = {"nhs_number": "9434765013"}
    before = await refer(network, "b-1", crispin)
    first = await refer(network, "b-2", {**dulcie, **number})
    await refer(network, "b-3", {**crispin, **number, "known_as": dulcie["name"]})
    after = await refer(network, "b-4", crispin)

    assert await about(network, before) == await about(network, after)
    assert await about(network, before) != await about(network, first)


@pytest.mark.parametrize("born", ["2014-06-06", "2011-05-05"])
async def test_a_referral_corrected_to_be_another_childs_links_nobody_to_the_first(
    network: Network, born: str
) -> None:
    """Another birth date, or the same: children of one class share birthdays."""
    eleanor = {"name": f"Eleanor Whitlock{born[3]}", "date_of_birth": "2011-05-05"}
    felix = {"name": f"Felix Harcourt{born[3]}", "date_of_birth": born}
    one = await refer(network, f"c-1-{born}", eleanor)
    corrected = await refer(network, f"c-2-{born}", eleanor)
    path = f"/v1/referrals/{corrected}/amendments"
    answer = await network.ask(
        "school", "POST", path, json={"subject": felix}, headers={"If-Match": "*"}
    )
    assert answer.status_code == 200, answer.text
    other = await refer(network, f"c-3-{born}", felix)
    again = await refer(network, f"c-4-{born}", eleanor)

    assert await about(network, one) == await about(network, again), "found as before"
    assert await about(network, other) != await about(network, one)
    await suspected(network, corrected, other)
