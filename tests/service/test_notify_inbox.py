"""Reading the inbox is being told: decided again first, once, and nothing is ever left out."""

import pytest_asyncio

from services.notify.domain.notification import Notification
from services.notify.routes.inbox import look
from services.notify.webhook import Caller as Webhooks
from shared.store import Database
from shared.tokens import Caller
from tests.harness.receiver import receiving
from tests.service.notifying import POLICE, Hands, Told, consent, desk_on, referral

READER = Caller(sub="p_1", role="agency", agency_id=POLICE)


@pytest_asyncio.fixture
async def told(database: Database) -> Told:
    """The police are told of what consent permits."""
    clock = Hands()
    desk = desk_on(database, clock)
    await desk.prepare()
    made = Told(desk, clock)
    await made.network(POLICE)
    await made.says(consent())
    return made


async def reach(told: Told, referral_id: str) -> Notification:
    await told.happens("referral.received", referral_id, **referral(referral_id))
    return await told.one(recipient_id=POLICE, referral_id=referral_id)


async def read(told: Told, after: str | None = None) -> list[str | None]:
    shown, _ = await look(told.desk, READER, after, 50)
    return [n.referral_id for n in shown]


async def test_what_is_not_permitted_any_more_is_not_in_the_answer(told: Told) -> None:
    await told.subscribed(POLICE)
    await reach(told, "ref_1")
    await told.says(consent("withdrawn", recorded_at=told.clock()))

    assert await read(told) == []

    found = await told.one(recipient_id=POLICE)
    assert found.status == "withheld"
    assert (await told.events(found.id))[-1]["data"]["stage"] == "inbox"


async def test_who_has_read_it_counts_as_told_and_is_asked_to_delete_it(told: Told) -> None:
    await told.subscribed(POLICE)
    await reach(told, "ref_1")
    assert await read(told) == await read(told) == ["ref_1"]

    await told.says(consent("withdrawn", recorded_at=told.clock()))
    await told.looked_again()

    first = await told.one(recipient_id=POLICE, kind="concern_in_your_area")
    types = [e["type"] for e in await told.events(first.id)]
    assert types == ["notification.created", "notification.delivered", "notification.retracted"]
    shown, _ = await look(told.desk, READER, None, 50)
    assert [(n.kind, n.status) for n in shown] == [
        ("concern_in_your_area", "retracted"),
        ("retraction", "delivered"),
    ]


async def test_what_was_stored_late_is_not_passed_over_by_the_cursor(told: Told) -> None:
    await told.subscribed(POLICE)
    told.clock.forward(seconds=10)
    newer = await reach(told, "ref_newer")
    assert await read(told) == ["ref_newer"]
    told.clock.forward(seconds=-8)  # a replica that had read the clock before, and stores only now

    await reach(told, "ref_late")

    assert await read(told, newer.id) == ["ref_late"]
    assert await read(told, newer.id) == []


async def test_what_was_taken_back_before_it_was_shown_is_not_shown(told: Told) -> None:
    webhooks = Webhooks(development=True)
    async with receiving() as receiver, webhooks.ready():
        await told.subscribed(POLICE, url=receiver.url)
        await reach(told, "ref_1")
        await told.send_due(webhooks)
        await told.says(consent("withdrawn", recorded_at=told.clock()))
        await told.looked_again()

    shown, _ = await look(told.desk, READER, None, 50)

    assert [n.kind for n in shown] == ["retraction"]
