"""The five minutes of docs/auditing.md, run as they stand there, by somebody with a token, an empty
folder and a Python without any package."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.harness.broker import Broker
from tests.harness.guides import auditing, bare_python, verified
from tests.harness.mongo import Mongo
from tests.harness.network import Network, running
from tests.harness.trails import body


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    """The audit service alone, with a few entries."""
    async with running(broker, mongo, tmp_path_factory.mktemp("audit"), ["audit"]) as one:
        await one.publish(*(body(n) for n in range(300)))
        await one.sealed(300)
        yield one


async def test_the_walk_through_works_as_printed(network: Network, tmp_path: Path) -> None:
    empty = tmp_path / "an auditor's folder"
    empty.mkdir()
    environment = {
        "PATH": f"{bare_python(tmp_path / 'bin')}:{os.environ['PATH']}",
        "TRAIL": network.modules["audit"].url,
        "TRAIL_TOKEN": network.token("auditor"),
        "REFERRAL": "ref_7",
    }

    shell = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", auditing()),
        env=environment,
        cwd=empty,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    raw, _ = await asyncio.wait_for(shell.communicate(), 90)
    printed = raw.decode()

    assert shell.returncode == 0, printed
    said = verified(printed)
    assert len(said) == 4
    assert "it is the first one kept" in said[0]
    assert "two checkpoints were compared, no entry was read" in said[1]
    assert "entries are exactly those sealed" in said[2]
    assert "no open gaps" in said[3]
    assert "ag_school referred ref_7" in printed
