"""A service that can't work says why and ends, or isn't ready; `--check` tells before it is started."""

import json
import os
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import Network
from tests.harness.processes import Child, free_port
from tests.harness.waiting import until


@pytest_asyncio.fixture
async def network(
    broker: Broker, mongo: Mongo, prefix: str, tmp_path: Path
) -> AsyncIterator[Network]:
    """A network of which nothing is started yet."""
    made = Network(broker, mongo, prefix, tmp_path, ["allocation"])
    yield made
    await made.stop()


def printed(child: Child) -> str:
    return child.log.read_text() if child.log.exists() else ""


async def ended(child: Child) -> tuple[int, str]:
    """Its exit code, and what it printed."""
    child.start()
    code = await child.wait(60)
    return code, printed(child)


@pytest.mark.parametrize(
    ("wrong", "code", "said"),
    [
        ({}, 0, []),
        ({"AUTH_JWKS": "/nowhere/jwks.json"}, 78, ["AUTH_JWKS: there is no such file"]),
        ({"AMQP_URL": "http://rabbit"}, 78, ["AMQP_URL: begins otherwise; expected amqp://"]),
        ({"AMQP_URL": "amqp://u:s3cret@127.0.0.1:1"}, 69, ["wrong  broker: AMQP_URL"]),
        ({"MONGO_URL": "mongodb://u:s3cret@127.0.0.1:1"}, 69, ["wrong  store: MONGO_URL"]),
        ({"AUTH_JWKS": "http://127.0.0.1:1/jwks"}, 69, ["wrong  issuer: AUTH_JWKS"]),
    ],
)
async def test_check_says_what_is_well_and_what_is_not(
    network: Network, wrong: dict[str, str], code: int, said: list[str]
) -> None:
    settings = {**network.environment("allocation"), "PATH": os.environ["PATH"], **wrong}
    words = (sys.executable, "-m", "services.allocation", "--check")
    checking = Child(*words, env=settings, log=network.folder / "check.log")

    found, text = await ended(checking)

    assert found == code, text
    assert all(line in text for line in said), text
    assert "s3cret" not in text
    assert "Traceback" not in text
    assert (text.count("ok ") == 4) == (code == 0)


async def test_a_port_that_is_taken_is_named(network: Network) -> None:
    first = network.module("allocation")
    second = network.module("allocation", HTTP_PORT=str(first.port))
    await first.start_ready()

    code, text = await ended(second)
    await first.stop()

    assert code == 78
    assert f"HTTP_PORT: {first.port} at 127.0.0.1 (HTTP_HOST) is taken" in text
    assert "Traceback" not in text


async def test_a_port_for_metrics_that_is_taken_is_named(network: Network) -> None:
    taken = free_port()
    with socket.socket() as other:
        other.bind(("127.0.0.1", taken))
        code, text = await ended(network.module("allocation", METRICS_PORT=str(taken)))

    assert code == 78
    assert f"METRICS_PORT: {taken} at 127.0.0.1 (HTTP_HOST) is taken" in text
    assert "Traceback" not in text


async def test_without_the_issuers_keys_a_service_is_not_ready_and_once_they_come_it_is(
    network: Network,
) -> None:
    """Nonsense from the issuer is no key either; and keys that were had once are kept."""
    answer: list[Any] = [{"keys": []}]
    port = free_port()

    async def jwks(_: web.Request) -> web.Response:
        return web.json_response(answer[0])

    app = web.Application()
    app.router.add_get("/jwks", jwks)
    module = network.module("allocation", AUTH_JWKS=f"http://127.0.0.1:{port}/jwks")
    runner = web.AppRunner(app)
    try:
        module.start()
        await until(lambda: "bus.up" in printed(module), deadline=30, what="the bus")
        headers = {"Authorization": f"Bearer {network.token('manager')}"}
        before = await network.http.get(f"{module.url}/readyz")
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        empty = await network.http.get(f"{module.url}/v1/workers", headers=headers)
        answer[0] = json.loads(network.keys.jwks.read_text())
        await module.until_ready()
        served = await network.http.get(f"{module.url}/v1/workers", headers=headers)
    finally:
        await runner.cleanup()
        after = await network.http.get(f"{module.url}/readyz")
        await module.stop()

    assert (before.status_code, empty.status_code) == (503, 503)
    assert served.status_code != 503
    assert after.status_code == 200
