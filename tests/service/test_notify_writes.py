"""What one event costs the store, and what is left of it after a crash in the middle of a write."""

import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import pytest
import pytest_asyncio
from pymongo import AsyncMongoClient
from pymongo.monitoring import CommandListener, CommandStartedEvent

from shared.events import Event
from shared.storage.store import Database
from tests.harness.mongo import Mongo
from tests.service.notifying import (
    HUB,
    POLICE,
    SCHOOL,
    SUBJECT,
    WORKER,
    Hands,
    Told,
    allocated,
    consent,
    event_of,
    referral,
    stores_on,
)


class Counting(CommandListener):
    """Counts the commands that the store is sent."""

    def __init__(self) -> None:
        self.seen: Counter[tuple[str, str]] = Counter()

    def started(self, event: CommandStartedEvent) -> None:
        name = event.command_name
        self.seen[(name, str(event.command.get(name)))] += 1

    def succeeded(self, event: object) -> None: ...
    def failed(self, event: object) -> None: ...


@pytest_asyncio.fixture
async def told(database: Database) -> Told:
    """An unsafe school refers; the police are told of what consent permits, two more are not."""
    clock = Hands()
    stores = stores_on(database, clock)
    await stores.prepare()
    made = Told(stores, clock)
    await made.network(POLICE, "ag_two", "ag_three")
    for agency_id in (POLICE, "ag_two", "ag_three"):
        await made.subscribed(agency_id)
    await made.says(consent())
    return made


async def ids(told: Told) -> set[str]:
    return {n.id for n in await told.all()}


@pytest.mark.parametrize("seed", range(8))
async def test_what_a_crash_cut_off_is_completed_when_the_event_comes_again(
    told: Told, seed: int
) -> None:
    await told.unsafe(SCHOOL)
    await told.unsafe("ag_two")
    event = event_of("referral.received", "ref_1", 1, **referral(urgency="immediate"))
    await told.hear(event)
    whole = await ids(told)
    lost = {each for each in sorted(whole) if random.Random(f"{seed}{each}").random() < 0.5}
    await told.stores.notifications.collection.delete_many({"_id": {"$in": sorted(lost)}})

    await told.hear(event)
    await told.hear(event)

    assert len(whole) > 4
    assert await ids(told) == whole
    for each in whole:
        assert len(await told.events(each)) == 1


async def test_a_notice_about_a_notification_is_never_missing_where_that_is_stored(
    told: Told,
) -> None:
    await told.unsafe("ag_two")
    await told.happens("referral.received", "ref_1", **referral())

    natural = told.stores.notifications.collection.find({}, {"kind": 1, "recipient_id": 1})
    order = [(each["kind"], each["recipient_id"]) async for each in natural.sort("$natural", 1)]

    assert order.index(("safety_hold", HUB)) < order.index(("concern_in_your_area", "ag_two"))


@pytest_asyncio.fixture
async def counted(mongo: Mongo, database: Database) -> AsyncIterator[tuple[Told, Counting]]:
    """Notify on a store that counts, with a Hub and two agencies, one of them a partner."""
    counting = Counting()
    async with AsyncMongoClient[dict[str, Any]](
        mongo.url, event_listeners=[counting], tz_aware=True
    ) as client:
        stores = stores_on(client[database.name], Hands())
        await stores.prepare()
        told = Told(stores, Hands())
        await told.network(POLICE)
        await told.subscribed(POLICE)
        yield told, counting


async def cost(counting: Counting, work: Awaitable[object]) -> Counter[tuple[str, str]]:
    before = counting.seen.copy()
    await work
    return counting.seen - before


def linked() -> Event[Any]:
    """A young person's first event."""
    about = {"subject_id": SUBJECT, "referral_id": "ref_1", "referral_ids": ("ref_1",)}
    sharing = {"consents": (consent().model_dump(),)}
    return event_of("subject.linked", SUBJECT, 1, **about, sharing=sharing, known_before=False)


async def test_a_referral_on_its_way_costs_the_store_few_calls(
    counted: tuple[Told, Counting],
) -> None:
    told, counting = counted
    about: dict[str, Any] = {
        "agency_id": SCHOOL,
        "hub_id": HUB,
        "worker_id": WORKER,
        "previous": "received",
    }
    about |= {"referral_id": "ref_1", "subject_id": SUBJECT, "subject_version": 1}
    about |= {name: referral()[name] for name in ("urgency", "due_at")}
    moved = event_of("referral.status_changed", "ref_1", 2, **about, status="allocated")
    budget = [
        (linked(), 2),
        (event_of("referral.received", "ref_1", 1, **referral(subject_version=1)), 8),
        # One of them asks whether the worker who is told is still there.
        (event_of("allocation.made", "ref_1", 1, **allocated()), 9),
        # The referrer is told.
        (moved, 6),
    ]

    for event, most in budget:
        calls = await cost(counting, told.hear(event))
        assert calls.total() <= most, (event.type, calls)

    assert len(await told.all(recipient_id=POLICE)) == 2
    assert len(await told.all()) == 5
