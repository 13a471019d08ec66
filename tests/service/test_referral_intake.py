"""The referral service alone: what it accepts, what it refuses, and that a refusal leaves nothing."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from pymongo import AsyncMongoClient

from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import Network, a_referral, running


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    async with running(broker, mongo, tmp_path_factory.mktemp("referral"), ["referral"]) as one:
        yield one


async def post(network: Network, key: str, document: Any) -> httpx2.Response:
    headers = {"Idempotency-Key": key}
    return await network.ask("school", "POST", "/v1/referrals", json=document, headers=headers)


async def count(network: Network) -> int:
    async with AsyncMongoClient[dict[str, Any]](network.mongo.url) as client:
        return await client[network.database("referral")]["referrals"].count_documents({})


async def test_every_fault_of_a_malformed_referral_is_named(network: Network) -> None:
    before = await count(network)
    document = a_referral(urgency=1, surprise=1, indicators=[{"code": "x", "recency": []}])
    document |= {"area": {}, "discussion": {"discussed": "yes"}}

    answer = await post(network, "faults", document)

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == "malformed"
    assert {(e["pointer"], e["code"]) for e in problem["errors"]} == {
        ("/urgency", "string_type"),
        ("/indicators/0/recency", "string_type"),
        ("/area", "string_type"),
        ("/discussion/discussed", "bool_type"),
    }
    assert all(e["message"] for e in problem["errors"])
    assert await count(network) == before


async def test_a_refusal_quotes_nothing_that_was_sent(network: Network) -> None:
    document = a_referral(
        urgency="MARKER-a", narrative=7, subject={"name": "", "MARKER-b": "MARKER-c"}
    )

    answer = await post(network, "quotes", document)

    assert answer.status_code == 422
    assert "MARKER-a" not in answer.text
    assert "MARKER-c" not in answer.text


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{not json", 400, "not_json"),
        (b"[" * 100_000, 400, "not_json"),
        (b"\xff\xfe", 400, "not_json"),
        (b"null", 422, "malformed"),
        (b"[]", 422, "malformed"),
        (b'"' + b"a" * (1024 * 1024) + b'"', 413, "content_too_large"),
    ],
)
async def test_an_unusable_body_is_a_clear_problem(
    network: Network, body: bytes, status: int, code: str
) -> None:
    headers = {"Idempotency-Key": "body", "Content-Type": "application/json"}

    answer = await network.ask("school", "POST", "/v1/referrals", content=body, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_the_idempotency_key_is_needed(network: Network) -> None:
    answer = await network.ask("school", "POST", "/v1/referrals", json=a_referral())

    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing")


async def test_the_same_key_with_another_body_is_refused(network: Network) -> None:
    first = await post(network, "same-key", a_referral(agency_reference="same-key"))
    quoted = await post(network, '"same-key"', a_referral(agency_reference="same-key"))
    other = await post(network, "same-key", a_referral(agency_reference="another"))

    assert first.status_code == quoted.status_code == 201
    assert first.json()["id"] == quoted.json()["id"]
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_the_same_reference_twice_points_at_the_first(network: Network) -> None:
    first = await post(network, "reference-1", a_referral(agency_reference="mine"))
    second = await post(network, "reference-2", a_referral(agency_reference="mine"))

    assert (second.status_code, second.json()["code"]) == (409, "agency_reference_used")
    assert second.json()["referral"] == first.headers["Location"]


async def test_dubious_details_never_lose_a_referral(network: Network) -> None:
    document = a_referral(
        agency_reference="dubious",
        subject={"name": "名前 Ünïcödé \u202eRTL", "nhs_number": "347 852 6985"},
        indicators=[{"code": "something seen by the lake", "recency": "current"}],
        narrative="x" * 100_000,
    )

    answer = await post(network, "dubious", document)

    assert answer.status_code == 201
    marked = {"nhs_number_invalid", "indicator_unknown", "age_unknown", "not_discussed"}
    marked |= {"area_unknown"}  # no Hub is there
    assert set(answer.json()["warnings"]) == marked


async def test_personal_data_is_stored_encrypted_only(network: Network) -> None:
    document = a_referral(
        agency_reference="MARKER-1",
        referrer={"name": "MARKER-2", "role": "MARKER-3", "contact": "MARKER-4"},
        subject={"name": "MARKER-5", "address": "MARKER-6", "school": "MARKER-7"},
        indicators=[{"code": "MARKER-8", "recency": "current"}],
        narrative="MARKER-9",
    )

    answer = await post(network, "markers", document)

    assert answer.status_code == 201
    async with AsyncMongoClient[dict[str, Any]](network.mongo.url) as client:
        database = client[network.database("referral")]
        for collection in await database.list_collection_names():
            async for stored in database[collection].find():
                assert "MARKER" not in repr(stored), collection


async def test_without_a_valid_token_nothing_is_answered(network: Network) -> None:
    url = network.modules["referral"].url + "/v1/referrals"
    async with httpx2.AsyncClient(trust_env=False) as stranger:
        bare = await stranger.post(url, json=a_referral())
        forged = await stranger.post(url, headers={"Authorization": "Bearer a.b.c"})
    auditor = await network.ask("auditor", "POST", "/v1/referrals", json=a_referral())

    assert (bare.status_code, forged.status_code) == (401, 401)
    assert bare.headers["www-authenticate"] == "Bearer"
    assert (auditor.status_code, auditor.json()["code"]) == (403, "forbidden")
