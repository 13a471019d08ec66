"""Nobody learns of a young person from what changes around their own referral, and every look counts."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from allinone import sample
from shared.events.codes import INDICATORS
from tests.harness.mongo import Mongo
from tests.harness.network import a_referral
from tests.harness.waiting import until
from tests.harness.whole import Whole, whole

BASIS: dict[str, Any] = {
    **{"basis": "public_task", "condition": "safeguarding", "agency_ids": [sample.POLICE]},
    **{"categories": ["existence"], "reason": "MARKER-OF-SOUTH", "necessity": "MARKER-OF-SOUTH"},
    **{"review_at": "2027-01-01T00:00:00Z", "subject_told": True},
}


@pytest_asyncio.fixture(scope="module")
async def services(mongo: Mongo, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Whole]:
    async with whole(mongo.url, tmp_path_factory.mktemp("whole")) as made:
        south = {"name": "South Hub (synthetic)", "areas": ["southby"]}
        (await made.ask("operator", "PUT", "/v1/hubs/hub_south", json=south)).raise_for_status()

        async def known() -> bool:
            return (await made.ask("other_manager", "GET", "/v1/referrals")).is_success

        await until(known, deadline=20, what="the south")
        yield made


async def a_case(services: Whole, who: str, key: str, manager: str = "manager", **more: Any) -> str:
    """The id of a referral of this agency that allocation has."""
    document = a_referral(agency_reference=key, urgency="ten_working_days", **more)
    headers = {"Idempotency-Key": key}
    sent = await services.ask(who, "POST", "/v1/referrals", json=document, headers=headers)
    assert sent.status_code == 201, sent.text
    one = str(sent.json()["id"])

    async def settled() -> bool:
        found = await services.ask(manager, "GET", f"/v1/referrals/{one}")
        return found.is_success and found.json()["status"] in ("allocated", "waiting")

    await until(settled, deadline=20, what=f"a place for {key}")
    return one


async def looks(services: Whole, one: str) -> list[dict[str, Any]]:
    answer = await services.ask("auditor", "GET", f"/v1/trail?referral_id={one}&limit=500")
    events = [entry["leaf"]["event"] for entry in answer.json()["entries"]]
    return [event["data"] for event in events if event["type"] == "record.viewed"]


async def test_a_hub_reads_its_own_words_of_a_young_person_and_each_look_is_recorded(
    services: Whole,
) -> None:
    child = {"name": "Child of two Hubs", "date_of_birth": "2011-07-11"}
    north = await a_case(services, "school", "north", subject=child)
    south = await a_case(
        services, "police", "south", "other_manager", subject=child, area="southby"
    )
    path, headers = f"/v1/referrals/{south}/bases", {"Idempotency-Key": "one"}
    made = await services.ask("other_manager", "POST", path, json=BASIS, headers=headers)
    assert made.is_success, made.text

    seen = await services.ask("manager", "GET", f"/v1/referrals/{north}/sharing")
    own = await services.ask("other_manager", "GET", f"/v1/referrals/{south}/sharing")
    agency = f"agency_id={sample.POLICE}"
    await services.ask("manager", "GET", f"/v1/referrals/{north}/sharing/decision?{agency}")

    assert seen.is_success
    assert "MARKER-OF-SOUTH" not in seen.text
    assert own.text.count("MARKER-OF-SOUTH") == 2

    async def recorded() -> bool:
        found = [await looks(services, one) for one in (north, south)]
        parts = [[look["part"] for look in each].count("sharing") for each in found]
        return parts == [2, 1]

    await until(recorded, deadline=20, what="an entry for each look")


async def shown(services: Whole, one: str) -> dict[str, Any]:
    """All that its referrer can read around their own referral."""
    path = f"/v1/referrals/{one}"
    read = await services.ask("police", "GET", path)
    trail = (await services.ask("police", "GET", f"/v1/trail?referral_id={one}&limit=500")).json()
    inbox = (await services.ask("police", "GET", "/v1/notifications?limit=100")).json()
    own = "You viewed your own referral"
    return {
        "tag": read.headers["ETag"],
        "view": read.json(),
        "trail": [e["says"] for e in trail["entries"] if own not in e["says"]],
        "told": [n["kind"] for n in inbox["notifications"] if n["referral_id"] == one],
    }


async def test_what_others_report_changes_nothing_that_a_referrer_reads(services: Whole) -> None:
    names = {"same": "Barnaby Quillfeather", "near": "Barnaby Quilfeather", "other": "Otto Penn"}
    born = {"date_of_birth": "2012-03-22"}
    many = [{"code": code, "recency": "current"} for code in sorted(INDICATORS)[:90]]
    one = await a_case(
        services, "police", "mine", subject={"name": names["same"], **born}, indicators=[]
    )
    alone = await a_case(
        services, "police", "alone", subject={"name": "Oswald Penhaligon", **born}, indicators=[]
    )

    async def sealed() -> bool:  # until then the trail lacks what has happened
        found = await shown(services, one)
        return bool(found["told"]) and sum("Your inbox took" in s for s in found["trail"]) == len(
            found["told"]
        )

    await until(sealed, deadline=20, what="the trail of it")
    before = await shown(services, one)

    for key, name in names.items():
        await a_case(services, "school", key, subject={"name": name, **born}, indicators=many)

    async def relevelled() -> bool:  # so that there was something to be seen
        found = await services.ask("manager", "GET", f"/v1/allocations/{one}")
        return bool(found.json()["level"] != "none_apparent")

    async def suspected() -> bool:
        found = await services.ask("manager", "GET", "/v1/possible-matches")
        return any(one in match["referral_ids"] for match in found.json()["matches"])

    await until(relevelled, deadline=20, what="the level of it")
    await until(suspected, deadline=20, what="a possible match")
    await until(services.process.ready, deadline=20)

    assert await shown(services, one) == before
    # Nor does how it stands when it is new tell whether there was anybody.
    tags = {len((await shown(services, each))["tag"]) for each in (one, alone)}
    assert len(tags) == 1
