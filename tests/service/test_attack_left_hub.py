"""What another Hub has now is not read on by the one before, nor told to those whom it is kept from."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from allinone import sample
from shared.ids import new_id
from tests.harness.mongo import Mongo
from tests.harness.network import a_referral
from tests.harness.waiting import until
from tests.harness.whole import Whole, whole

SOUTH = "hub_south"


@pytest_asyncio.fixture(scope="module")
async def services(mongo: Mongo, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Whole]:
    """With a Hub in the south that has nobody for one of its areas."""
    async with whole(mongo.url, tmp_path_factory.mktemp("whole")) as made:
        south = {"name": "South Hub (synthetic)", "areas": ["southby", "southend"]}
        (await send(made, "operator", "PUT", f"/v1/hubs/{SOUTH}", south)).raise_for_status()
        worker = {**sample.EVERY_WORKER, "worker_role": "hub_worker", "host_setting": "hub"}
        worker |= {"hub_id": SOUTH, "areas": ["southby"]}
        (await send(made, "operator", "PUT", "/v1/workers/wk_south", worker)).raise_for_status()
        await until(reads(made, "other_manager", "/v1/referrals"), deadline=20)
        yield made


async def send(
    services: Whole, who: str, method: str, path: str, body: Any = None
) -> httpx2.Response:
    headers = {"Idempotency-Key": new_id("key"), "If-Match": "*"}
    return await services.ask(who, method, path, json=body, headers=headers)


def reads(services: Whole, who: str, path: str) -> Any:
    async def can() -> bool:
        return (await services.ask(who, "GET", path)).is_success

    return can


async def refer(services: Whole, key: str, area: str, hub: str) -> str:
    """A referral in this area, which the Hub of this manager has."""
    subject = {"name": f"Child of {key}", "date_of_birth": "2011-02-03"}
    document = a_referral(agency_reference=key, subject=subject, area=area, settings_avoided=[])
    sent = await send(services, "school", "POST", "/v1/referrals", document)
    referral_id = str(sent.json()["id"])
    await until(reads(services, hub, f"/v1/allocations/{referral_id}"), deadline=20)
    return referral_id


async def test_a_hub_that_lost_a_referral_by_its_area_reads_no_more_of_its_trail(
    services: Whole,
) -> None:
    """Who sent it corrects the area while nobody has it: it is another Hub's, and so is its trail."""
    referral_id = await refer(services, "corrected", "southend", "other_manager")
    trail = f"/v1/trail?referral_id={referral_id}&limit=100"
    await until(reads(services, "other_manager", trail), deadline=20)

    path = f"/v1/referrals/{referral_id}/amendments"
    (await send(services, "school", "POST", path, {"area": "northtown"})).raise_for_status()
    await until(reads(services, "manager", trail), deadline=20)

    for old in (trail, f"/v1/referrals/{referral_id}", f"/v1/allocations/{referral_id}"):
        assert (await services.ask("other_manager", "GET", old)).status_code == 404
    entries = (await services.ask("manager", "GET", trail)).json()["entries"]
    for place in (entries[0]["seq"], entries[-1]["seq"]):
        entry = f"/v1/trail/{place}"
        assert (await services.ask("manager", "GET", entry)).status_code == 200
        assert (await services.ask("other_manager", "GET", entry)).status_code == 404
