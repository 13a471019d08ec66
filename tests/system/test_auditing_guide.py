"""The five minutes of docs/auditing.md, run as they stand there, by somebody with a token."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import Network, running
from tests.harness.processes import ROOT
from tests.harness.trails import body

GUIDE = ROOT / "docs" / "auditing.md"


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    """The audit service alone, with a few entries."""
    async with running(broker, mongo, tmp_path_factory.mktemp("audit"), ["audit"]) as one:
        await one.publish(*(body(n) for n in range(300)))
        await one.sealed(300)
        yield one


def commands() -> str:
    """Every shell block of the guide, in order."""
    return "\n".join(re.findall(r"```sh\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL))


async def test_the_walk_through_works_as_printed(network: Network, tmp_path: Path) -> None:
    script = commands()
    # The first step is run where the repository is, as a reader of it would.
    script = script.replace("python -m services", f"PYTHONPATH={ROOT} python -m services")
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "TRAIL": network.modules["audit"].url,
        "TRAIL_TOKEN": network.token("auditor"),
        "REFERRAL": "ref_7",
    }

    shell = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", script),
        env=environment,
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    raw, _ = await asyncio.wait_for(shell.communicate(), 90)
    printed = raw.decode()

    assert shell.returncode == 0, printed
    verified = [line for line in printed.splitlines() if line.startswith("verified: ")]
    assert len(verified) == 4
    assert "first checkpoint kept" in verified[0]
    assert "everything sealed before is still there" in verified[1]
    assert "entries are exactly those sealed" in verified[2]
    assert "no open gaps" in verified[3]
    assert "ag_school referred ref_7" in printed
