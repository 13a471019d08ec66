"""The network as four processes, shared by the tests of a module."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import Network, running


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    """All four services, with the sample network loaded."""
    async with running(broker, mongo, tmp_path_factory.mktemp("network")) as started:
        await started.load_sample()
        yield started
