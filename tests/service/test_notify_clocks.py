"""Clocks that respect people: reminders, escalation of what nobody opens, quiet hours, duty desks."""

from datetime import UTC, datetime

import pytest
import pytest_asyncio

from services.notify.delivery.timing import QuietHours
from services.notify.delivery.webhook import Caller
from services.notify.notification import OPEN_DUE, REMIND_DUE, Acted
from services.notify.oversight.escalation import unanswered, unopened
from services.notify.transitions import acted, opened
from shared.storage.store import Database
from tests.harness.receiver import receiving
from tests.service.notifying import (
    HUB,
    OPERATOR,
    POLICE,
    SCHOOL,
    WORKER,
    Hands,
    Told,
    allocated,
    consent,
    referral,
    stores_on,
)


@pytest_asyncio.fixture
async def told(database: Database) -> Told:
    """The Hub and the school, on a Monday morning."""
    clock = Hands()
    stores = stores_on(database, clock)
    await stores.prepare()
    made = Told(stores, clock)
    await made.network(POLICE)
    return made


async def allocate(told: Told, urgency: str = "immediate") -> None:
    await told.happens("referral.received", "ref_1", **referral(urgency=urgency))
    await told.happens("allocation.made", "all_1", **allocated(urgency=urgency))


async def ring(told: Told, clock: str) -> int:
    """Every such clock that has run out by now has rung."""
    count = 0
    while found := await told.stores.notifications.claim(clock, told.stores.lease):
        await (unopened if clock == OPEN_DUE else unanswered)(told.stores, found)
        count += 1
    return count


async def works_at(told: Told, worker_id: str, hub_id: str) -> None:
    await told.happens(
        "worker.registered",
        worker_id,
        worker_id=worker_id,
        hub_id=hub_id,
        worker_role="hub_worker",
        areas=("northtown",),
        host_setting="hub",
        cap=10,
        active=True,
    )


@pytest.mark.parametrize(("hub_id", "told_to"), [(HUB, "worker:wk_duty"), ("hub_x", f"hub:{HUB}")])
async def test_a_duty_desk_of_another_hub_s_worker_does_not_count(
    told: Told, hub_id: str, told_to: str
) -> None:
    await works_at(told, "wk_duty", hub_id)
    night = QuietHours(start="00:00", end="23:59")
    await told.subscribed(WORKER, "worker", quiet_hours=night, duty_desk="worker:wk_duty")
    await allocate(told)

    assert [n.recipient for n in await told.all(kind="urgent_out_of_hours")] == [told_to]


async def test_what_is_urgent_and_not_opened_goes_up_the_line_one_step_at_a_time(
    told: Told,
) -> None:
    await works_at(told, "wk_duty", HUB)
    await told.subscribed(HUB, "hub", duty_desk="worker:wk_duty")
    await allocate(told)

    line = []
    for _ in range(5):
        told.clock.forward(minutes=31)
        await ring(told, OPEN_DUE)
        line.append([n.recipient for n in await told.all(kind="unopened_urgent")])

    hub, desk, operator = f"hub:{HUB}", "worker:wk_duty", "operator:operator"
    assert line[:3] == [[hub], [hub, desk], [hub, desk, operator]]
    assert line[4] == line[2], "and there it ends"
    first = await told.one(recipient_id=WORKER)
    escalated = [e for e in await told.events(first.id) if e["type"] == "notification.escalated"]
    assert [e["data"]["to_id"] for e in escalated] == [HUB]


async def test_what_was_opened_in_time_wakes_nobody(told: Told) -> None:
    await allocate(told)
    mine = await told.one(recipient_id=WORKER)
    await told.stores.notifications.change(
        mine.id, lambda n: opened(n, told.clock(), "w"), by=OPERATOR
    )

    told.clock.forward(days=2)

    assert await ring(told, OPEN_DUE) == 0


async def test_what_is_not_urgent_wakes_nobody(told: Told) -> None:
    await allocate(told, "ten_working_days")

    told.clock.forward(days=2)

    assert await ring(told, OPEN_DUE) == 0


async def test_reminders_come_at_growing_distance_until_somebody_says_what_was_done(
    told: Told,
) -> None:
    await told.subscribed(WORKER, "worker", email="w@hub.example")
    await allocate(told, "ten_working_days")
    rang = []
    for day in range(40):
        if await ring(told, REMIND_DUE):
            rang.append(day)
        told.clock.forward(days=1)

    mine = await told.one(recipient_id=WORKER)
    assert rang == [1, 3, 9, 18]  # working days 1, 3, 7 and 14
    assert mine.reminders == 4
    assert mine.email is not None
    assert mine.email.status == "waiting", "it is mailed again"


async def test_nobody_is_asked_again_what_they_have_said(told: Told) -> None:
    await allocate(told)
    mine = await told.one(recipient_id=WORKER)
    receipt = Acted(person="w", name="N", taken="accepted", outcome="done", at=told.clock())
    await told.stores.notifications.change(mine.id, lambda n: acted(n, receipt), by=OPERATOR)

    told.clock.forward(days=60)

    assert await ring(told, REMIND_DUE) == 0


async def test_nobody_is_reminded_of_what_asks_nothing_of_them(told: Told) -> None:
    await told.happens("referral.received", "ref_1", **referral())

    told.clock.forward(days=60)

    assert (await told.one(recipient_id=SCHOOL)).action == "none"
    assert await ring(told, REMIND_DUE) == 0


@pytest.mark.parametrize(("urgency", "woken"), [("immediate", 1), ("ten_working_days", 0)])
async def test_out_of_hours_the_duty_desk_hears_of_what_is_urgent(
    told: Told, urgency: str, woken: int
) -> None:
    told.clock.at = datetime(2026, 3, 6, 22, 0, tzinfo=UTC)
    night = QuietHours(start="18:00", end="08:00", days_off="weekends_and_holidays")
    await told.says(consent())
    await told.subscribed(
        POLICE, email="p@police.example", quiet_hours=night, duty_desk="worker:wk_of_somebody"
    )

    await told.happens("referral.received", "ref_1", **referral(urgency=urgency))

    partner = await told.one(recipient_id=POLICE)
    woke = await told.all(kind="urgent_out_of_hours")
    assert [n.recipient for n in woke] == [f"hub:{HUB}"] * woken
    due = await told.stores.notifications.collection.find_one({"_id": partner.id})
    assert due is not None
    monday = datetime(2026, 3, 9, 8, 0, tzinfo=UTC)
    assert (due["email_due"] < monday) == bool(woken)
    assert woken or due["email_due"] == monday


async def test_a_webhook_wakes_nobody_and_does_not_wait_for_the_morning(told: Told) -> None:
    told.clock.at = datetime(2026, 3, 7, 22, 0, tzinfo=UTC)
    night = QuietHours(start="18:00", end="08:00")
    await told.says(consent())
    caller = Caller(development=True)
    async with receiving() as receiver, caller.ready():
        await told.subscribed(POLICE, url=receiver.url, quiet_hours=night)
        await told.happens("referral.received", "ref_1", **referral())
        await told.send_due(caller)

    assert len(receiver.calls) == 1
