"""Tests of the built images: `make test-images`. Without IMAGES=1 nothing here is collected, for an
engine and the images must be there."""

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.images.composed import Composed

collect_ignore_glob = [] if os.environ.get("IMAGES") else ["test_*.py"]


@pytest_asyncio.fixture(scope="session")
async def composed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Composed]:
    """The whole network in containers, with fresh secrets and the sample loaded."""
    network = Composed(tmp_path_factory.mktemp("composed"))
    try:
        await network.start()
        yield network
    finally:
        await network.stop()
