"""What another Hub has now is not read on by the one before, nor told to those whom it is kept from."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from allinone import sample
from services.allocation.rota.plan import KINDS
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


@pytest.mark.parametrize("told_by", ["transfer", "cover"])
async def test_who_is_marked_moves_no_mailbox_of_a_hub_that_is_told_of_the_young_person(
    services: Whole, told_by: str
) -> None:
    """The other Hub is to take the referral over, or its desk covers: its mail names the referral."""
    marked, other = f"marked_{told_by}", "other_manager"
    services.tokens[marked] = services.token(sub=marked, role="hub_manager", hub_id=SOUTH)
    (await services.ask(marked, "GET", "/v1/referrals")).raise_for_status()
    if told_by == "cover":
        await covered_by(services, f"hub:{SOUTH}")
    area = {"transfer": "northtown", "cover": "westby"}[told_by]
    referral_id = await refer(services, told_by, area, "manager")
    path = f"/v1/referrals/{referral_id}"
    mark = {"unsafe": True, "relation": "alleged_perpetrator", "sub": marked}

    async def is_marked() -> bool:  # once the service has heard of the account
        return (
            await services.ask("manager", "PUT", f"{path}/unsafe-accounts", json=mark)
        ).is_success

    async def is_told() -> bool:
        inbox = await services.ask(other, "GET", "/v1/notifications?limit=100")
        return referral_id in inbox.text

    await until(is_marked, deadline=20)
    if told_by == "transfer":
        proposal = {"to_hub_id": SOUTH, "reason": "capacity"}
        (await send(services, "manager", "POST", f"{path}/transfer", proposal)).raise_for_status()
    await until(is_told, deadline=20)
    mailbox = {"email": "elsewhere@south.example"}

    async def refused() -> bool:  # once the service has heard of the mark
        answer = await services.ask(marked, "PUT", f"/v1/subscriptions/{SOUTH}", json=mailbox)
        return (answer.status_code, answer.json().get("code")) == (409, "somebody_else")

    await until(refused, deadline=20, what="a refusal")
    moved = await services.ask(other, "PUT", f"/v1/subscriptions/{SOUTH}", json=mailbox)
    assert moved.is_success


async def covered_by(services: Whole, cover: str) -> None:
    """The northern Hub has nobody for one of its areas, and nobody on duty but this cover."""
    for worker_id in (*sample.WORKERS, sample.DUTY):
        path = f"/v1/workers/{worker_id}"
        entry = (await services.ask("operator", "GET", path)).json()["entry"]
        body = {**entry, "areas": ["northtown"]}
        (await send(services, "operator", "PUT", path, body)).raise_for_status()
    span = {"name": "always", "days": KINDS, "start": "00:00", "end": "00:00", "cover": cover}
    path = f"/v1/hubs/{sample.HUB}/rota"
    (await send(services, "operator", "PUT", path, {"spans": [span]})).raise_for_status()


@pytest.mark.parametrize("cover", ["hub:hub_nowhere", f"hub:{sample.HUB}", "worker:wk_nowhere"])
async def test_nobody_arranges_cover_that_would_never_come(services: Whole, cover: str) -> None:
    """Else the rota has no gap, what waits is said to nobody, and nobody knows."""
    span = {"name": "always", "days": KINDS, "start": "00:00", "end": "00:00", "cover": cover}
    path = f"/v1/hubs/{sample.HUB}/rota"
    answer = await send(services, "operator", "PUT", path, {"spans": [span]})
    assert (answer.status_code, answer.json().get("code")) == (409, "cover_unknown")


async def test_nobody_names_a_duty_desk_of_a_hub_that_is_not_there(services: Whole) -> None:
    """What is urgent out of hours would be told to nobody."""
    path = f"/v1/subscriptions/{sample.HUB}"
    codes = []
    for hub in ("hub_nowhere", SOUTH):
        entry = {"duty_desk": f"hub:{hub}"}
        codes.append((await services.ask("manager", "PUT", path, json=entry)).json().get("code"))
    assert codes == ["desk_unknown", None]


async def test_what_is_held_back_after_a_transfer_is_said_to_the_hub_that_has_it_now(
    services: Whole,
) -> None:
    """The new Hub marks who sent it: the one before hears of no safety hold."""
    referral_id = await refer(services, "held back", "northtown", "manager")
    proposal = {"to_hub_id": SOUTH, "reason": "moving_area", "area": "southby"}
    path = f"/v1/referrals/{referral_id}"
    (await send(services, "manager", "POST", f"{path}/transfer", proposal)).raise_for_status()
    accepted = f"/v1/transfers/{referral_id}/acceptance"
    (await send(services, "other_manager", "POST", accepted)).raise_for_status()
    await until(reads(services, "other_manager", f"/v1/allocations/{referral_id}"), deadline=20)

    async def ledger(who: str) -> list[dict[str, Any]]:
        asked = await services.ask(who, "GET", f"/v1/notifications/by-event?{of}")
        return [each for event in asked.json()["events"] for each in event["told"]]

    async def told_all() -> bool:  # once each that the sender was told is decided on again
        asked = (await services.ask("auditor", "GET", f"/v1/notifications/by-event?{of}")).json()
        found = [*(e["told"] for e in asked["events"])]
        return not any(each["recipient_id"] == sample.SCHOOL for one in found for each in one)

    of = f"referral_id={referral_id}"
    mark = {"unsafe": True, "relation": "alleged_perpetrator"}
    to = f"{path}/unsafe-agencies/{sample.SCHOOL}"
    (await send(services, "other_manager", "PUT", to, mark)).raise_for_status()
    await until(told_all, deadline=20, what="nothing told to who is unsafe")

    held = {
        who: {each["kind"] for each in await ledger(who)} & {"safety_hold"}
        for who in ("manager", "other_manager")
    }
    assert held == {"manager": set(), "other_manager": {"safety_hold"}}
    inbox = (await services.ask("manager", "GET", "/v1/notifications?limit=100")).json()
    theirs = [each for each in inbox["notifications"] if each["referral_id"] == referral_id]
    assert "safety_hold" not in {each["kind"] for each in theirs}


async def test_the_hub_before_reads_in_its_ledger_no_finding_of_afterwards(
    services: Whole,
) -> None:
    """That somebody is marked since, by the new Hub, stands in what the one before reads."""
    referral_id = await refer(services, "ledger", "northtown", "manager")
    proposal = {"to_hub_id": SOUTH, "reason": "moving_area", "area": "southby"}
    path = f"/v1/referrals/{referral_id}"
    (await send(services, "manager", "POST", f"{path}/transfer", proposal)).raise_for_status()
    accepted = f"/v1/transfers/{referral_id}/acceptance"
    (await send(services, "other_manager", "POST", accepted)).raise_for_status()
    mark = {"unsafe": True, "relation": "alleged_perpetrator"}
    to = f"{path}/unsafe-agencies/{sample.SCHOOL}"
    (await send(services, "other_manager", "PUT", to, mark)).raise_for_status()
    ledger = f"/v1/notifications/by-event?referral_id={referral_id}"

    async def decided_again() -> bool:
        return "recipient_unsafe" in (await services.ask("auditor", "GET", ledger)).text

    async def nothing_shown() -> bool:  # once notify has heard of the transfer, too
        return not (await services.ask("manager", "GET", ledger)).json()["events"]

    await until(decided_again, deadline=20)
    await until(nothing_shown, deadline=20)
    shared = f"/v1/notifications/recipients?referral_id={referral_id}"
    assert (await services.ask("manager", "GET", shared)).json()["recipients"] == []
