"""Whoever is marked as unsafe for a young person is told nothing of them, and reads nothing."""

from typing import Any

import pytest
import pytest_asyncio

from services.notify.access import ledger_scope, own_notification
from services.notify.delivery.webhook import Caller as Webhooks
from services.notify.inbox.reading import read_page
from services.notify.notification import Notification
from services.notify.oversight.ledger import ledger_of
from services.notify.oversight.replay import Replay, replay_window
from shared.errors import NotFound
from shared.storage.store import Database
from shared.web.tokens import Caller
from tests.harness.receiver import receiving
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
    referral,
    stores_on,
)

MANAGER = Caller(account="usr_marked", role="hub_manager", hub_id=HUB)
SECOND = Caller(account="usr_second", role="hub_manager", hub_id=HUB)
AT_WORK = Caller(account="usr_worker", role="worker", worker_id=WORKER)
HOST = "ag_host"
# Each with one of its names, by which it is marked.
MARKED: dict[str, tuple[Caller, str]] = {
    "referrer": (Caller(account="usr_1", role="agency", agency_id=SCHOOL), f"agency:{SCHOOL}"),
    "partner": (Caller(account="usr_2", role="agency", agency_id=POLICE), f"agency:{POLICE}"),
    "one of a partner": (
        Caller(account="usr_3", role="agency", agency_id=POLICE),
        "account:usr_3",
    ),
    "worker": (AT_WORK, f"worker:{WORKER}"),
    "account of the worker": (AT_WORK, "account:usr_worker"),
    "host of the worker": (AT_WORK, f"agency:{HOST}"),
    "manager": (MANAGER, "account:usr_marked"),
    "operator": (Caller(account="usr_4", role="operator"), "account:usr_4"),
}


@pytest_asyncio.fixture
async def told(database: Database) -> Told:
    """A worker with a case; the school, the police and the Hub are told of it."""
    clock = Hands()
    stores = stores_on(database, clock)
    await stores.prepare()
    made = Told(stores, clock)
    await made.network(POLICE)
    await registered(made, host_agency_id=HOST)
    await made.says(consent())
    await made.subscribed(POLICE, kinds=("concern_in_your_area", "support_arranged"))
    return made


async def registered(told: Told, **changes: Any) -> None:
    await told.happens(
        "worker.registered",
        WORKER,
        **{
            "worker_id": WORKER,
            "hub_id": HUB,
            "worker_role": "spoke_worker",
            "areas": ("northtown",),
            "host_setting": "police",
            "cap": 20,
            "active": True,
            **changes,
        },
    )


async def placed(told: Told, referral_id: str = "ref_1", **changes: Any) -> None:
    await told.happens("referral.received", referral_id, **referral(referral_id, **changes))
    data = allocated(referral_id, level="significant", **changes)
    await told.happens("allocation.made", f"alloc_{referral_id}", **data)


async def inbox(told: Told, caller: Caller) -> list[Notification]:
    shown, _ = await read_page(told.stores, caller, None, 50)
    return shown


@pytest.mark.parametrize("first", ["mark", "notification", "reading"])
@pytest.mark.parametrize("who", MARKED)
async def test_whoever_is_marked_finds_nothing_in_the_inbox(
    told: Told, who: str, first: str
) -> None:
    caller, name = MARKED[who]
    if first == "mark":
        await told.marks(name)
    await placed(told)
    before = await inbox(told, caller) if first == "reading" else []
    if first != "mark":
        await told.marks(name)
        await told.looked_again()

    shown, cursor = await read_page(told.stores, caller, None, 50)

    assert (shown, cursor) == ([], None)
    for one in before:
        with pytest.raises(NotFound):
            await own_notification(told.stores, caller, one.id, "mark_opened")
    if first == "reading" and who != "operator":
        assert before, "there was something to be hidden"


async def test_the_others_at_the_hub_are_told_and_read_what_the_marked_manager_does_not(
    told: Told,
) -> None:
    await placed(told)
    await told.marks("account:usr_marked", f"worker:{WORKER}")
    about = {
        k: v for k, v in allocated().items() if k in ("referral_id", "subject_id", "agency_id")
    }
    await told.happens(
        "allocation.taken_away",
        "alloc_ref_1",
        **about,
        hub_id=HUB,
        worker_id=None,
        status="seeking",
        level="mild",
        urgency="five_working_days",
        from_worker_id=WORKER,
        reason="unsafe",
    )
    await told.looked_again()

    kinds = {n.kind for n in await inbox(told, SECOND)}
    assert {"case_taken_away", "safety_hold", "case_for_oversight"} <= kinds
    assert await inbox(told, MANAGER) == []
    scope = await ledger_scope(told.stores, SECOND, "ref_1")
    assert (await ledger_of(told.stores, "ref_1", scope, SECOND)).recipients
    assert not (await ledger_of(told.stores, "ref_1", scope, MANAGER)).recipients


async def test_another_young_persons_notifications_stay_where_they_were(told: Told) -> None:
    await placed(told)
    await placed(told, "ref_2", subject_id="sub_2")
    await told.marks("account:usr_marked")

    assert {n.referral_id for n in await inbox(told, MANAGER)} == {"ref_2"}
    await told.marks()
    assert {n.referral_id for n in await inbox(told, MANAGER)} == {"ref_1", "ref_2"}


async def test_what_waits_for_a_webhook_is_not_sent_to_who_was_marked_meanwhile(
    told: Told,
) -> None:
    async with receiving() as receiver:
        caller = Webhooks(development=True)
        async with caller.ready():
            await told.stores.subscriptions.collection.delete_many({})
            await told.subscribed(POLICE, url=receiver.url)
            await placed(told)
            await told.marks(f"agency:{POLICE}")

            await told.send_due(caller)

    assert not receiver.calls
    assert {n.status for n in await told.all(recipient_id=POLICE)} == {"withheld"}


async def test_a_worker_whose_host_is_marked_or_changes_to_a_marked_one_is_told_no_more(
    told: Told,
) -> None:
    await registered(told, host_agency_id=None)
    await told.marks(f"agency:{HOST}")
    await placed(told)
    before = await told.one(recipient_id=WORKER)
    await registered(told, host_agency_id=HOST)
    await told.looked_again()

    assert before.status == "pending"
    assert (await told.one(recipient_id=WORKER)).status == "withheld"
    assert [n.kind for n in await told.all(kind="safety_hold")] == ["safety_hold"]


async def test_a_referral_that_moves_takes_what_was_told_of_it_along(told: Told) -> None:
    await placed(told)
    assert await inbox(told, AT_WORK)
    other = {
        "subject_id": "sub_2",
        "referral_id": "ref_1",
        "referral_ids": ("ref_1",),
        "sharing": told.state,
        "unsafe_names": (f"worker:{WORKER}",),
    }
    await told.happens(
        "subject.relinked", "sub_2", **other, from_subject_id=SUBJECT, to_subject_id="sub_2"
    )
    moved = referral(subject_id="sub_2", subject_version=1)
    await told.happens("referral.amended", "ref_1", **moved, amended=("subject_id",))
    await told.looked_again()

    assert await inbox(told, AT_WORK) == []
    heard = {n.kind: n.status for n in await told.all(recipient_id=WORKER)}
    assert heard == {"case_allocated_to_you": "retracted", "case_news": "withheld"}


async def test_a_marked_manager_can_have_nothing_sent_again(told: Told) -> None:
    await placed(told)
    window = Replay(
        recipient_kind="agency",
        recipient_id=POLICE,
        since=told.clock.at.replace(year=2025),
        until=told.clock.at.replace(year=2027),
        channel="webhook",
    )
    scope = {"hub_id": HUB}
    await told.marks("account:usr_marked")

    replayed = await replay_window(told.stores, window, scope, MANAGER)

    assert (replayed.replayed, replayed.more) == (0, False)


async def test_an_agency_that_is_marked_is_not_asked_to_delete_what_it_was_told(
    told: Told,
) -> None:
    partner, name = MARKED["partner"]
    async with receiving() as receiver:
        caller = Webhooks(development=True)
        async with caller.ready():
            await told.stores.subscriptions.collection.delete_many({})
            await told.subscribed(POLICE, url=receiver.url)
            await placed(told)
            await told.send_due(caller)
            assert await inbox(told, partner)
            sent = len(receiver.calls)
            await told.marks(name)
            await told.looked_again()
            # Also where the ground ends after that.
            await told.says(consent("withdrawn", recorded_at=told.clock()))
            await told.looked_again()
            await told.send_due(caller)

    assert sent
    assert len(receiver.calls) == sent
    assert await told.all(recipient_id=POLICE, kind="retraction") == []
    assert await inbox(told, partner) == []
