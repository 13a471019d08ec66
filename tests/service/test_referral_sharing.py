"""Reading a referral: each caller sees exactly what is permitted now, and every look is recorded."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from pymongo import AsyncMongoClient

from services import sample
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import PEOPLE, Network, running
from tests.harness.waiting import until

ROUNDS = 200
CONSENT = {
    "status": "given",
    "categories": ["existence", "concerns"],
    "given_by": "young_person",
    "gillick_competent": True,
}
WITHDRAWN = {**CONSENT, "status": "withdrawn", "gillick_competent": None}


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    services = ["referral", "allocation", "audit"]
    async with running(broker, mongo, tmp_path_factory.mktemp("sharing"), services) as started:
        await started.load_sample()
        yield started


async def allocated(network: Network, key: str, **changes: Any) -> str:
    """A referral, about a young person of its own, that wk_hub_one works on."""
    subject = {"name": f"Sample Child {key}", "date_of_birth": "2012-05-17"}
    posted = await network.refer(key, **{"subject": subject, **changes})
    assert posted.status_code == 201, posted.text
    referral_id = str(posted.json()["id"])

    async def is_allocated() -> bool:
        answer = await network.ask("school", "GET", f"/v1/referrals/{referral_id}")
        return bool(answer.json()["status"] == "allocated")

    await until(is_allocated, deadline=20, what="the allocation")
    return referral_id


async def read(network: Network, person: str, referral_id: str) -> httpx2.Response:
    return await network.ask(person, "GET", f"/v1/referrals/{referral_id}")


async def say(network: Network, person: str, referral_id: str, key: str, entry: Any) -> None:
    path = f"/v1/referrals/{referral_id}/consents"
    headers = {"Idempotency-Key": key}
    answer = await network.ask(person, "POST", path, json=entry, headers=headers)
    assert answer.status_code == 201, answer.text


async def events(network: Network, referral_id: str, *types: str) -> list[dict[str, Any]]:
    return [e for e in await network.trail(referral_id) if e["type"] in types]


async def test_a_partner_sees_what_is_permitted_now_and_why_not_the_rest(network: Network) -> None:
    referral_id = await allocated(network, "partner")

    before = await read(network, "police", referral_id)
    await say(network, "school", referral_id, "yes", CONSENT)
    during = await read(network, "police", referral_id)
    await say(network, "worker", referral_id, "no", WITHDRAWN)
    after = await read(network, "police", referral_id)

    assert (before.status_code, during.status_code, after.status_code) == (404, 200, 404)
    seen = during.json()
    assert set(seen["categories"]) == {"existence", "concerns"}
    assert seen["viewed_as"] == "agency"
    reasons = {w["category"]: w["reason"] for w in seen["withheld"]}
    assert reasons["identity"] == "no_ground"
    assert "Sample Child" not in during.text
    assert seen["subject_id"] is None


async def test_every_look_and_every_refusal_is_in_the_trail(network: Network) -> None:
    referral_id = await allocated(network, "looks")
    await say(network, "school", referral_id, "yes", CONSENT)
    await read(network, "police", referral_id)
    await read(network, "stranger", referral_id)

    async def both() -> bool:
        refusals = await events(network, referral_id, "record.refused")
        views = await events(network, referral_id, "record.viewed")
        partners = [v for v in views if v["data"]["viewer_kind"] == "agency"]
        return bool(refusals and partners)

    await until(both, deadline=15, what="the looks in the trail")
    (refusal,) = await events(network, referral_id, "record.refused")
    views = await events(network, referral_id, "record.viewed")
    (view,) = [v["data"] for v in views if v["data"]["viewer_kind"] == "agency"]
    assert refusal["data"]["viewer_id"] == "ag_elsewhere"
    permitted = {v["category"] for v in view["verdicts"] if v["permitted"]}
    assert permitted == {"existence", "concerns"}
    grounds = {v["ground"] for v in view["verdicts"] if v["permitted"]}
    assert grounds == {"consent"}
    assert {v["agreement_id"] for v in view["verdicts"] if v["permitted"]} == {"isa_northtown"}


async def test_the_worker_sees_all_the_work_needs(network: Network) -> None:
    referral_id = await allocated(network, "worker-reads")

    seen = (await read(network, "worker", referral_id)).json()

    assert seen["viewed_as"] == "worker"
    assert seen["categories"]["identity"]["identity"]["name"] == "Sample Child worker-reads"
    assert seen["categories"]["narrative"]["narrative"] == "Synthetic text."
    assert seen["categories"]["submission"]["referrer"]["name"] == "Sample Referrer"
    assert seen["advice"] is not None  # nobody recorded a discussion


async def test_a_basis_shares_without_consent_until_it_is_ended(network: Network) -> None:
    referral_id = await allocated(network, "basis")
    path = f"/v1/referrals/{referral_id}/bases"
    entry = {
        "basis": "public_task",
        "condition": "safeguarding",
        "agency_ids": [sample.POLICE],
        "categories": ["existence", "risk"],
        "reason": "Synthetic reason.",
        "necessity": "Synthetic necessity.",
        "review_at": "2027-01-01T00:00:00Z",
        "subject_told": False,
    }
    headers = {"Idempotency-Key": "basis"}

    by_school = await network.ask("school", "POST", path, json=entry, headers=headers)
    made = await network.ask("worker", "POST", path, json=entry, headers=headers)
    repeated = await network.ask("worker", "POST", path, json=entry, headers=headers)
    seen = await read(network, "police", referral_id)
    preview = await network.ask(
        "manager",
        "GET",
        f"/v1/referrals/{referral_id}/sharing/decision?agency_id={sample.POLICE}",
    )
    basis_id = made.json()["bases"][0]["id"]
    recorded = await network.ask("worker", "GET", f"/v1/referrals/{referral_id}/sharing")
    await network.ask("worker", "POST", f"{path}/{basis_id}/end")
    after = await read(network, "police", referral_id)

    assert by_school.status_code == 404
    assert "Synthetic necessity." in recorded.json()["reasons"].values()
    assert len(repeated.json()["bases"]) == 1
    assert set(seen.json()["categories"]) == {"existence", "risk"}
    permitted = {v["category"] for v in preview.json()["verdicts"] if v["permitted"]}
    assert permitted == {"existence", "risk"}
    assert after.status_code == 404


async def test_an_unsafe_agency_sees_nothing_even_as_the_referrer(network: Network) -> None:
    referral_id = await allocated(network, "unsafe")
    await say(network, "school", referral_id, "yes", CONSENT)
    base = f"/v1/referrals/{referral_id}/unsafe-agencies"
    for agency in (sample.SCHOOL, sample.POLICE):
        await network.ask(
            "manager",
            "PUT",
            f"{base}/{agency}",
            json={"unsafe": True, "relation": "close_associate"},
        )

    school = await read(network, "school", referral_id)
    police = await read(network, "police", referral_id)
    says = await network.ask(
        "school",
        "POST",
        f"/v1/referrals/{referral_id}/consents",
        json=CONSENT,
        headers={"Idempotency-Key": "again"},
    )

    assert (school.status_code, police.status_code, says.status_code) == (404, 404, 404)
    listed = await network.ask("school", "GET", "/v1/referrals?limit=100")
    assert referral_id not in {r["id"] for r in listed.json()["referrals"]}


async def test_a_repeated_request_is_answered_as_the_first_was_whatever_has_come_since(
    network: Network,
) -> None:
    subject = {"name": "Sample Child repeat", "date_of_birth": "2012-05-17"}
    first = await network.refer("repeat", subject=subject)
    referral_id = await allocated(network, "repeat")
    await network.ask(
        "manager",
        "PUT",
        f"/v1/referrals/{referral_id}/unsafe-agencies/{sample.SCHOOL}",
        json={"unsafe": True, "relation": "close_associate"},
    )

    again = await network.refer("repeat", subject=subject)

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["status"] == "received"
    assert again.json() == first.json()
    assert again.headers["etag"] == first.headers["etag"]


async def test_no_read_after_the_withdrawal_was_answered_shows_the_category(
    network: Network,
) -> None:
    referral_id = await allocated(network, "race")
    shown_in_time = 0

    for number in range(ROUNDS):
        await say(network, "school", referral_id, f"yes-{number}", CONSENT)
        early = asyncio.create_task(read(network, "police", referral_id))
        await asyncio.gather(
            say(network, "school", referral_id, f"no-{number}", WITHDRAWN),
            read(network, "police", referral_id),
        )
        late = await read(network, "police", referral_id)  # starts after the answer
        assert late.status_code == 404, f"round {number} showed it after the withdrawal"
        shown_in_time += (await early).status_code == 200

    print(f"{shown_in_time} of {ROUNDS} early reads were shown")
    assert shown_in_time  # else nothing was withdrawn from anyone


async def test_a_look_that_cannot_be_recorded_is_not_given(network: Network) -> None:
    referral_id = await allocated(network, "unrecorded")
    async with AsyncMongoClient[dict[str, Any]](network.mongo.url) as client:
        looks = client[network.database("referral")]["looks"]
        # From now on a second look at any one referral can't be stored.
        stored = await looks.find_one({"referral_id": referral_id})
        assert stored is not None
        await looks.delete_many({})
        await looks.insert_one(stored)
        await looks.create_index([("referral_id", 1)], unique=True, name="sabotage")
        try:
            worker = await read(network, "worker", referral_id)
            stranger = await read(network, "stranger", referral_id)
        finally:
            await looks.drop_index("sabotage")

    assert (worker.status_code, stranger.status_code) == (503, 503)
    assert "Sample Child" not in worker.text


UNMARK = {"unsafe": False, "relation": "household_member"}
REFERRER, WORKER, MANAGER = "school", "worker", "manager"
ROUTES: list[tuple[str, str, Any, set[str]]] = [
    ("GET", "", None, {REFERRER, WORKER, MANAGER}),
    ("GET", "/sharing", None, {WORKER, MANAGER}),
    ("GET", f"/sharing/decision?agency_id={sample.POLICE}", None, {WORKER, MANAGER}),
    ("GET", "/possible-matches", None, {MANAGER}),
    ("POST", "/consents", CONSENT, {REFERRER, WORKER, MANAGER}),
    ("PUT", f"/unsafe-agencies/{sample.HEALTH}", UNMARK, {WORKER, MANAGER}),
    ("PUT", "/unsafe-workers/wk_spoke_one", UNMARK, {WORKER, MANAGER}),
    ("PUT", "/service-agreement", {"agreed": "agreed"}, {REFERRER, WORKER, MANAGER}),
    ("POST", "/discussion", {"discussed": True}, {REFERRER, WORKER, MANAGER}),
    ("POST", "/amendments", {"narrative": "n"}, {REFERRER, WORKER, MANAGER}),
    ("POST", "/steps/screening", {}, {REFERRER, WORKER, MANAGER}),  # 409 for the referrer
    ("POST", "/steps/reopening", {"reason": "other"}, {REFERRER, WORKER, MANAGER}),
    ("POST", "/erasure", {"reason": "right_to_erasure"}, {MANAGER}),
]


@pytest.mark.parametrize(("method", "path", "body", "allowed"), ROUTES)
async def test_every_route_is_there_only_for_those_it_is_for(
    network: Network, method: str, path: str, body: Any, allowed: set[str]
) -> None:
    referral_id = await allocated(network, f"route-{method}-{path}")
    for person in PEOPLE:
        # "*" always matches, so a 404 is not hidden behind a stale tag.
        headers = {"Idempotency-Key": person, "If-Match": "*"}
        answer = await network.ask(
            person, method, f"/v1/referrals/{referral_id}{path}", json=body, headers=headers
        )
        if person in allowed:
            assert answer.status_code in (200, 201, 409), (person, answer.text)
        else:
            assert answer.status_code == 404, (person, answer.text)


async def test_a_basis_of_another_young_person_is_not_there(network: Network) -> None:
    mine, theirs = (
        await allocated(network, "nested-1"),
        await allocated(
            network, "nested-2", subject={"name": "Other Child", "date_of_birth": "2011-01-01"}
        ),
    )
    entry = {
        "basis": "public_task",
        "agency_ids": [sample.POLICE],
        "categories": ["existence"],
        "reason": "Synthetic.",
        "necessity": "Synthetic.",
        "review_at": "2027-01-01T00:00:00Z",
        "subject_told": True,
    }
    made = await network.ask(
        "worker",
        "POST",
        f"/v1/referrals/{theirs}/bases",
        json=entry,
        headers={"Idempotency-Key": "nested"},
    )
    basis_id = made.json()["bases"][0]["id"]

    crossed = await network.ask("worker", "POST", f"/v1/referrals/{mine}/bases/{basis_id}/end")
    straight = await network.ask("worker", "POST", f"/v1/referrals/{theirs}/bases/{basis_id}/end")

    assert (crossed.status_code, straight.status_code) == (404, 200)
