"""The lines of docs/runbook.md that bring in a Hub, its workers and an agency, typed as they stand."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import Network, a_referral, running
from tests.harness.template import ROOT
from tests.harness.waiting import until

HUB, AGENCY = "hub_riverside", "ag_riverside_school"


@pytest_asyncio.fixture
async def network(broker: Broker, mongo: Mongo, tmp_path: Path) -> AsyncIterator[Network]:
    async with running(broker, mongo, tmp_path) as started:
        yield started


def lines() -> str:
    """Every shell block of the section."""
    section = (ROOT / "docs" / "runbook.md").read_text("utf-8").partition("\n## Onboarding\n")[2]
    return "\n".join(re.findall(r"```sh\n(.*?)```", section, re.DOTALL))


async def test_a_hub_its_workers_and_an_agency_are_brought_in_as_the_runbook_says(
    network: Network,
) -> None:
    operator = network.issue(sub="operator_new", role="operator")
    manager = network.issue(sub="manager_new", role="hub_manager", hub_id=HUB)
    agency = network.issue(sub=AGENCY, role="agency", agency_id=AGENCY)
    shell = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", lines()),
        env={
            "PATH": os.environ["PATH"],
            "REFERRAL": network.modules["referral"].url,
            "ALLOCATION": network.modules["allocation"].url,
            "OPERATOR": operator,
            "MANAGER": manager,
            "AGENCY": agency,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await asyncio.wait_for(shell.communicate(), 90)
    assert shell.returncode == 0, printed.decode()

    headers = {"Authorization": f"Bearer {agency}", "Idempotency-Key": "first"}
    posted = await network.http.post(
        network.modules["referral"].url + "/v1/referrals",
        json=a_referral(area="riverside"),
        headers=headers,
    )
    assert posted.status_code == 201, posted.text
    where = f"{network.modules['allocation'].url}/v1/allocations/{posted.json()['id']}"

    async def placed() -> str:
        asked = await network.http.get(where, headers={"Authorization": f"Bearer {manager}"})
        return str(asked.json().get("worker_id") or "") if asked.is_success else ""

    assert str(await until(placed, deadline=30, what="a worker")).startswith("wk_riverside_")
