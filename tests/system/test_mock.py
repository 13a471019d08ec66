"""`make mock`: what becomes of a referral follows from its reference, in a network of its own."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx2
import pytest_asyncio

from allinone.playing import ENDINGS
from tests.harness.network import a_referral
from tests.harness.processes import free_port
from tests.harness.template import ROOT
from tests.harness.waiting import until

BECOMES = {
    **{"": "allocated", "-accepted": "allocated", "-started": "in_progress"},
    **{"-closed": "closed", "-rejected": "rejected", "-signposted": "signposted"},
}


@pytest_asyncio.fixture
async def agency(tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """A client with the token of the sample school, which the mock has printed."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *("env", "--default-signal=INT", sys.executable, "-m", "allinone", "--mock"),
        cwd=ROOT,
        env={**os.environ, "HTTP_PORT": str(port), "TMPDIR": str(tmp_path)},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(120):
            while not (line := (await process.stdout.readline()).decode()).startswith("export AG"):
                assert line, "it ended"
        token = line.partition("=")[2].strip()
        async with httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{port}",
            headers={"Authorization": f"Bearer {token}"},
            trust_env=False,
            timeout=30,
        ) as client:
            yield client
    finally:
        process.send_signal(2)
        async with asyncio.timeout(60):
            await asyncio.gather(process.wait(), process.stdout.read())
    assert process.returncode == 0
    assert os.listdir(tmp_path) == [], "it keeps nothing"


async def none(wrong: Callable[[], Awaitable[dict[str, str]]]) -> bool | dict[str, str]:
    return await wrong() or True


async def test_a_reference_says_what_becomes_of_its_referral(agency: httpx2.AsyncClient) -> None:
    assert set(BECOMES) == {"", *ENDINGS}
    ids = {}
    for ending in BECOMES:
        key = f"ours{ending}"
        child = {"name": f"Sample Child {ending}", "date_of_birth": "2012-05-17"}
        document = a_referral(agency_reference=key, subject=child)
        headers = {"Idempotency-Key": key}
        posted = await agency.post("/v1/referrals", json=document, headers=headers)
        assert posted.status_code == 201, posted.text
        ids[ending] = posted.json()["id"]

    async def wrong() -> dict[str, str]:
        """What has not become what it should."""
        found = {e: (await agency.get(f"/v1/referrals/{ids[e]}")).json()["status"] for e in ids}
        return {ending: now for ending, now in found.items() if now != BECOMES[ending]}

    await until(lambda: none(wrong), deadline=60, what="what the references say")

    async def heard() -> bool:
        told = (await agency.get("/v1/notifications?limit=100")).json()["notifications"]
        return len({one["kind"] for one in told if one["referral_id"] == ids["-rejected"]}) > 2

    await until(heard, deadline=60, what="the agency hearing of it as of any referral")
