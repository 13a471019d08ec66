"""docs/agencies.md as a developer would follow it: every block, in its order, with its own programs."""

import asyncio
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey

from allinone import sample
from tests.harness.mongo import Mongo
from tests.harness.processes import free_port
from tests.harness.template import ROOT
from tests.harness.waiting import until
from tests.harness.whole import Whole, served

BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
BLOCKS = BLOCK.findall((ROOT / "docs" / "agencies.md").read_text("utf-8"))
PROGRAMS = {
    "receive.py": [sys.executable, "receive.py"],
    "receive.js": ["node", "receive.js"],
    "Receive.java": ["java", "Receive.java"],
}
CLIENT = "northtown-school"


@pytest_asyncio.fixture(scope="module")
async def services(mongo: Mongo, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Whole]:
    folder = tmp_path_factory.mktemp("agencies")
    async with served(mongo.url, folder, DELIVERY_BACKOFF="[0.2, 0.5]") as made:
        await made.settle()
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the developer works, with the programs of the page."""
    for _, name, text in BLOCKS:
        if name:
            (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


@asynccontextmanager
async def issuing(services: Whole, folder: Path) -> AsyncIterator[str]:
    """The network's issuer: a token for who proves to be the client by their key."""
    key, port = ECKey.generate_key("P-256"), free_port()
    (folder / "client.pem").write_bytes(key.as_pem(private=True))
    where = f"http://127.0.0.1:{port}/token"

    async def token(request: web.Request) -> web.Response:
        form = await request.post()
        said = jwt.decode(str(form["client_assertion"]), key, algorithms=["ES256"]).claims
        assert (said["iss"], said["sub"], said["aud"]) == (CLIENT, CLIENT, where)
        assert form["grant_type"] == "client_credentials"
        issued = services.token(sub=CLIENT, role="agency", agency_id=sample.SCHOOL)
        return web.json_response({"access_token": issued, "token_type": "Bearer"})

    app = web.Application()
    app.router.add_post("/token", token)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield where
    finally:
        await runner.cleanup()


async def typed(folder: Path, lines: str, **environment: str) -> str:
    """What a shell prints when these lines are typed; it ends at the first that fails."""
    shell = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", lines),
        cwd=folder,
        env={"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await asyncio.wait_for(shell.communicate(), 120)
    assert shell.returncode == 0, printed.decode()
    return printed.decode()


@asynccontextmanager
async def running(folder: Path, program: str, port: int) -> AsyncIterator[Path]:
    """A program of the page that receives webhooks; yields the file of what it prints."""
    printed = folder / f"{program}.out"
    with printed.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *PROGRAMS[program], cwd=folder, env={**os.environ, "PORT": str(port)}, stdout=out
        )
        try:
            yield printed
        finally:
            process.kill()
            await process.wait()


async def test_an_afternoon_from_the_token_to_a_withdrawn_referral(
    services: Whole, folder: Path
) -> None:
    lines = "\n".join(text for language, _, text in BLOCKS if language == "sh")
    port = free_port()
    async with issuing(services, folder) as where, running(folder, "receive.py", port) as told:
        printed = await typed(
            folder, lines,
            API=services.url, TOKEN_URL=where, CLIENT_ID=CLIENT, AGENCY_ID=sample.SCHOOL,
            WEBHOOK=f"http://127.0.0.1:{port}/",
        )  # fmt: skip
        (referral_id,) = {*re.findall(r"^ref_[0-9a-f]{32}$", printed, re.MULTILINE)}
        for line in (
            *("isa_northtown", f"['{referral_id}']", "Synthetic text, and more.", "withdrawn"),
            *('"would_be":"taken"', "'referral_received'", '"pointer":"/subject/date_of_birth"'),
        ):
            assert line in printed, printed

        async def heard() -> bool:
            return "referral_withdrawn" in told.read_text("utf-8")

        await until(heard, deadline=30, what="the webhook being told of the withdrawal")


def test_each_code_of_an_error_that_the_page_names_is_one() -> None:
    page, errors = [
        (ROOT / "docs" / name).read_text("utf-8") for name in ("agencies.md", "errors.md")
    ]
    named = set(re.findall(r"\b4\d\d \(`(\w+)`\)", page))

    assert named
    assert named <= set(re.findall(r"^\| `(\w+)` \|", errors, re.MULTILINE))


def languages() -> Iterator[object]:
    for program, command in PROGRAMS.items():
        missing = shutil.which(command[0]) is None
        why = f"NOT RUN: the webhook in {program}; there is no {command[0]} here"
        yield pytest.param(program, marks=pytest.mark.skipif(missing, reason=why))


@pytest.mark.parametrize("program", [*languages()])
async def test_a_webhook_in_each_language_takes_what_is_signed_and_nothing_else(
    services: Whole, folder: Path, program: str
) -> None:
    port, agency = free_port(), f"ag_{program.lower().replace('.', '_')}"
    entry = {"name": "Sample Agency (synthetic)", "kind": "2a", "areas": ["northtown"]}
    made = await services.ask("operator", "PUT", f"/v1/agencies/{agency}", json=entry)
    made.raise_for_status()
    services.tokens[agency] = services.token(sub=agency, role="agency", agency_id=agency)
    path, url = f"/v1/subscriptions/{agency}", f"http://127.0.0.1:{port}/"
    async with running(folder, program, port) as told:
        put = await services.ask(agency, "PUT", path, json={"url": url})
        (folder / "webhook.secret").write_text(put.json()["secret"] + "\n", "utf-8")

        async def proved() -> bool:
            return bool((await services.ask(agency, "GET", path)).json()["url_verified"])

        await until(proved, deadline=40, what="the challenge being answered")
        document = {"agency_reference": "one", "urgency": "same_day", "area": "northtown"}
        posted = await services.ask(
            *(agency, "POST", "/v1/referrals"),
            json={**document, "subject": {"name": "Sample Child"}},
            headers={"Idempotency-Key": agency},
        )
        assert posted.status_code == 201, posted.text

        async def heard() -> bool:
            return "referral_received" in told.read_text("utf-8")

        await until(heard, deadline=40, what="the notification")
        before = told.read_text("utf-8")
        for headers in (
            {},
            {"webhook-id": "x", "webhook-timestamp": "1", "webhook-signature": "v1,x"},
        ):
            async with httpx2.AsyncClient(trust_env=False) as stranger:
                answer = await stranger.post(url, json={"type": "challenge"}, headers=headers)
            assert answer.status_code == 401, program
        since = told.read_text("utf-8").removeprefix(before)
        # Of us there may be more by now; of the stranger there is nothing.
        assert all(line.startswith("told ntf_") for line in since.splitlines()), since
