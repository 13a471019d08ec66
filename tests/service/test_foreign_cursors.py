"""A cursor says where a list goes on, and widens nothing: with a cursor of somebody else's list
everybody is shown lines of their own only, or none; in every list of every service."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.golden.openapi import app_of, routes_of
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import SERVICES, Network, a_referral, running

WHO = ("school", "police", "worker", "manager", "other_manager")
# Each page of the trail is recorded, and so its lists grow while they are read.
LISTS = [
    (route.path, name)
    for service in SERVICES
    for route in routes_of(app_of(service))
    if service != "audit" and "GET" in (route.methods or ()) and "{" not in route.path
    for name in ("cursor", "after")
    if name in {field.alias for field in route.dependant.query_params}
    if not route.path.endswith("/stream")
]


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    async with running(broker, mongo, tmp_path_factory.mktemp("cursors")) as started:
        south = {"name": "South", "areas": ["southby"]}
        (await started.ask("operator", "PUT", "/v1/hubs/hub_south", json=south)).raise_for_status()
        await started.load_sample()
        for number in range(6):
            sender = ("school", "police", "health")[number % 3]
            area = ("northtown", "southby", "nowhere at all")[number // 2]
            child = {"name": f"Child {number}", "date_of_birth": "2012-05-17"}
            answer = await started.ask(
                sender,
                "POST",
                "/v1/referrals",
                json=a_referral(agency_reference=f"c{number}", area=area, subject=child),
                headers={"Idempotency-Key": f"c{number}"},
            )
            answer.raise_for_status()
        await started.quiet()
        yield started


def lines(page: dict[str, Any]) -> list[dict[str, Any]]:
    (found,) = [value for value in page.values() if isinstance(value, list)]
    return found


async def test_a_cursor_of_somebody_elses_list_shows_nothing_of_theirs(network: Network) -> None:
    assert len(LISTS) > 10
    tried = shown = 0
    for path, name in LISTS:
        own: dict[str, set[str]] = {}
        cursors: dict[str, str] = {}
        for who in WHO:
            whole = await network.ask(who, "GET", path, params={"limit": 100})
            if not whole.is_success:
                continue
            own[who] = {json.dumps(line) for line in lines(whole.json())}
            first = (await network.ask(who, "GET", path, params={"limit": 1})).json()
            if lines(first):
                cursors[who] = first.get("next") or lines(first)[-1]["id"]
        for owner, cursor in cursors.items():
            for who in WHO:
                answer = await network.ask(who, "GET", path, params={name: cursor, "limit": 100})
                asked = f"{who} with the cursor of {owner}: {path}"
                if who not in own:
                    assert answer.status_code == 403, f"{asked}: {answer.text}"
                    continue
                tried += 1
                assert answer.status_code in (200, 400, 404), f"{asked}: {answer.text}"
                if answer.is_success:
                    got = {json.dumps(line) for line in lines(answer.json())}
                    assert got <= own[who], asked
                    shown += len(got)
    assert tried > 40
    assert shown > 10, "their own is shown"
