"""Fixtures: the broker and the store of the run, and for each test a database and a prefix.

Nothing is started before a test asks for it, so the unit tests stay instant.
"""

import gc
import os
import random
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from hypothesis import settings

from tests.harness.unlimited import UNLIMITED

if TYPE_CHECKING:
    from pymongo import AsyncMongoClient

    from shared.storage.store import Database
    from tests.harness.broker import Broker
    from tests.harness.mongo import Mongo

TESTS = Path(__file__).parent
# The files that take longest, as measured; the order of the others matters little.
SLOWEST = (
    *("allocation_kill", "notify_crashes", "access_matrix", "kill", "referral_refusals"),
    *("audit_kill", "allocators", "referral_matches", "refusals", "one_young_person", "embedded"),
    *("extremes", "one_child", "rabbit", "notify_kills", "left"),
)
os.environ.update(UNLIMITED)
# In the environment, so that the workers of a parallel run share it.
SEED = int(os.environ.setdefault("SEED", str(secrets.randbelow(2**32))))

# A busy machine is no finding; and what one run found is not to change the next.
EXAMPLES = int(os.environ.get("EXAMPLES", "100"))
settings.register_profile("ours", deadline=None, database=None, max_examples=EXAMPLES)
settings.load_profile("ours")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """The first line says what is under the tests. (A report header would be missing with -q.)"""
    random.seed(SEED)
    if hasattr(session.config, "workerinput"):
        return  # a worker of a parallel run: the first one has said it
    line = f"seed: {SEED}"
    if _needs(session.config, "service", "system", "faults"):
        from tests.harness import broker, mongo

        if not session.config.option.collectonly:
            broker.prepare()
            if _needs(session.config, "system"):
                from tests.harness.browser import chromium

                chromium()
        line = f"broker: {broker.plan()}; store: {mongo.plan()}; {line}"
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None:
        terminal.write_line(line)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In a parallel run the files that take longest come first: none is left alone at the end."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: _turn(item.path))


def _turn(path: Path) -> int:
    slow = [*SLOWEST, "system", "service"]
    named = (path.stem.removeprefix("test_"), path.parent.name)
    return min((slow.index(name) for name in named if name in slow), default=len(slow))


def pytest_collection_finish() -> None:
    """The collector of garbage passes over what is there by now: modules, models and tests."""
    gc.collect()
    gc.freeze()


def _needs(config: pytest.Config, *kinds: str) -> bool:
    named = [
        (config.invocation_params.dir / argument.partition("::")[0]).resolve()
        for argument in config.args
    ]
    folders = [TESTS / kind for kind in kinds]
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
async def mongo(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> "AsyncIterator[Mongo]":
    """The store of this run. A run without one fails."""
    from tests.harness.mongo import choose, unclosed

    chosen = choose(tmp_path_factory.mktemp("mongo"))
    pytestconfig.addinivalue_line("filterwarnings", f"ignore:{unclosed(chosen)}:ResourceWarning")
    try:
        await chosen.start()
        yield chosen
    finally:
        await chosen.stop()


@pytest_asyncio.fixture
async def client(mongo: "Mongo") -> "AsyncIterator[AsyncMongoClient[dict[str, object]]]":
    """A client as the services make it, but far more patient: a late answer of a busy store is no
    finding. It is of this test alone: a connection that was closed with what an earlier test
    cancelled would come back from the pool."""
    from shared.operating.runner import mongo as connect
    from tests.harness.waiting import PATIENCE

    async with connect(mongo.url, 20 * PATIENCE) as connected:
        yield connected


@pytest_asyncio.fixture
async def database(
    client: "AsyncMongoClient[dict[str, object]]", prefix: str
) -> "AsyncIterator[Database]":
    """A database of this test alone, dropped after it."""
    from tests.harness.mongo import drop

    name = f"test_{prefix.strip('.')}"
    yield client[name]
    await drop(client, name)


@pytest.fixture
def prefix() -> str:
    """A bus prefix of this test alone."""
    return f"t{secrets.token_hex(6)}."
