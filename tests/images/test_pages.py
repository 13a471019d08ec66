"""The image of the pages, alone: no issuer and no API is there."""

import base64
import json
import re
import secrets
from collections.abc import AsyncIterator

import httpx2
import pytest
import pytest_asyncio

from shared.operating.start import CONFIGURATION, UNAVAILABLE
from tests.harness.template import ROOT
from tests.harness.waiting import PATIENCE, until
from tests.images.composed import image, run
from tests.images.test_images import LIST, LOCKED, python

GIVEN = {
    "AUTH_ISSUER": "https://issuer.example",
    "WEB_ADDRESS": "https://hub.example",
    "WEB_API": "http://referral:8000",
    "WEB_METADATA": "https://127.0.0.1:9/.well-known/openid-configuration",
    "WEB_CLIENT_ID": "pages",
    "WEB_SESSION_KEY": base64.b64encode(bytes(32)).decode(),
}


def words(**changes: str) -> list[str]:
    """What a container of it is given, locked as the pilot locks it."""
    settings = [f"--env={name}={value}" for name, value in {**GIVEN, **changes}.items()]
    return [*LOCKED, "bridge", "--tmpfs", "/tmp", *settings]  # noqa: S108


@pytest_asyncio.fixture
async def running() -> AsyncIterator[str]:
    """The name of a container that answers."""
    name = f"pages{secrets.token_hex(4)}"
    await run("docker", "run", "--detach", "--name", name, *words(), image("web"))
    try:
        yield name
    finally:
        await run("docker", "rm", "--force", name)


async def address(name: str) -> str:
    (found,) = json.loads(await run("docker", "inspect", name))
    return f"http://{found['NetworkSettings']['Networks']['bridge']['IPAddress']}:8000"


async def test_the_image_holds_every_template_and_every_static_file() -> None:
    held = json.loads(await python("web", LIST))
    ours = [
        str(path.relative_to(ROOT))
        for folder in ("templates", "static")
        for path in (ROOT / "services" / "web" / folder).rglob("*")
        if path.is_file()
    ]

    assert len(ours) > 20
    assert sorted(set(ours) - set(held)) == []


async def test_it_answers_a_page_is_not_ready_without_an_issuer_and_stops_when_told(
    running: str,
) -> None:
    url = await address(running)

    async with httpx2.AsyncClient(base_url=url, timeout=15 * PATIENCE, trust_env=False) as http:

        async def lives() -> bool:
            try:
                return (await http.get("/livez")).status_code == 200
            except httpx2.TransportError:
                return False

        await until(lives, deadline=30, what="an answer of the pages")
        page, ready = await http.get("/"), await http.get("/readyz")
        (sheet,) = re.findall(r'href="(/static/[^"]+\.css)"', page.text)
        style = await http.get(sheet)
        signing_in = await http.get("/sign-in")
    await run("docker", "stop", "--time", "20", running)
    (ended,) = json.loads(await run("docker", "inspect", running))

    assert (page.status_code, style.status_code, ready.status_code) == (200, 200, 503)
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert signing_in.status_code == 503
    assert ended["State"]["ExitCode"] == 0


@pytest.mark.parametrize(
    ("changes", "more", "code", "said"),
    [
        ({"WEB_ADDRESS": "http://hub.example"}, (), CONFIGURATION, "WEB_ADDRESS must be an https"),
        ({"WEB_SESSION_KEY": "c2hvcnQ="}, (), CONFIGURATION, "WEB_SESSION_KEY"),
        ({}, ("python", "-m", "services", "--check"), UNAVAILABLE, "WEB_METADATA"),
    ],
)
async def test_it_says_what_is_wrong_and_ends(
    changes: dict[str, str], more: tuple[str, ...], code: int, said: str
) -> None:
    with pytest.raises(AssertionError) as ended:
        await run("docker", "run", "--rm", *words(**changes), image("web"), *more)

    assert f"ended with {code}" in str(ended.value)
    assert said in str(ended.value)
