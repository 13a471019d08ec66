"""An operator sees what no service could handle, gives it back or discards it, and the trail has it."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from shared.ids import new_id
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import Network, running
from tests.harness.waiting import until

KIND = "referral.received"


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    folder = tmp_path_factory.mktemp("parked")
    async with running(broker, mongo, folder, ["notify", "audit"]) as started:
        yield started


def unreadable(name: str) -> bytes:
    """A message that says nothing a service of ours could read."""
    known = {"correlationid": "c", "subject": "s", "version": 1, "data": {"n": 1}}
    return json.dumps({"id": name, "type": KIND, **known}).encode()


async def parked(network: Network, body: bytes) -> str:
    """The id under which this was parked for notify."""
    before = {x["message_id"] for x in await listed(network)}
    await network.publish(body, types=[KIND])

    async def there() -> str:
        new = [x for x in await listed(network) if x["queue"] == "notify.referrals"]
        return next((x["message_id"] for x in new if x["message_id"] not in before), "")

    return await until(there, deadline=60, what="the message being parked")


async def listed(network: Network) -> list[dict[str, Any]]:
    answer = await network.ask("operator", "GET", "/v1/dead-letters?limit=500")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["dead_letters"])


async def said(network: Network, kind: str) -> list[dict[str, Any]]:
    """What the trail says of such acts."""

    async def there() -> list[dict[str, Any]]:
        answer = await network.ask("auditor", "GET", f"/v1/trail?type={kind}&purpose=audit")
        return [entry["leaf"]["event"] for entry in answer.json()["entries"]]

    return list(await until(there, deadline=30, what=f"an entry {kind}"))


async def test_what_is_discarded_is_gone_and_the_trail_says_by_whom_and_why(
    network: Network,
) -> None:
    message_id = await parked(network, unreadable(new_id("evt")))
    path = f"/v1/dead-letters/{message_id}"

    shown = (await network.ask("operator", "GET", path)).json()["dead_letters"]
    nobody = await network.ask("manager", "POST", f"{path}/discard", json={"reason": "test"})
    wordy = await network.ask("operator", "POST", f"{path}/discard", json={"reason": "Sam, 14"})
    done = await network.ask("operator", "POST", f"{path}/discard", json={"reason": "unreadable"})
    again = await network.ask("operator", "POST", f"{path}/discard", json={"reason": "unreadable"})

    assert shown[0]["event"]["data"] == {"n": 1}
    assert shown[0]["reason"].startswith("poison:")
    assert [a.status_code for a in (nobody, wordy, done, again)] == [403, 422, 200, 404]
    assert message_id not in {x["message_id"] for x in await listed(network)}
    await network.quiet()
    entries = await said(network, "dead_letter.discarded")
    mine = [e["data"]["reason"] for e in entries if e["data"]["event_id"] == message_id]
    assert mine == ["unreadable"] * done.json()["count"]
    assert {e["actorrole"] for e in entries} == {"operator"}


async def test_what_is_given_back_is_tried_again(network: Network) -> None:
    message_id = await parked(network, unreadable("sam.k-14"))

    given = await network.ask("operator", "POST", f"/v1/dead-letters/{message_id}/replay")

    assert given.json()["count"] >= 1

    async def back() -> bool:  # it still can't be read, and is parked once more
        return message_id in {x["message_id"] for x in await listed(network)}

    await until(back, deadline=60, what="it being parked again")
    entries = await said(network, "dead_letter.replayed")
    assert {e["data"]["event_id"] for e in entries} == {None}, "no word of a stranger's"
