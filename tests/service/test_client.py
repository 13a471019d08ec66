"""The agencies' client against a real network, and against one that fails on the way."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from hub_and_spoke_client import Away, Client, Problem, is_signed

from services.notify.delivery.webhook import sign
from shared.clock import now
from tests.harness.mongo import Mongo
from tests.harness.network import a_referral
from tests.harness.processes import free_port
from tests.harness.whole import Whole, served


@pytest_asyncio.fixture(scope="module")
async def services(mongo: Mongo, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Whole]:
    async with served(mongo.url, tmp_path_factory.mktemp("client")) as made:
        await made.settle()
        yield made


def school(services: Whole) -> Callable[[], str]:
    return lambda: services.tokens["school"]


async def test_what_an_agency_does_in_its_afternoon(services: Whole) -> None:
    network = Client(services.url, school(services))

    def afternoon() -> None:
        document = a_referral(agency_reference="afternoon")
        tried = network.post_referral(document, validate_only=True, idempotency_key="afternoon")
        assert (tried.status, tried.body["would_be"]) == (200, "taken")
        made = network.post_referral(document, idempotency_key="afternoon").body
        again = network.post_referral(document, idempotency_key="afternoon").body
        assert again["id"] == made["id"]
        found = network.get_referrals(agency_reference="afternoon").body["referrals"]
        assert [one["id"] for one in found] == [made["id"]]
        read = network.get_referral(made["id"])
        assert read.body["status"] in ("received", "allocated")
        assert network.get_referral(made["id"], if_none_match="*").status == 304
        with pytest.raises(Problem) as missed:
            network.post_amendment(made["id"], {"narrative": "Synthetic."})
        assert (missed.value.status, missed.value.code) == (428, "precondition_required")
        network.post_amendment(made["id"], {"narrative": "Synthetic."}, if_match="*")
        with pytest.raises(Problem) as refused:
            network.get_referral(f"ref_{'0' * 32}")
        assert (refused.value.status, refused.value.code) == (404, "not_found")

    await asyncio.to_thread(afternoon)


@asynccontextmanager
async def failing(services: Whole, chance: random.Random) -> AsyncIterator[str]:
    """A way to the network on which requests and answers get lost, or meet somebody busy."""

    async def passed(request: web.Request) -> web.StreamResponse:
        fate = chance.choice(("lost", "busy", "limited", "unanswered", *["well"] * 5))
        if fate in ("busy", "limited"):
            status = {"busy": 503, "limited": 429}[fate]
            return web.json_response({"code": fate}, status=status, headers={"Retry-After": "0"})
        if fate != "lost":
            async with session.request(
                *(request.method, services.url + request.path_qs),
                data=await request.read(),
                headers={n: v for n, v in request.headers.items() if n.lower() != "host"},
            ) as answer:
                body, kind = await answer.read(), answer.content_type
            if fate == "well":
                return web.Response(body=body, status=answer.status, content_type=kind)
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    app, port = web.Application(), free_port()
    app.router.add_route("*", "/{_:.*}", passed)
    runner = web.AppRunner(app)
    async with aiohttp.ClientSession() as session:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            await runner.cleanup()


async def test_on_a_way_that_loses_requests_and_answers_each_referral_comes_once(
    services: Whole,
) -> None:
    chance = random.Random(random.getrandbits(32))
    async with failing(services, chance) as url:
        network = Client(url, school(services), patience=120, pause=0.01)

        def refer(number: int) -> str:
            key = f"lossy-{number}"
            document = a_referral(
                agency_reference=key, subject={"name": f"Sample Child {key} {number}"}
            )
            return str(network.post_referral(document, idempotency_key=key).body["id"])

        ids = [await asyncio.to_thread(refer, number) for number in range(8)]

    own = Client(services.url, school(services))
    page: Any = await asyncio.to_thread(own.get_referrals, limit=100)
    mine = [one for one in page.body["referrals"] if one["agency_reference"].startswith("lossy-")]
    assert sorted(one["id"] for one in mine) == sorted(ids)
    assert len({*ids}) == 8


async def test_what_must_not_be_sent_twice_is_not_and_nobody_waits_for_ever(
    services: Whole,
) -> None:
    closed = f"http://127.0.0.1:{free_port()}"
    away = Client(closed, school(services), patience=0.5, pause=0.1)
    with pytest.raises(Away):
        await asyncio.to_thread(away.get_referrals)
    tokens = itertools.chain(["stale"], itertools.repeat(services.tokens["school"]))
    renews = Client(services.url, lambda: next(tokens))
    assert (await asyncio.to_thread(renews.get_referrals, limit=1)).status == 200
    wrong = Client(services.url, lambda: "never good")
    with pytest.raises(Problem) as refused:
        await asyncio.to_thread(wrong.get_referrals)
    assert refused.value.status == 401


def test_a_call_is_the_networks_only_if_it_is_signed_of_late() -> None:
    secret, body, at = "whsec_" + "QUJD" * 8, b'{"kind": "x"}', now()
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(int(at.timestamp()))}
    headers["webhook-signature"] = f"v1,AAAA {sign(secret, 'msg_1', at, body)}"

    assert is_signed(secret, headers, body)
    assert not is_signed(secret, headers, body + b" ")
    assert not is_signed("whsec_" + "QUJE" * 8, headers, body)
    for name, value in headers.items():
        others = {other: headers[other] for other in headers if other != name}
        assert not is_signed(secret, others, body)
        for odd in ("", "1", "é", f"{value}1"):
            assert not is_signed(secret, {**headers, name: odd}, body)
