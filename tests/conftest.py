"""Fixtures: the broker and the store of the run, and for each test a database and a prefix.

Nothing is started before a test asks for it, so the unit tests stay instant.
"""

import os
import random
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

if TYPE_CHECKING:
    from pymongo import AsyncMongoClient

    from shared.store import Database
    from tests.harness.broker import Broker
    from tests.harness.mongo import Mongo

TESTS = Path(__file__).parent
# In the environment, so that the workers of a parallel run share it.
SEED = int(os.environ.setdefault("SEED", str(secrets.randbelow(2**32))))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """The first line says what is under the tests. (A report header would be missing with -q.)"""
    random.seed(SEED)
    if hasattr(session.config, "workerinput"):
        return  # a worker of a parallel run: the first one has said it
    line = f"seed: {SEED}"
    if _needs_services(session.config):
        from tests.harness import broker, mongo

        if not session.config.option.collectonly:
            broker.prepare()
        line = f"broker: {broker.plan()}; store: {mongo.plan()}; {line}"
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None:
        terminal.write_line(line)


def _needs_services(config: pytest.Config) -> bool:
    named = [
        (config.invocation_params.dir / argument.partition("::")[0]).resolve()
        for argument in config.args
    ]
    folders = [TESTS / "service", TESTS / "system"]
    return any(
        folder == path or folder in path.parents or path in folder.parents
        for folder in folders
        for path in named
    )


@pytest_asyncio.fixture(scope="session")
async def broker(tmp_path_factory: pytest.TempPathFactory) -> "AsyncIterator[Broker]":
    """The RabbitMQ of this run. A run without one fails."""
    from tests.harness.broker import choose

    chosen = choose(tmp_path_factory.mktemp("broker"))
    try:
        await chosen.start()
        yield chosen
    finally:
        await chosen.stop()


@pytest_asyncio.fixture(scope="session")
async def mongo(tmp_path_factory: pytest.TempPathFactory) -> "AsyncIterator[Mongo]":
    """The store of this run. A run without one fails."""
    from tests.harness.mongo import choose

    chosen = choose(tmp_path_factory.mktemp("mongo"))
    try:
        await chosen.start()
        yield chosen
    finally:
        await chosen.stop()


@pytest_asyncio.fixture(scope="session")
async def client(mongo: "Mongo") -> "AsyncIterator[AsyncMongoClient[dict[str, object]]]":
    """A client as the services make it."""
    from shared.runner import mongo as connect

    async with connect(mongo.url) as connected:
        yield connected


@pytest_asyncio.fixture
async def database(
    client: "AsyncMongoClient[dict[str, object]]", prefix: str
) -> "AsyncIterator[Database]":
    """A database of this test alone, dropped after it."""
    name = f"test_{prefix.strip('.')}"
    yield client[name]
    await client.drop_database(name)


@pytest.fixture
def prefix() -> str:
    """A bus prefix of this test alone."""
    return f"t{secrets.token_hex(6)}."
