"""kill -9 of any one process between any two steps: the referral arrives, nothing is doubled."""

from collections import Counter
from typing import Any

import httpx2
import pytest

from allinone import sample
from tests.harness.network import STORY, Network
from tests.harness.receiver import receiving
from tests.harness.waiting import until
from tests.system.notifying import verified


async def whole_trail(network: Network) -> list[dict[str, Any]]:
    """Every entry of the trail, page by page."""
    entries: list[dict[str, Any]] = []
    query = "limit=500"
    while True:
        page = (await network.ask("auditor", "GET", f"/v1/trail?{query}")).json()
        entries += page["entries"]
        if page["next"] is None:
            return entries
        query = f"limit=500&cursor={page['next']}"


async def story_survives(network: Network, victim: str, point: str) -> str:
    """Arm `point` in the victim, refer, see it die, start it again; return the referral's id."""
    key = f"{victim}-{point}"
    process = await network.replace(victim, FAULTS="1", FAULT=point)
    try:
        await network.refer(key)
    except httpx2.HTTPError:
        assert victim == "referral"  # its own death is all the client may see
    await until(lambda: not process.running, deadline=20, what=f"{victim} dying at {point}")
    assert process.exit_code == -9
    await network.replace(victim)

    answer = await network.refer(key)  # what a client does after a broken connection
    assert answer.status_code == 201
    referral_id = str(answer.json()["id"])
    await network.told(referral_id, STORY)
    await network.quiet()
    assert await network.steps(referral_id) == STORY
    return referral_id


@pytest.mark.parametrize(
    "point",
    [
        "store.before_write",
        "store.after_write",
        "relay.after_confirm",
        "relay.after_settle",
        "consumer.before_ack",
    ],
)
async def test_killing_referral(network: Network, point: str) -> None:
    referral_id = await story_survives(network, "referral", point)

    answer = await network.ask("school", "GET", f"/v1/referrals/{referral_id}")
    assert answer.json()["status"] == "allocated"


async def test_killing_referral_while_it_publishes_what_an_earlier_death_left(
    network: Network,
) -> None:
    process = await network.replace("referral", FAULTS="1", FAULT="store.after_write")
    with pytest.raises(httpx2.HTTPError):
        await network.refer("left-behind")
    await until(lambda: not process.running, deadline=20, what="dying after its write")

    process = await network.replace("referral", FAULTS="1", FAULT="relay.after_claim")
    await until(lambda: not process.running, deadline=20, what="dying after its claim")
    await network.replace("referral")

    answer = await network.refer("left-behind")
    await network.told(answer.json()["id"], STORY)
    await network.quiet()
    assert await network.steps(answer.json()["id"]) == STORY


@pytest.mark.parametrize(
    "point",
    [
        "store.after_write",  # the risk is assessed
        "store.after_write:2",  # capacity is reserved, nobody knows yet
        "assign.after_reservation",
        "assign.after_decision",
        "assign.after_assignment",
        "store.before_write:3",
        "store.after_write:3",  # the allocation is stored
        "relay.after_confirm",
        "consumer.before_ack",
    ],
)
async def test_killing_allocation(network: Network, point: str) -> None:
    referral_id = await story_survives(network, "allocation", point)

    events = await network.trail(referral_id)
    (made,) = [e["data"]["worker_id"] for e in events if e["type"] == "allocation.made"]
    (reserved,) = [e["data"] for e in events if e["type"] == "worker.caseload_changed"]
    assert (reserved["worker_id"], reserved["change"]) == (made, "reserved")


@pytest.mark.parametrize(
    "point", ["store.after_write", "relay.after_confirm", "consumer.before_ack"]
)
async def test_killing_notify(network: Network, point: str) -> None:
    await story_survives(network, "notify", point)


async def test_killing_notify_after_it_called_a_webhook(network: Network) -> None:
    async with receiving() as receiver:
        path = f"/v1/subscriptions/{sample.SCHOOL}"
        await network.ask("school", "PUT", path, json={"url": receiver.url})
        await verified(network, "school", sample.SCHOOL)
        short = {"DELIVERY_LEASE": "2"}
        process = await network.replace("notify", FAULTS="1", FAULT="deliver.after_call", **short)
        posted = await network.refer("notify-webhook")
        await until(lambda: not process.running, deadline=20)
        await network.replace("notify", **short)
        story = STORY + Counter({"notification.delivered": 2})
        await network.told(posted.json()["id"], story)
        await network.quiet()
        await network.ask("school", "PUT", path, json={"url": receiver.url, "active": False})

    # Called again, for nobody knows whether the first call counted; but under the same id.
    assert len(receiver.calls) == 3
    assert len({call.headers["webhook-id"] for call in receiver.calls}) == 2


@pytest.mark.parametrize("point", ["trail.after_entries", "trail.after_state"])
async def test_killing_audit(network: Network, point: str) -> None:
    referral_id = await story_survives(network, "audit", point)

    entries = await whole_trail(network)
    assert [entry["seq"] for entry in entries] == list(range(len(entries)))
    ids = [entry["leaf"]["event"]["id"] for entry in entries]
    assert len(ids) == len(set(ids))
    assert referral_id in {entry["leaf"]["event"]["correlationid"] for entry in entries}
