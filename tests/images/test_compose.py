"""A whole network in containers: used from outside, crashed, stopped and replaced."""

import asyncio
import os
from collections import Counter
from pathlib import Path

import httpx2
import pytest

from tests.harness.guides import auditing, bare_python, verified
from tests.harness.network import SERVICES, a_referral
from tests.harness.waiting import PATIENCE, until
from tests.images.composed import CONTAINERS, UNHEARD, VERSION, Composed, image, run

NEWER = "0.1.1-test"


async def test_a_referral_from_outside_is_followed_to_the_trail_and_the_verifier(
    composed: Composed, tmp_path: Path
) -> None:
    referral_id = await composed.refer("followed")
    await composed.told(referral_id)
    inbox = (await composed.ask("worker", "GET", "/v1/notifications")).json()["notifications"]
    environment = {
        "PATH": f"{bare_python(tmp_path / 'bin')}:{os.environ['PATH']}",
        "TRAIL": composed.url,
        "CURL_CA_BUNDLE": str(composed.certificate),
        "SSL_CERT_FILE": str(composed.certificate),
        "TRAIL_TOKEN": composed.token("auditor"),
        "REFERRAL": referral_id,
    }
    (tmp_path / "empty").mkdir()
    shell = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", auditing()),
        env=environment,
        cwd=tmp_path / "empty",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    raw, _ = await asyncio.wait_for(shell.communicate(), 90 * PATIENCE)
    printed = raw.decode()

    assert referral_id in {one["referral_id"] for one in inbox}
    assert shell.returncode == 0, printed
    assert len(verified(printed)) == 4, printed
    assert f"referred {referral_id}" in printed


@pytest.mark.parametrize("name", CONTAINERS)
async def test_a_container_runs_as_nobody_and_can_do_no_more_than_it_must(
    composed: Composed, name: str
) -> None:
    found = await composed.inspect(name)
    host = found["HostConfig"]

    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert found["Config"]["User"] in {"10001:10001", "999:999", "101:101"}
    assert found["State"]["Health"]["Status"] == "healthy"


@pytest.mark.parametrize("name", CONTAINERS)
async def test_what_was_taken_in_outlives_the_crash_of_any_container(
    composed: Composed, name: str
) -> None:
    before = [await composed.refer(f"{name}-before-{n}") for n in range(3)]
    during = asyncio.gather(*(composed.refer(f"{name}-during-{n}") for n in range(5)))
    await composed.crash(name)
    after = await composed.refer(f"{name}-after")

    for referral_id in (*before, *await during, after):
        await composed.told(referral_id)


async def test_a_service_that_is_stopped_ends_what_it_began_and_ends_well(
    composed: Composed,
) -> None:
    posted = [await composed.refer(f"stopped-{n}") for n in range(3)]
    for service in SERVICES:
        await composed.compose("stop", service)
        state = (await composed.inspect(service))["State"]
        assert state["ExitCode"] == 0, (service, await composed.compose("logs", service))
        await composed.renew(service)

    for referral_id in posted:
        await composed.told(referral_id)


async def test_a_newer_image_takes_over_while_referrals_come_in(composed: Composed) -> None:
    """Every request that the service read is answered, and well. Whoever was not listened to sends it
    again under its key, and it is one referral."""
    newer = f"FROM {image('referral')}\nLABEL org.opencontainers.image.version={NEWER}\n"
    tag = image("referral").replace(VERSION, NEWER)
    await run("docker", "build", "--quiet", "--tag", tag, "-", stdin=newer.encode())
    load = Load(composed)
    posters = asyncio.gather(*(load.post(who) for who in range(3)))
    await until(lambda: len(load.ids) > 20, deadline=60, what="a load")
    try:
        async with composed.image_of("referral", tag):
            count = len(load.ids)
            more = lambda: len(load.ids) > count + 20  # noqa: E731
            await until(more, deadline=60, what="a load on the newer one")
            used = (await composed.inspect("referral"))["Config"]["Image"]
    finally:
        load.ended = True
        await posters

    assert used == tag
    assert set(load.answers.values()) == {201}
    assert len(set(load.ids)) == len(load.answers)
    for referral_id in load.ids:
        await composed.told(referral_id)
    print(
        f"\n{len(load.ids)} referrals while the image was replaced; not listened to: {load.unheard}"
    )


class Load:
    """Referrals about some children, one after the other, to the service's own address until `ended`."""

    def __init__(self, composed: Composed) -> None:
        self.composed, self.ended = composed, False
        self.answers, self.ids, self.unheard = dict[str, int](), list[str](), Counter[str]()

    async def post(self, who: int) -> None:
        """Each under its own key, on a connection of its own, again until there is an answer."""
        turn, address = 0, await self.composed.address("referral")
        token = self.composed.token("school")
        while not self.ended:
            key = f"newer-{who}-{turn}"
            headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
            child = turn % 25
            document = a_referral(
                agency_reference=key,
                subject={
                    "name": f"Sample {chr(65 + child)} Child",
                    "date_of_birth": f"{2009 + child % 5}-{1 + child // 5:02}-{3 + child:02}",
                },
            )
            try:
                async with httpx2.AsyncClient(timeout=15 * PATIENCE, trust_env=False) as client:
                    url = f"{address}/v1/referrals"
                    answer = await client.post(url, json=document, headers=headers)
            except UNHEARD as error:
                self.unheard[type(error).__name__] += 1
                await asyncio.sleep(0.1)
                address = await self.composed.address("referral") or address
                continue
            self.answers[key] = answer.status_code
            if answer.status_code == 201:
                self.ids.append(answer.json()["id"])
            turn += 1
            await asyncio.sleep(0.2)  # one agency may send 1,200 in a minute
