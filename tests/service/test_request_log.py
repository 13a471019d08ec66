"""The log has a line for each request and each handled event, in our words; an error's trace is in it."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import Network, running
from tests.harness.waiting import until

MARK = "ZqxMark"
REFERRALS, ONE = "/v1/referrals", "/v1/referrals/{referral_id}"
NOBODY = f"ref_{'0' * 32}"
# Who asks what, what comes, and as which route.
ASKED: tuple[tuple[str, str, str, Any, int, str], ...] = (
    ("school", "GET", f"{REFERRALS}?limit=5", None, 200, REFERRALS),
    ("school", "GET", f"{REFERRALS}?limit={MARK}", None, 422, REFERRALS),
    ("school", "POST", REFERRALS, {"narrative": MARK}, 400, REFERRALS),
    ("school", "GET", f"{REFERRALS}/{NOBODY}", None, 404, ONE),
    ("school", "GET", f"{REFERRALS}/{MARK}", None, 422, ONE),
    ("auditor", "PUT", "/v1/areas/x", {"name": "x"}, 403, "/v1/areas/{code}"),
    ("school", "GET", f"/v1/{MARK}", None, 404, "none"),
    ("school", MARK, f"{REFERRALS}/{NOBODY}", None, 405, ONE),
    ("school", "DELETE", REFERRALS, None, 405, REFERRALS),
    ("operator", "PUT", f"/v1/agencies/{MARK}", {"name": MARK}, 422, "/v1/agencies/{agency_id}"),
)


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    folder = tmp_path_factory.mktemp("request_log")
    async with running(broker, mongo, folder, ["referral"]) as started:
        await started.load_referral_sample()
        yield started


def lines(network: Network, event: str) -> list[dict[str, Any]]:
    """What the service has logged so, line by line."""
    (log,) = network.folder.glob("services.referral-*.log")
    said = [json.loads(one) for one in log.read_text("utf-8").splitlines() if one.startswith("{")]
    return [one for one in said if one.get("event") == event]


async def test_each_request_has_a_line_with_its_route_and_the_trace_of_its_error(
    network: Network,
) -> None:
    before = len(lines(network, "http.request"))
    answers = [await network.ask(who, m, path, json=body) for who, m, path, body, *_ in ASKED]
    url = network.modules["referral"].url
    answers.append(await network.http.get(url + REFERRALS))
    health = await network.http.get(f"{url}/livez")

    assert health.is_success
    expected = [(status, route) for *_, status, route in ASKED]
    expected.append((401, REFERRALS))
    assert [one.status_code for one in answers] == [status for status, _ in expected]
    await until(
        lambda: len(lines(network, "http.request")) >= before + len(answers), what="the lines"
    )
    logged = lines(network, "http.request")[before:]
    assert len(logged) == len(answers), "one each, and none for a look at its health"
    for answer, line, (status, route) in zip(answers, logged, expected, strict=True):
        assert line["status"] == status
        assert line["milliseconds"] > 0
        assert line["route"] == route
        if status >= 400:
            assert answer.json()["instance"] == f"urn:trace:{line['trace_id']}", line
    assert MARK.casefold() not in json.dumps(logged).casefold()
    assert [one.get("record_id") for one in logged[3:5]] == [NOBODY, None]


async def test_each_handled_event_and_the_start_have_a_line(network: Network) -> None:
    handled = lines(network, "event.handled")
    assert "hub.registered" in {one["type"] for one in handled}
    assert {one["outcome"] for one in handled} == {"done"}
    assert all(one["queue"].startswith("referral.") for one in handled)
    assert all(one["event_id"].startswith("evt_") and one["milliseconds"] >= 0 for one in handled)

    (start,) = lines(network, "start")
    assert start["service"] == "referral"
    assert start["address"] == network.modules["referral"].url.removeprefix("http://")
    assert start["settings"]["MONGO_DATABASE"] == network.database("referral")
    for secret in (network.mongo.url, network.broker.url):
        assert secret not in json.dumps(start)
