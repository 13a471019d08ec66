"""At the bounds: what the API accepts is in the trail, and what the trail can't hold is refused."""

from collections.abc import AsyncIterator
from itertools import product
from typing import Any, get_args

import httpx2
import pytest
import pytest_asyncio

from shared.events.codes import INDICATORS, Recency
from shared.rules.sharing import CATEGORIES
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import Network, a_referral, running

HUNDRED = [
    {"code": code, "recency": recency}
    for code, recency in product(sorted(INDICATORS), get_args(Recency))
][:100]


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    folder = tmp_path_factory.mktemp("bounds")
    async with running(broker, mongo, folder, ["referral", "audit"]) as started:
        await started.load_referral_sample()
        yield started


async def types(network: Network, query: str) -> list[str]:
    await network.quiet()
    answer = await network.ask("auditor", "GET", f"/v1/trail?{query}")
    return [entry["type"] for entry in answer.json()["entries"]]


async def test_a_referral_amended_often_with_a_hundred_indicators_stays_in_the_trail(
    network: Network,
) -> None:
    headers = {"Idempotency-Key": "often"}
    document = a_referral(agency_reference="often", indicators=HUNDRED)
    made = await network.ask("school", "POST", "/v1/referrals", json=document, headers=headers)
    path, tag = made.headers["Location"], made.headers["ETag"]

    for _ in range(7):
        amended = await network.ask(
            "school", "POST", f"{path}/amendments", json={"indicators": HUNDRED},
            headers={"If-Match": tag},
        )  # fmt: skip
        assert amended.status_code == 200, amended.text
        tag = amended.headers["ETag"]

    told = await types(network, f"referral_id={path.rpartition('/')[2]}")
    assert told.count("referral.amended") == 7
    assert "trail.rejected" not in told


async def test_more_refusals_than_a_record_takes_are_one_for_everybody_and_refuse_no_referral(
    network: Network,
) -> None:
    def consent(number: int, kinds: int) -> dict[str, Any]:
        agencies = [f"ag_{number}_{n}_".ljust(40, "x") for n in range(50)]
        return {"status": "refused", "categories": ["existence"], "given_by": "young_person",
                "gillick_competent": True, "agency_ids": agencies,
                "agency_kinds": [f"kind_{n}_".ljust(40, "x") for n in range(kinds)]}  # fmt: skip

    async def refer(key: str, first: int, kinds: int = 0) -> httpx2.Response:
        document = a_referral(
            agency_reference=key,
            subject={"name": "Another Child", "date_of_birth": "2011-01-02"},
            consents=[consent(n, kinds) for n in range(first, first + 20)],
        )
        headers = {"Idempotency-Key": key}
        return await network.ask("school", "POST", "/v1/referrals", json=document, headers=headers)

    sent = [await refer("much", 0), await refer("more", 20), await refer("words", 40, kinds=20)]
    again = await refer("much", 0)

    assert [answer.status_code for answer in sent] == [201, 201, 201], sent[0].text
    assert all("too_many_records" in answer.json()["warnings"] for answer in sent)
    assert again.json()["id"] == sent[0].json()["id"]
    ids = [answer.json()["id"] for answer in sent]
    subjects = network.mongo_of("referral")["subjects"]
    found = [s async for s in subjects.find({f"facts.{ids[0]}": {"$exists": True}})]
    (subject,) = found
    assert set(ids) <= set(subject["facts"]), "it is one young person"
    for each in ids:
        (kept,) = subject["facts"][each]["consents"]
        assert (kept["status"], kept["agency_ids"], kept["agency_kinds"]) == ("refused", [], [])
        assert sorted(kept["categories"]) == sorted(CATEGORIES)
