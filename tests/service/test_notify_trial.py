"""A recipient tests its own addresses, and sees what was sent there: with the real senders and a real
store. A test is about nobody and counts for nothing."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from standardwebhooks import Webhook

from services.notify.delivery.history import Deliveries, deliveries
from services.notify.delivery.mail import Mailer
from services.notify.delivery.trial import Trial, try_out
from services.notify.delivery.webhook import Caller as Webhooks
from shared.clock import now
from shared.errors import BadRequest, Refused, TooMany
from shared.origin import Origin
from shared.storage.store import Database
from shared.web.tokens import Caller
from tests.harness.mailbox import certificate, mailbox
from tests.harness.processes import free_port
from tests.harness.receiver import receiving
from tests.service.notifying import POLICE, SCHOOL, Hands, Told, consent, referral, stores_on

READER = Caller(account="usr_1", role="agency", agency_id=POLICE)
POLICE_KEY = f"agency:{POLICE}"
# Of our own tables: a webhook's test says no more than that it is one.
MEMBERS = {"type", "id", "created_at"}


@pytest_asyncio.fixture
async def told(database: Database) -> Told:
    clock = Hands()
    stores = stores_on(database, clock)
    await stores.prepare()
    made = Told(stores, clock)
    await made.network(POLICE)
    await made.says(consent())
    return made


async def tried(told: Told, *, development: bool = True) -> Trial:
    """The police test how they are told."""
    subscription = await told.stores.subscriptions.get(POLICE_KEY)
    caller = Webhooks(development=development, timeout=2)
    return await try_out(told.stores, caller, subscription, Origin("agency:ag_police", "agency"))


async def said(told: Told) -> list[dict[str, Any]]:
    """The events of how the police are told."""
    found = await told.stores.subscriptions.collection.find_one({"_id": POLICE_KEY}) or {}
    return [json.loads(each["body"]) for each in found["outbox"]]


async def listed(told: Told, cursor: str | None = None, limit: int = 50) -> Deliveries:
    return await deliveries(told.stores, READER, POLICE_KEY, cursor, limit)


async def test_a_test_is_signed_and_about_nobody_and_its_answer_says_what_came_of_it(
    database: Database,
) -> None:
    told = Told(stores_on(database, now), Hands())
    await told.stores.prepare()
    await told.network(POLICE)
    async with receiving() as receiver:
        stored = await told.subscribed(POLICE, url=receiver.url, format="bars")
        trial = await tried(told)
        (call,) = receiver.calls

    body = Webhook(told.stores.secrets.of(stored)).verify(call.body.decode(), call.headers)
    assert set(body) == MEMBERS
    assert body["type"] == "test"
    assert body["id"] == trial.test_id
    assert trial.webhook is not None
    assert trial.email is None
    assert (trial.webhook.result, trial.webhook.code) == ("delivered", "delivered")
    (found,) = (await listed(told)).attempts
    assert found.test
    assert found.notification_id == trial.test_id
    assert found.code == "delivered"
    last = (await said(told))[-1]
    assert last["type"] == "subscription.tested"
    assert last["actor"] == "agency:ag_police"
    assert last["data"]["webhook_code"] == "delivered"
    assert last["data"]["email_code"] is None


@pytest.mark.parametrize(
    ("status", "result"),
    [(500, "temporary"), (503, "temporary"), (410, "permanent"), (302, "temporary")],
)
async def test_a_test_that_fails_says_why_and_counts_for_nothing(
    told: Told, status: int, result: str
) -> None:
    async with receiving() as receiver:
        await told.subscribed(POLICE, url=receiver.url)
        receiver.answers += [status] * 4
        trials = [await tried(told) for _ in range(4)]

    assert {(t.webhook.result, t.webhook.code) for t in trials if t.webhook} == {
        (result, f"http_{status}")
    }
    assert await told.stores.endpoints.failing() == []
    assert await told.stores.endpoints.circuit_open_until(POLICE_KEY) is None
    types = [event["type"] for event in await said(told)]
    assert types == ["subscription.registered", *["subscription.tested"] * 4]
    assert await told.all() == [], "nobody is alarmed, and nothing is to do"


async def test_an_endpoint_that_is_not_there_or_not_public_is_told_so(told: Told) -> None:
    await told.subscribed(POLICE, url=f"http://127.0.0.1:{free_port()}/hook")
    away, private = await tried(told), await tried(told, development=False)
    assert away.webhook is not None
    assert private.webhook is not None
    assert (away.webhook.code, private.webhook.code) == ("no_connection", "address_not_allowed")


async def test_an_address_that_is_not_proved_gets_no_test(told: Told) -> None:
    async with receiving() as receiver:
        mail = "desk@police.example"
        await told.subscribed(POLICE, url=receiver.url, email=mail, verify=False)
        trial = await tried(told)
        assert receiver.calls == []

    assert trial.webhook is not None
    assert trial.email is not None
    assert (trial.webhook.result, trial.webhook.code) == ("not_sent", "not_verified")
    assert (trial.email.result, trial.email.code) == ("not_sent", "not_confirmed")
    assert (await listed(told)).attempts == []


@pytest.mark.parametrize("entry", [{}, {"url": "http://127.0.0.1:9/x", "active": False}])
async def test_where_no_address_is_in_use_there_is_nothing_to_test(
    told: Told, entry: dict[str, Any]
) -> None:
    await told.subscribed(POLICE, **entry)
    with pytest.raises(Refused, match="nothing_to_test"):
        await tried(told)
    assert [event["type"] for event in await said(told)] == ["subscription.registered"]


async def test_of_eight_tests_at_once_six_are_sent(told: Told) -> None:
    async with receiving() as receiver:
        await told.subscribed(POLICE, url=receiver.url)
        answers = await asyncio.gather(*(tried(told) for _ in range(8)), return_exceptions=True)
        assert len(receiver.calls) == 6

    assert sum(isinstance(answer, TooMany) for answer in answers) == 2
    assert len(await said(told)) == 7


async def test_a_mailbox_is_tested_likewise(told: Told, tmp_path: Path) -> None:
    async with mailbox("smtp", *certificate(tmp_path)) as box:
        mailer = Mailer(box.url, "network@hub.example", development=True)
        object.__setattr__(told.stores, "mailer", mailer)
        await told.subscribed(POLICE, email="desk@police.example")
        well = await tried(told)
        box.says += ["550 no such mailbox"]
        refused = await tried(told)
        (mail,) = box.mails

    assert well.email is not None
    assert refused.email is not None
    assert well.webhook is None
    assert (well.email.code, refused.email.code) == ("delivered", "smtp_550")
    assert "test" in str(mail["Subject"])
    assert mail["Message-ID"].startswith(f"<{well.test_id}@")
    assert [each.code for each in (await listed(told)).attempts] == ["smtp_550", "delivered"]


async def test_a_webhook_that_takes_a_test_gets_what_waited(told: Told) -> None:
    async with receiving() as receiver:
        await told.subscribed(POLICE, url=receiver.url)
        receiver.answers += [503, 503]
        await told.happens("referral.received", "ref_1", **referral("ref_1"))
        async with (caller := Webhooks(development=True)).ready():
            for _ in receiver.answers[:]:
                assert await told.send_due(caller) == 1
                told.clock.forward(seconds=10)
            assert await told.stores.endpoints.failing() == [POLICE_KEY]
            await tried(told)
            assert await told.stores.endpoints.failing() == []
            assert await told.send_due(caller) == 1

    codes = [each.code for each in (await listed(told)).attempts]
    assert codes == ["delivered", "delivered", "http_503", "http_503"]


async def test_the_last_attempts_come_by_the_page_without_what_may_not_be_seen(told: Told) -> None:
    async with receiving() as receiver, (caller := Webhooks(development=True)).ready():
        await told.subscribed(POLICE, url=receiver.url)
        for number in range(5):
            await told.happens("referral.received", f"ref_{number}", **referral(f"ref_{number}"))
            receiver.answers += [500] * (number == 4)
            await told.send_due(caller)
        await tried(told)

    whole = (await listed(told)).attempts
    assert len(whole) == 6
    assert [each.test for each in whole] == [True, *[False] * 5]
    assert sorted(whole, key=lambda each: each.at, reverse=True) == whole
    paged, cursor = [], None
    while True:
        page = await listed(told, cursor, 2)
        paged += page.attempts
        if (cursor := page.next) is None:
            break
    assert paged == whole
    with pytest.raises(BadRequest):
        await listed(told, "nothing")

    # Of one that failed nobody was told, once it is withheld: it leaves no trace.
    failed = whole[1].notification_id
    await told.says(consent("withdrawn", recorded_at=told.clock()))
    await told.looked_again()
    assert (await told.one(_id=failed)).status in ("withheld", "retracted")
    await told.stores.notifications.collection.update_one(
        {"_id": failed}, {"$set": {"status": "withheld"}}
    )
    assert failed not in {each.notification_id for each in (await listed(told)).attempts}
    # Who is marked for the young person sees none about them, and in no page's cursor either.
    await told.marks("account:usr_1")
    one = await listed(told, None, 1)
    assert [each.test for each in one.attempts] == [True]
    assert one.next is None
    other = await deliveries(
        told.stores, Caller("usr_2", "agency", agency_id=SCHOOL), f"agency:{SCHOOL}", None, 50
    )
    assert other.attempts == []


async def test_tests_of_long_ago_are_forgotten_with_the_next(told: Told) -> None:
    async with receiving() as receiver:
        await told.subscribed(POLICE, url=receiver.url)
        await tried(told)
        told.clock.forward(days=31)
        last = await tried(told)

    assert [row["notification_id"] for row in await told.rows()] == [last.test_id]
