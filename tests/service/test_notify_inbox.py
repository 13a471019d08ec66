"""Reading the inbox is being told: decided again first, once, and nothing is ever left out."""

import asyncio
import contextlib
import json
from dataclasses import replace
from random import Random
from typing import Any

import pytest
import pytest_asyncio

from services.notify.delivery.webhook import Caller as Webhooks
from services.notify.inbox.reading import read_page, stream, wait_for_page
from services.notify.inbox.routes import get_notifications, stream_notifications
from services.notify.notification import Notification
from shared.errors import NotFound
from shared.storage.store import Database
from shared.web.tokens import Caller
from tests.harness.receiver import receiving
from tests.service.notifying import POLICE, SCHOOL, Hands, Told, consent, referral, stores_on

READER = Caller(account="usr_1", role="agency", agency_id=POLICE)


@pytest_asyncio.fixture
async def told(database: Database) -> Told:
    """The police are told of what consent permits."""
    clock = Hands()
    stores = stores_on(database, clock)
    await stores.prepare()
    made = Told(stores, clock)
    await made.network(POLICE)
    await made.says(consent())
    return made


async def reach(told: Told, referral_id: str) -> Notification:
    await told.happens("referral.received", referral_id, **referral(referral_id))
    return await told.one(recipient_id=POLICE, referral_id=referral_id)


async def read(told: Told, after: str | None = None) -> list[str | None]:
    page = await wait_for_page(told.stores, READER, after, 50, 0)
    return [n.referral_id for n in page.notifications]


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
    shown, _ = await read_page(told.stores, READER, None, 50)
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
    told.clock.forward(seconds=9)

    page = await wait_for_page(told.stores, READER, newer.id, 50, 0)
    assert [n.referral_id for n in page.notifications] == ["ref_late"]
    assert await read(told, newer.id) == ["ref_late"], "the answer may have been lost on its way"
    assert await read(told, page.next) == []


@pytest.mark.parametrize("seed", range(3))
async def test_who_breaks_off_after_any_event_misses_nothing_and_reads_nothing_twice(
    told: Told, seed: int
) -> None:
    """Some are stored late, and each stretch ends after any number of events."""
    random = Random(seed)
    await told.subscribed(POLICE)
    made: list[str | None] = []
    heard: list[str | None] = []
    last: str | None = None
    for stretch in range(8):
        for number in range(random.randrange(1, 5)):
            late = random.choice((0, 0, 20))
            told.clock.forward(seconds=30 - late)
            made.append(f"ref_{stretch}_{number}")
            await reach(told, f"ref_{stretch}_{number}")
            told.clock.forward(seconds=late)
        read = await events(told, last, at_most=random.randrange(4))
        heard += [told_of["referral_id"] for _, told_of in read]
        last = read[-1][0] if read else last
    rest = await events(told, last, at_most=len(made) - len(heard), patience=20)
    heard += [told_of["referral_id"] for _, told_of in rest]

    assert not await events(told, rest[-1][0] if rest else last, at_most=1)
    assert sorted(map(str, heard)) == sorted(map(str, made)), seed


async def events(
    told: Told, last: str | None, *, at_most: int, patience: float = 0.4
) -> list[tuple[str, Any]]:
    """What a stream says behind this cursor, until there is nothing or it breaks off."""
    found: list[tuple[str, Any]] = []
    streamed = stream(told.stores, READER, last)
    assert "retry" in await anext(streamed)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(patience):
            while len(found) < at_most:
                lines = dict(
                    line.split(": ", 1) for line in (await anext(streamed)).strip().splitlines()
                )
                found.append((lines["id"], json.loads(lines["data"])))
    return found


async def test_what_was_taken_back_before_it_was_shown_is_not_shown(told: Told) -> None:
    webhooks = Webhooks(development=True)
    async with receiving() as receiver, webhooks.ready():
        await told.subscribed(POLICE, url=receiver.url)
        await reach(told, "ref_1")
        await told.send_due(webhooks)
        await told.says(consent("withdrawn", recorded_at=told.clock()))
        await told.looked_again()

    shown, _ = await read_page(told.stores, READER, None, 50)

    assert [n.kind for n in shown] == ["retraction"]


async def test_a_stream_and_a_waiting_request_end_with_the_token(told: Told) -> None:
    await told.subscribed(POLICE)
    first = await reach(told, "ref_1")
    caller = replace(READER, expires_at=told.clock.at.timestamp() + 60)
    streamed = stream(told.stores, caller, None)
    assert "retry" in await anext(streamed)
    assert first.id in await anext(streamed)
    waiting = asyncio.create_task(wait_for_page(told.stores, caller, first.id, 50, 25))

    told.clock.forward(seconds=61)
    page = await asyncio.wait_for(waiting, 10)
    await reach(told, "ref_2")
    rest = await asyncio.wait_for(anext(streamed, None), 10)

    assert (page.notifications, page.next) == ([], first.id)
    assert rest is None
    assert (await told.one(recipient_id=POLICE, referral_id="ref_2")).told_at is None


async def test_a_stream_shows_nothing_more_of_a_young_person_once_its_reader_is_marked(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.notify.inbox.reading.STREAM_ENDS", 1.5)
    await told.subscribed(POLICE)
    await reach(told, "ref_1")
    streamed = stream(told.stores, READER, None)
    await anext(streamed)
    assert "ref_1" in await anext(streamed)

    await told.marks(f"agency:{POLICE}")
    await reach(told, "ref_2")
    await told.looked_again()

    assert [each async for each in streamed] == []


async def test_a_cursor_that_is_not_ones_own_is_not_there_before_anything_is_sent(
    told: Told,
) -> None:
    await told.subscribed(POLICE)
    foreign = await reach(told, "ref_1")
    school = Caller(account="usr_2", role="agency", agency_id=SCHOOL)

    for cursor in (foreign.id, "ntf_" + "0" * 32):
        with pytest.raises(NotFound):
            await stream_notifications(school, told.stores, None, cursor)
        with pytest.raises(NotFound):
            await get_notifications(school, told.stores, None, cursor, 50, 0)
    assert (await stream_notifications(READER, told.stores, None, foreign.id)).status_code == 200
