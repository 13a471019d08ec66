"""Who has left is told nothing more: an inactive agency, a removed worker; and coming back restores it."""

from typing import Any

import pytest
import pytest_asyncio

from services.notify.access import has_left
from services.notify.delivery.webhook import Caller as Webhooks
from services.notify.inbox.reading import stream, wait_for_page
from shared.errors import NotFound
from shared.storage.store import Database
from shared.web.tokens import Caller
from tests.harness.receiver import receiving
from tests.service.notifying import (
    AREA,
    HUB,
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

PEOPLE = {
    "referrer": Caller(account="usr_1", role="agency", agency_id=SCHOOL),
    "partner": Caller(account="usr_2", role="agency", agency_id=POLICE),
    "worker": Caller(account="usr_3", role="worker", worker_id=WORKER),
}


@pytest_asyncio.fixture
async def told(database: Database) -> Told:
    clock = Hands()
    stores = stores_on(database, clock)
    await stores.prepare()
    made = Told(stores, clock)
    await made.network(POLICE)
    await entry(made, "worker", active=True)
    await made.says(consent())
    return made


async def entry(told: Told, who: str, *, active: bool) -> None:
    """Their entry is this now."""
    if who == "worker":
        data: dict[str, Any] = {"worker_id": WORKER, "hub_id": HUB, "worker_role": "hub_worker"}
        data |= {"areas": (AREA,), "host_setting": "hub", "cap": 10, "active": active}
        await told.happens("worker.registered", WORKER, **data)
        return
    one = str(PEOPLE[who].agency_id)
    data = {"agency_id": one, "kind": "6", "areas": (AREA,), "active": active}
    await told.happens("agency.amended", one, **data)


async def a_case(told: Told, referral_id: str) -> None:
    await told.happens("referral.received", referral_id, **referral(referral_id))
    await told.happens("allocation.made", referral_id, **allocated(referral_id))


def own(who: str) -> dict[str, str]:
    caller = PEOPLE[who]
    return {"recipient_id": str(caller.agency_id or caller.worker_id)}


@pytest.mark.parametrize("who", ["referrer", "worker"])
async def test_what_waits_for_who_leaves_is_not_sent_and_nothing_new_is(
    told: Told, who: str
) -> None:
    await a_case(told, "ref_1")
    waiting = await told.all(**own(who))
    assert waiting
    assert all(n.status != "withheld" for n in waiting)

    await entry(told, who, active=False)
    await told.looked_again()
    await a_case(told, "ref_2")

    found = await told.all(**own(who))
    assert {n.referral_id for n in found} == {"ref_1", "ref_2"}
    assert {n.status for n in found} == {"withheld"}

    await entry(told, who, active=True)
    await a_case(told, "ref_3")
    back = await told.all(**own(who), referral_id="ref_3")
    assert back
    assert all(n.status != "withheld" for n in back)


async def test_a_webhook_of_an_inactive_agency_is_called_no_more(told: Told) -> None:
    async with receiving() as receiver:
        await told.subscribed(SCHOOL, url=receiver.url)
        await a_case(told, "ref_1")
        await entry(told, "referrer", active=False)
        await told.looked_again()
        assert await told.send_due(Webhooks(development=True)) == 0
        assert receiver.calls == []


@pytest.mark.parametrize("who", PEOPLE)
async def test_an_open_inbox_closes_and_opens_again(told: Told, who: str) -> None:
    await a_case(told, "ref_1")
    caller = PEOPLE[who]
    assert not await has_left(told.stores, caller)

    await entry(told, who, active=False)
    assert await has_left(told.stores, caller)
    assert [part async for part in stream(told.stores, caller, None)] == ["retry: 2000\n\n"]

    await entry(told, who, active=True)
    assert not await has_left(told.stores, caller)


async def test_who_leaves_while_they_wait_is_told_that_nothing_is_there(told: Told) -> None:
    await entry(told, "worker", active=False)
    with pytest.raises(NotFound):
        await wait_for_page(told.stores, PEOPLE["worker"], None, 10, 5)


async def test_of_a_hub_that_nobody_registered_nothing_is_there(told: Told) -> None:
    nowhere = Caller(account="usr_4", role="hub_manager", hub_id="hub_nowhere")
    here = Caller(account="usr_5", role="hub_manager", hub_id=HUB)
    unknown = Caller(account="usr_6", role="agency", agency_id="ag_unknown")

    assert [await has_left(told.stores, c) for c in (nowhere, here, unknown)] == [
        True,
        False,
        False,
    ]
