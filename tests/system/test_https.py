"""A service with a certificate of its own: the way from the ingress to it, as overlays/production has it."""

import ssl
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from tests.harness.authority import Certified, certified
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import Network
from tests.harness.waiting import until


@pytest.fixture
def shown(tmp_path: Path) -> Certified:
    return certified(tmp_path / "certificates")


@pytest_asyncio.fixture
async def network(
    shown: Certified, broker: Broker, mongo: Mongo, tmp_path: Path, prefix: str
) -> AsyncIterator[Network]:
    """One service, which speaks TLS."""
    made = Network(broker, mongo, prefix, tmp_path / "network", ["allocation"])
    made.modules["allocation"] = made.module(
        "allocation",
        HTTP_CERTIFICATE_FILE=str(shown.certificate),
        HTTP_KEY_FILE=str(shown.key),
    )
    made.modules["allocation"].start()
    yield made
    await made.stop()


async def status(network: Network, authority: Path) -> int:
    """What `/readyz` answers who trusts this authority; 0 where there is no connection."""
    port = network.modules["allocation"].port
    trusts = ssl.create_default_context(cafile=authority)
    async with httpx2.AsyncClient(verify=trusts, trust_env=False, timeout=10) as http:
        try:
            return (await http.get(f"https://localhost:{port}/readyz")).status_code
        except httpx2.TransportError:
            return 0


async def test_a_service_answers_over_tls_and_not_in_plain_and_shows_what_was_renewed(
    network: Network, shown: Certified, tmp_path: Path
) -> None:
    async def ready() -> bool:
        return await status(network, shown.authority) == HTTPStatus.OK

    await until(ready, deadline=30, what="the service, over TLS")
    with pytest.raises(httpx2.TransportError):
        await network.http.get(f"{network.modules['allocation'].url}/readyz")
    renewed = certified(tmp_path / "renewed")
    assert await status(network, renewed.authority) == 0

    # Half of it is there: it goes on with the old one.
    renewed.certificate.rename(shown.certificate)
    assert await status(network, shown.authority) == HTTPStatus.OK
    renewed.key.rename(shown.key)

    assert await status(network, renewed.authority) == HTTPStatus.OK
    assert await status(network, shown.authority) == 0
    assert "certificate.unreadable" in network.modules["allocation"].tail(200)
