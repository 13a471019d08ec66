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


async def test_refusals_for_which_a_record_has_no_room_are_kept_in_one_of_its_own(
    network: Network,
) -> None:
    def consent(number: int, kinds: int) -> dict[str, Any]:
        agencies = [f"ag_{number}_{n}_".ljust(40, "x") for n in range(50)]
        return {"status": "refused", "categories": list(CATEGORIES), "given_by": "young_person",
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

    much, more = await refer("much", 0), await refer("more", 20)
    # Words that are no kinds are one code, however many: they fill no record.
    words = await refer("words", 40, kinds=20)

    assert (much.status_code, more.status_code, words.status_code) == (201, 201, 201)
    assert "too_many_records" in more.json()["warnings"]
    kept = [
        [len(facts["consents"]) for facts in subject["facts"].values()]
        async for subject in network.mongo_of("referral")["subjects"].find()
    ]
    assert kept.count([20]) == 3
