"""A referral that is only looked at: the answer says what would be, and nothing is left of it."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from allinone import sample
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import Network, a_referral, running

PATH = "/v1/referrals?validate_only=true"
# Who calls is noted of every request, the first time.
OF_EVERY_REQUEST = {"accounts", "known_accounts"}
ODD: dict[str, Any] = {
    "urgency": "ASAP",
    "area": "nortown",
    "hotel": {"room": 12},
    "subject": {"nhs_number": "123"},
    "referrer": None,
    "consents": [
        {
            "status": "given",
            "categories": ["existence"],
            "given_by": "young_person",
            "agency_ids": [sample.SCHOOL],
        }
    ],
}


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    async with running(broker, mongo, tmp_path_factory.mktemp("only"), ["referral"]) as one:
        await one.load_referral_sample()
        yield one


async def stored(network: Network) -> dict[str, list[Any]]:
    await network.quiet()
    database = network.mongo_of("referral")
    names = set(await database.list_collection_names()) - OF_EVERY_REQUEST
    return {name: [one async for one in database[name].find().sort("_id")] for name in names}


async def only(network: Network, key: str, **changes: Any) -> httpx2.Response:
    return await network.ask(
        "school",
        "POST",
        PATH,
        json=a_referral(agency_reference=key, **changes),
        headers={"Idempotency-Key": key},
    )


def shown(answer: httpx2.Response) -> dict[str, Any]:
    """Without the moment."""
    return {name: value for name, value in answer.json().items() if name != "due_at"}


@pytest.mark.parametrize("changes", [{}, ODD], ids=["plain", "odd"])
async def test_it_says_what_the_referral_itself_is_answered_and_stores_nothing(
    network: Network, changes: dict[str, Any]
) -> None:
    key = f"only-{len(changes)}"
    before = await stored(network)

    looked = await only(network, key, **changes)

    assert looked.status_code == 200, looked.text
    assert "location" not in looked.headers
    assert await stored(network) == before
    sent = await network.refer(key, **changes)
    assert sent.status_code == 201, sent.text
    seen, told = looked.json(), sent.json()
    for name in ("urgency", "warnings", "marks", "advice", "area_near"):
        assert seen[name] == told[name], name
    assert seen["would_be"] == "taken"
    assert bool(seen["marks"]) == bool(changes)
    again = await only(network, key, **changes)
    assert again.json()["would_be"] == "answered_again"


async def test_what_would_be_refused_is_refused_alike(network: Network) -> None:
    await network.refer("refused-first")
    wrong: list[tuple[str, dict[str, Any], int, str]] = [
        ("another-key", {"agency_reference": "refused-first"}, 409, "agency_reference_used"),
        ("refused-first", {"urgency": "same_day"}, 422, "idempotency_key_reused"),
        ("no-type", {"narrative": 7}, 422, "malformed"),
    ]
    for key, changes, status, code in wrong:
        document: dict[str, Any] = {**a_referral(agency_reference=key), **changes}
        before = await stored(network)
        answers = [
            await network.ask(
                "school", "POST", path, json=document, headers={"Idempotency-Key": key}
            )
            for path in (PATH, "/v1/referrals")
        ]
        assert [a.status_code for a in answers] == [status, status], code
        assert {a.json()["code"] for a in answers} == {code}
        assert await stored(network) == before
    manager = await network.ask(
        "manager", "POST", PATH, json=a_referral(), headers={"Idempotency-Key": "m"}
    )
    assert manager.status_code == 403


async def test_it_tells_neither_whether_a_child_is_known_nor_which_agency_is_there(
    network: Network,
) -> None:
    known = {"name": "Known Child", "date_of_birth": "2012-05-17", "nhs_number": "9434765919"}
    said = {"status": "refused", "categories": ["existence"], "given_by": "young_person"}
    sent = await network.ask(
        "health",
        "POST",
        "/v1/referrals",
        json=a_referral(agency_reference="known", subject=known, consents=[said]),
        headers={"Idempotency-Key": "known"},
    )
    assert sent.status_code == 201, sent.text
    given = {**said, "status": "given", "said_at": "2026-01-01T00:00:00Z"}

    answers = [
        shown(
            await only(
                network, f"who-{number}", subject=subject, consents=[{**given, "agency_ids": [one]}]
            )
        )
        for number, (subject, one) in enumerate(
            [
                (known, sample.POLICE),
                (known, "ag_nobody"),
                ({**known, "name": "Never Heard Of"}, sample.POLICE),
            ]
        )
    ]

    assert answers[0] == answers[1] == answers[2]
    assert "said_at_unknown" not in answers[0]["warnings"]


async def test_a_kind_that_is_none_is_named(network: Network) -> None:
    said = {"status": "given", "categories": ["existence"], "given_by": "young_person"}

    answer = await only(network, "kinds", consents=[{**said, "agency_kinds": ["no-such-kind"]}])

    assert answer.json()["unknown_kinds"] == ["no-such-kind"]
