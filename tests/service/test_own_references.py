"""An agency finds its referrals by its own ids, and what changed since it last asked."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from services.referral.disclosure.upgrading import last_change
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import Network, a_referral, running

PATH = "/v1/referrals"
LONG_AGO = "2020-01-01T00:00:00Z"
MORE = {"narrative": "Synthetic: more was seen."}


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    async with running(broker, mongo, tmp_path_factory.mktemp("own"), ["referral"]) as one:
        await one.load_referral_sample()
        yield one


async def sent(network: Network, key: str) -> str:
    answer = await network.refer(key, subject={"name": f"Child {key}"})
    return str(answer.raise_for_status().json()["id"])


async def amended(network: Network, one: str, who: str = "school") -> None:
    answer = await network.ask(
        who, "POST", f"{PATH}/{one}/amendments", json=MORE, headers={"If-Match": "*"}
    )
    answer.raise_for_status()


async def page(network: Network, who: str = "school", **asked: Any) -> dict[str, Any]:
    answer = await network.ask(who, "GET", PATH, params=asked)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def changes(network: Network, since: str, limit: int) -> tuple[list[str], str]:
    """The ids that changed since, page by page, and with what to ask next."""
    found: list[str] = []
    asked: dict[str, Any] = {"changed_since": since, "limit": limit}
    while True:
        one = await page(network, **asked)
        found += [line["id"] for line in one["referrals"]]
        assert "changed_until" not in asked or asked["changed_until"] == one["changed_until"]
        if one["next"] is None:
            return found, str(one["changed_until"])
        asked["cursor"] = one["next"]


async def test_each_line_has_the_reference_of_who_sent_it_and_is_found_by_it(
    network: Network,
) -> None:
    one = await sent(network, "REF 1")
    other = await network.ask(
        "health",
        "POST",
        PATH,
        json=a_referral(agency_reference="REF 1"),
        headers={"Idempotency-Key": "REF 1"},
    )
    assert other.status_code == 201, other.text

    of_school = await page(network, agency_reference="REF 1")
    of_health = await page(network, "health", agency_reference="REF 1")

    assert [(r["id"], r["agency_reference"]) for r in of_school["referrals"]] == [(one, "REF 1")]
    assert [r["id"] for r in of_health["referrals"]] == [other.json()["id"]]
    assert (await page(network, agency_reference="REF 2"))["referrals"] == []
    assert (await page(network, agency_reference="REF"))["referrals"] == []
    by_manager = (await page(network, "manager"))["referrals"]
    assert {line["agency_reference"] for line in by_manager} == {None}
    for who in ("manager", "worker"):
        answer = await network.ask(who, "GET", PATH, params={"agency_reference": "REF 1"})
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "senders_only")


async def test_what_gave_its_reference_up_is_not_found_by_it(network: Network) -> None:
    one = await sent(network, "given-up")
    referrals = network.mongo_of("referral")["referrals"]
    gone = {"reference_hash": f"erased:{one}", "sealed": {}}
    await referrals.update_one({"_id": one}, {"$set": gone})

    assert (await page(network, agency_reference="given-up"))["referrals"] == []
    lines = {r["id"]: r for r in (await page(network, limit=100))["referrals"]}
    assert lines[one]["agency_reference"] is None


async def test_a_line_of_a_batch_says_whose_it_is_whatever_becomes_of_it(network: Network) -> None:
    documents: list[Any] = [
        a_referral(agency_reference="line-1"),
        {**a_referral(agency_reference="line-2"), "narrative": 7},
        {**a_referral(), "agency_reference": None},
        ["no", "object"],
        {**a_referral(), "agency_reference": "half \ud800", "narrative": 7},
    ]
    body = [json.dumps(each) for each in documents]
    body += ["no JSON", '{"agency_reference": "a", "agency_reference": "b"}']

    answer = await network.ask(
        "school",
        "POST",
        f"{PATH}/batch",
        content="\n".join(body),
        headers={"Content-Type": "application/x-ndjson"},
    )

    lines = [json.loads(line) for line in answer.text.splitlines()]
    said = [line["agency_reference"] for line in lines]
    assert said[:2] == ["line-1", "line-2"]
    assert said[2].startswith("sent-")
    assert said[3:] == [None, "half ?", None, None]
    made = await page(network, agency_reference=said[2])
    assert [line["id"] for line in made["referrals"]] == [lines[2]["id"]]


async def test_nothing_that_changes_while_one_pages_is_missed(network: Network) -> None:
    """Amended in an order of chance, while somebody reads in small pages for as long."""
    ids = [await sent(network, f"changing-{number}") for number in range(12)]
    _, since = await changes(network, LONG_AGO, 100)
    since = datetime.now(UTC).isoformat()
    last: dict[str, int] = {}
    done = False

    async def change() -> None:
        nonlocal done
        for number in range(40):
            one = random.choice(ids)
            await amended(network, one)
            last[one] = number
        done = True

    seen_after: dict[str, int] = {}
    work = asyncio.create_task(change())
    final = False
    while not final:
        final = done
        before = dict(last)
        found, since = await changes(network, since, random.randint(1, 4))
        seen_after |= {one: before[one] for one in found if one in before}
    await work

    assert seen_after == last


async def test_a_change_that_comes_into_sight_late_is_there_the_next_time(
    network: Network,
) -> None:
    ids = [await sent(network, f"late-{number}") for number in range(6)]
    referrals = network.mongo_of("referral")["referrals"]
    begun = (await page(network, changed_since=LONG_AGO))["changed_until"]
    first = await page(network, changed_since=begun, limit=4)
    shown = [line["id"] for line in first["referrals"]]
    stored = await referrals.find_one({"_id": shown[-1]})
    assert stored is not None

    # A replica noted its moment before what was shown last, and its write took until now.
    late = stored["stands_since"] - timedelta(seconds=5)
    await referrals.update_one({"_id": ids[-1]}, {"$set": {"stands_since": late}})
    rest, asked = [], {"changed_since": begun, "limit": 4, "cursor": first["next"]}
    while asked["cursor"]:
        following = await page(network, **asked)
        rest += [line["id"] for line in following["referrals"]]
        asked["cursor"] = following["next"]
    assert ids[-1] not in rest
    again, _ = await changes(network, first["changed_until"], 100)

    assert ids[-1] in again


async def test_only_what_its_sender_is_shown_counts_as_a_change(network: Network) -> None:
    one = await sent(network, "quiet")
    referrals = network.mongo_of("referral")["referrals"]
    before = (await referrals.find_one({"_id": one}) or {})["stands_since"]
    answer = await network.ask(
        "school", "GET", f"{PATH}/{one}"
    )  # a look, which is no change, and a mark, which is none of the referral
    assert answer.status_code == 200
    assert (await referrals.find_one({"_id": one}) or {})["stands_since"] == before

    await amended(network, one)

    after = (await referrals.find_one({"_id": one}) or {})["stands_since"]
    assert after > before


async def test_referrals_of_before_the_upgrade_are_found_by_their_last_change(
    network: Network,
) -> None:
    one = await sent(network, "before")
    await amended(network, one)
    referrals = network.mongo_of("referral")["referrals"]
    await referrals.update_one({"_id": one}, {"$unset": {"stands_since": ""}})
    stored = await referrals.find_one({"_id": one})
    assert stored is not None

    await network.replace("referral")

    upgraded = await referrals.find_one({"_id": one})
    assert upgraded is not None
    assert upgraded["stands_since"] == last_change(stored) == stored["amendments"][0]["at"]
    found, _ = await changes(network, LONG_AGO, 100)
    assert one in found


@pytest.mark.parametrize(
    "asked",
    [
        {"changed_since": "yesterday"},
        {"changed_since": "1700000000"},
        {"changed_since": "2026-11-27"},
        {"changed_since": LONG_AGO, "cursor": "nobody's"},
        {"agency_reference": ""},
    ],
)
async def test_what_is_no_moment_no_cursor_and_no_reference_is_refused(
    network: Network, asked: dict[str, str]
) -> None:
    answer = await network.ask("school", "GET", PATH, params=asked)

    assert answer.status_code in (400, 422), answer.text
