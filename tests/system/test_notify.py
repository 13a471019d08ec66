"""Notify as a process of its own, with the trail beside it: what recipients see of it over HTTP."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from standardwebhooks import Webhook

from allinone import sample
from shared.ids import new_id
from tests.harness.broker import Broker
from tests.harness.mailbox import certificate, mailbox
from tests.harness.mongo import Mongo
from tests.harness.network import Network, running
from tests.harness.publisher import Publisher, publishing
from tests.harness.receiver import receiving
from tests.harness.waiting import until
from tests.service.notifying import consent
from tests.system.notifying import (
    MARK,
    inbox,
    introduce,
    made,
    received,
    sharing,
    subscribe,
    verified,
    waits_for,
)


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    folder = tmp_path_factory.mktemp("notify")
    async with running(broker, mongo, folder, ["notify", "audit"]) as started:
        yield started


@pytest_asyncio.fixture(scope="module")
async def bus(network: Network) -> AsyncIterator[Publisher]:
    """The others' events. The Hub, the school and the police are known, and have an agreement."""
    async with publishing(network) as publisher:
        await introduce(publisher)
        yield publisher


async def test_the_cursor_brings_each_once_and_in_order(network: Network, bus: Publisher) -> None:
    await bus.publish(*(received(f"ref_c{n}", f"sub_c{n}") for n in range(7)))
    await waits_for(network, "school", "ref_c6")
    await until_all(network, 7)
    seen: list[str] = []
    after = ""
    while (page := await inbox(network, "school", f"?limit=3{after}"))["notifications"]:
        seen += [n["id"] for n in page["notifications"]]
        after = f"&after={page['next']}"

    assert len(seen) == len(set(seen)) >= 7
    again = await inbox(network, "school", f"?limit=100{after}")
    assert again["notifications"] == []
    assert again["next"] == page["next"], "an empty page keeps the cursor"


async def until_all(network: Network, count: int) -> None:
    async def there() -> bool:
        page = await inbox(network, "school", "?limit=100")
        return len([n for n in page["notifications"] if "ref_c" in n["referral_id"]]) == count

    await until(there, deadline=20, what="all of them being there")


async def test_nobody_sees_another_inbox_nor_moves_in_it(network: Network, bus: Publisher) -> None:
    await bus.publish(received("ref_own", "sub_own"))
    (mine,) = await waits_for(network, "school", "ref_own")
    theirs = [
        await network.ask("police", "POST", f"/v1/notifications/{mine['id']}/opened"),
        await network.ask(
            "police",
            "POST",
            f"/v1/notifications/{mine['id']}/acted",
            json={"name": "A Person", "taken": "phoned", "outcome": "done"},
        ),
        await network.ask("police", "GET", f"/v1/notifications?after={mine['id']}"),
        await network.ask("police", "GET", f"/v1/subscriptions/{sample.SCHOOL}"),
    ]

    assert {answer.status_code for answer in theirs} == {404}
    ids = [n["id"] for n in (await inbox(network, "police", "?limit=100"))["notifications"]]
    assert mine["id"] not in ids


async def test_who_waits_is_answered_as_soon_as_there_is_something(
    network: Network, bus: Publisher
) -> None:
    await bus.publish(received("ref_w0", "sub_w0"))
    (first,) = await waits_for(network, "school", "ref_w0")
    asking = asyncio.create_task(inbox(network, "school", f"?wait=20&after={first['id']}"))
    await bus.publish(received("ref_w1", "sub_w1"))

    page = await asyncio.wait_for(asking, 15)

    assert [n["referral_id"] for n in page["notifications"]] == ["ref_w1"]
    started = time.monotonic()
    empty = await inbox(network, "school", f"?wait=1&after={page['next']}")
    assert empty["notifications"] == []
    assert time.monotonic() - started >= 1


async def test_a_stream_goes_on_where_it_broke_off(network: Network, bus: Publisher) -> None:
    await bus.publish(received("ref_s0", "sub_s0"))
    (first,) = await waits_for(network, "school", "ref_s0")

    one = await stream(network, bus, first["id"], ["ref_s1"])
    two = await stream(network, bus, one[-1][0], ["ref_s2", "ref_s3"])

    assert [n["referral_id"] for _, n in one] == ["ref_s1"]
    assert sorted(n["referral_id"] for _, n in two) == ["ref_s2", "ref_s3"]


async def stream(
    network: Network, bus: Publisher, last: str, referral_ids: list[str]
) -> list[tuple[str, Any]]:
    """Connect, let these arrive, read them, break off. Each with the id to go on from."""
    url = f"{network.modules['notify'].url}/v1/notifications/stream"
    headers = {"Authorization": f"Bearer {network.token('school')}", "Last-Event-ID": last}
    found: list[tuple[str, Any]] = []
    async with (
        httpx2.AsyncClient(timeout=20, trust_env=False) as client,
        client.stream("GET", url, headers=headers) as response,
    ):
        assert response.headers["content-type"].startswith("text/event-stream")
        await bus.publish(*(received(r, f"sub_{r}") for r in referral_ids))
        cursor = ""
        async for line in response.aiter_lines():
            if line.startswith("id: "):
                cursor = line.removeprefix("id: ")
            if line.startswith("data: "):
                found.append((cursor, json.loads(line.removeprefix("data: "))))
            if len(found) == len(referral_ids):
                return found
    return found


async def test_who_did_what_is_kept_by_name_but_the_trail_has_only_the_account(
    network: Network, bus: Publisher
) -> None:
    await bus.publish(received("ref_a", "sub_a"), made("ref_a", "sub_a"))
    (mine,) = await waits_for(network, "worker", "ref_a")
    path = f"/v1/notifications/{mine['id']}"
    name = f"{MARK} Person"

    seen = await network.ask("worker", "POST", f"{path}/opened", json={"name": name})
    receipt = {"name": name, "taken": "accepted", "outcome": "done"}
    done = await network.ask("worker", "POST", f"{path}/acted", json=receipt)
    twice = await network.ask("worker", "POST", f"{path}/acted", json=receipt)

    assert (seen.json()["status"], done.json()["status"]) == ("opened", "acted")
    assert twice.json() == done.json()
    hub = await network.ask("manager", "GET", "/v1/notifications/recipients?referral_id=ref_a")
    entry = next(r for r in hub.json()["recipients"] if r["notification_id"] == mine["id"])
    assert (entry["opened_by"], entry["acted_by"], entry["taken"]) == (name, name, "accepted")
    audit = await network.ask("auditor", "GET", "/v1/notifications/recipients?referral_id=ref_a")
    assert MARK not in audit.text
    events = await trail_of(network, "ref_a", "notification.acted")
    assert [e["type"] for e in events].count("notification.acted") == 1
    assert MARK not in json.dumps(events)
    log = network.modules["notify"].log.read_text()
    assert MARK not in log


async def trail_of(network: Network, referral_id: str, event_type: str) -> list[Any]:
    """The trail of a referral once it has an event of that type."""

    async def there() -> list[Any]:
        found = await network.trail(referral_id)
        return found if event_type in [e["type"] for e in found] else []

    return list(await until(there, deadline=20, what=f"{event_type} in the trail"))


async def test_who_has_what_and_what_became_of_it_when_consent_was_withdrawn(
    network: Network, bus: Publisher
) -> None:
    async with receiving() as receiver:
        await subscribe(network, "police", sample.POLICE, url=receiver.url)
        await verified(network, "police", sample.POLICE)
        yes = consent()
        await bus.publish(sharing("sub_l", 1, yes))
        await bus.publish(received("ref_l", "sub_l", subject_version=1))
        await until(lambda: len(receiver.told) == 1, deadline=60, what="the police being told")

        no = consent("withdrawn", recorded_at=datetime.now(UTC))
        await bus.publish(sharing("sub_l", 2, yes, no))
        await until(lambda: len(receiver.told) == 2, deadline=60, what="the retraction")
        off = await network.ask(
            "police", "PUT", f"/v1/subscriptions/{sample.POLICE}", json={"active": False}
        )
        off.raise_for_status()
    notice = json.loads(receiver.calls[-1].body)
    receipt = {"name": "A Person", "taken": "deleted", "outcome": "done"}
    path = f"/v1/notifications/{notice['id']}/acted"
    (await network.ask("police", "POST", path, json=receipt)).raise_for_status()

    answer = await network.ask("auditor", "GET", "/v1/notifications/recipients?referral_id=ref_l")
    police = [r for r in answer.json()["recipients"] if r["recipient_id"] == sample.POLICE]
    told = next(r for r in police if r["kind"] == "concern_in_your_area")

    assert told["status"] == "retracted"
    assert told["confirmed_at"] is not None
    assert told["verdicts"][0]["ground_id"] == yes.id
    assert [(a["number"], a["result"]) for a in told["attempts"]] == [(1, "delivered")]
    other = await network.ask("police", "GET", "/v1/notifications/recipients?referral_id=ref_l")
    assert other.status_code == 403


async def test_a_secret_is_rotated_with_both_signing_and_replays_have_the_same_id(
    network: Network, bus: Publisher
) -> None:
    async with receiving() as receiver:
        old = await subscribe(network, "school", sample.SCHOOL, url=receiver.url)
        await verified(network, "school", sample.SCHOOL)
        new = await network.ask("school", "POST", f"/v1/subscriptions/{sample.SCHOOL}/secret")
        since = datetime.now(UTC) - timedelta(seconds=5)
        await bus.publish(received("ref_r", "sub_r"))
        await until(lambda: len(receiver.told) == 1, deadline=60)
        await trail_of(network, "ref_r", "notification.delivered")
        window = {
            "recipient_kind": "agency",
            "recipient_id": sample.SCHOOL,
            "since": since.isoformat(),
            "until": (datetime.now(UTC) + timedelta(minutes=1)).isoformat(),
        }
        replayed = await network.ask("operator", "POST", "/v1/notifications/replays", json=window)
        theirs = await network.ask("police", "POST", "/v1/notifications/replays", json=window)
        await until(lambda: len(receiver.calls) >= 2, deadline=20)
        off = {"url": receiver.url, "active": False}
        await network.ask("school", "PUT", f"/v1/subscriptions/{sample.SCHOOL}", json=off)

    assert replayed.json()["replayed"] >= 1
    assert theirs.status_code == 404
    mine = [c for c in receiver.calls if b"ref_r" in c.body]
    assert len(mine) == 2
    assert len({c.headers["webhook-id"] for c in mine}) == 1
    told = [secret for secret in (old["secret"], new.json()["secret"]) if secret]
    assert new.json()["secret"] in told, "a new one is told, the first only with the first webhook"
    for secret in told:
        assert Webhook(secret).verify(mine[0].body, mine[0].headers)
    assert len(set(told)) == len(told)
    assert len(mine[0].headers["webhook-signature"].split()) == 2


async def test_no_outgoing_byte_tells_anything_about_the_young_person(
    network: Network, bus: Publisher, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cert, key = certificate(tmp_path_factory.mktemp("mail"))
    async with receiving() as receiver, mailbox("smtp+starttls", cert, key) as box:
        await network.replace(
            "notify", SMTP_URL=box.url, MAIL_FROM="from@hub.example", SSL_CERT_FILE=str(cert)
        )
        await subscribe(network, "police", sample.POLICE, url=receiver.url)
        await subscribe(network, "worker", "wk_hub_one", email="w@hub.example")
        await verified(network, "police", sample.POLICE)
        await until(lambda: box.mails, deadline=60, what="the code")
        code = str(box.mails[0].get_payload()).partition("code is: ")[2][:10]
        path = "/v1/subscriptions/wk_hub_one/confirmation"
        wrong = await network.ask("worker", "POST", path, json={"code": "AAAAAAAAAA"})
        right = await network.ask("worker", "POST", path, json={"code": code})
        subject_id, referral_id = f"{MARK}-subject", new_id("ref")
        marked = {
            "area": MARK,
            "needs": (f"{MARK}-need",),
            "warnings": (f"{MARK}-warning",),
            "subject_version": 1,
            "ethnicity": "asian",
            "concerns": (
                {
                    "code": f"{MARK}-concern",
                    "recency": "current",
                    "agency_id": f"{MARK}-agency",
                    "reported_at": datetime.now(UTC),
                },
            ),
        }
        await bus.publish(sharing(subject_id, 1, consent(id=f"{MARK}-consent")))
        await bus.publish(
            received(referral_id, subject_id, **marked), made(referral_id, subject_id)
        )
        await until(lambda: len(receiver.told) == 2, deadline=60, what="both webhooks")
        await until(lambda: len(box.mails) >= 2, deadline=60, what="the mail")
        everyone = ("police", "school", "worker", "manager", "operator")
        inboxes = [
            (await network.ask(person, "GET", "/v1/notifications?limit=100")).text
            for person in everyone
        ]
        streams = [
            await network.streamed(person, text.count('"kind":'))
            for person, text in zip(everyone, inboxes, strict=True)
            if '"kind":' in text
        ]
        off = {"active": False}
        await network.ask("police", "PUT", f"/v1/subscriptions/{sample.POLICE}", json=off)

    sent = [call.body.decode() + str(call.headers) for call in receiver.calls]
    sent += [raw.decode() for raw in box.raw]
    assert (wrong.status_code, right.status_code) == (409, 200)
    assert all(referral_id in text for text in (*inboxes[:4], *streams[:4]))
    assert referral_id in sent[0]
    assert referral_id in sent[-1]
    for text in (*sent, *inboxes, *streams, network.modules["notify"].log.read_text()):
        assert MARK not in text
        assert "asian" not in text
        assert "16_to_17" not in text
        assert "significant" not in text
