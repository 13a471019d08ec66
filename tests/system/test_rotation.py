"""The master key and the signing key are changed as docs/runbook.md says, while the network runs."""

import base64
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import Network, running
from tests.harness.template import ROOT
from tests.harness.trails import program
from tests.harness.waiting import until


@pytest_asyncio.fixture
async def network(broker: Broker, mongo: Mongo, tmp_path: Path) -> AsyncIterator[Network]:
    async with running(broker, mongo, tmp_path, ["referral", "audit"]) as started:
        await started.load_referral_sample()
        yield started


def fresh(size: int) -> str:
    return base64.b64encode(secrets.token_bytes(size)).decode()


def rotate(network: Network, **env: str) -> str:
    """What the command says, run with the service's settings."""
    ran = subprocess.run(
        [sys.executable, "-m", "services.referral.retention", "rotate"],
        env={**network.environment("referral"), **env},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


async def test_the_master_key_is_changed_and_nobody_notices(network: Network) -> None:
    referral_id = (await network.refer("rotated")).json()["id"]
    old, new = network.environment("referral")["REFERRAL_MASTER_KEY"], fresh(96)
    both = {"REFERRAL_MASTER_KEY": new, "REFERRAL_MASTER_KEY_PREVIOUS": old}

    async def readable() -> bool:
        read = await network.ask("school", "GET", f"/v1/referrals/{referral_id}")
        return "Sample Child" in read.text

    await network.replace("referral", **both)
    assert await readable()
    assert rotate(network, **both) != "0 keys wrapped anew\n"
    assert rotate(network, **both) == "0 keys wrapped anew\n"
    await network.replace("referral", REFERRAL_MASTER_KEY=new)
    assert await readable()


async def test_the_signing_key_is_changed_and_a_kept_checkpoint_still_holds(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await network.refer("before")
    await network.quiet()
    keys, kept = tmp_path / "keys.json", tmp_path / "checkpoint.kept"
    kept.write_text((await network.ask("auditor", "GET", "/checkpoint")).text)
    old, new = network.environment("audit")["AUDIT_SIGNING_KEY"], fresh(32)
    monkeypatch.setenv("TRAIL_TOKEN", network.token("auditor"))

    async def holds() -> None:
        keys.write_text((await network.ask("auditor", "GET", "/v1/keys")).text)
        url = network.modules["audit"].url
        found = await program("watch", url, "--keys", keys, "--keep", kept, "--once")
        assert found.code == 0, found.said

    async def rotated() -> int:
        entries = await network.ask("auditor", "GET", "/v1/trail?type=trail.key_rotated&limit=50")
        return len(entries.json()["entries"])

    await network.replace("audit", AUDIT_SIGNING_KEY=new, AUDIT_OLD_SIGNING_KEY=old)
    await network.refer("both sign")
    await network.quiet()
    await until(rotated, deadline=30, what="the entry of the new key")
    await holds()
    before = await rotated()
    await network.replace("audit", AUDIT_SIGNING_KEY=new)
    await network.refer("the new one signs")
    await network.quiet()

    async def retired() -> bool:
        return await rotated() > before

    await until(retired, deadline=30, what="the entry of the old key")
    await holds()
