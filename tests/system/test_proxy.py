"""deploy/proxy by an nginx of Debian: read, and in front of the pages as they run."""

import base64
import os
import re
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from deploy.compose import make_secrets
from services.web.session import MOST_PARTS, PART, Cookies, Session
from tests.harness.install import unpacked
from tests.harness.processes import Child, free_port, listening
from tests.harness.template import ROOT
from tests.harness.waiting import until
from tests.unit.test_web_front import session, settings_with

PROXY = ROOT / "deploy" / "proxy"


class Nginx:
    """nginx with the settings of deploy/proxy, all its files in a folder."""

    def __init__(self, folder: Path, *more: str) -> None:
        self.folder, self.port, self.pages = folder, free_port(), free_port()
        self.program = str(unpacked("nginx-light") / "usr" / "sbin" / "nginx")
        make_secrets.main(folder / "secrets")
        for name, target in (
            ("tls.crt", "tls.crt"),
            ("tls.key", "tls.key"),
            ("tls.crt", "inside.crt"),
        ):
            shutil.copy(folder / "secrets" / "proxy" / name, folder / target)
        (folder / "more").mkdir()
        for source in ("nginx.conf", *(f"{name}.conf" for name in more)):
            path = folder / source if source == "nginx.conf" else folder / "more" / source
            path.write_text(self._here((PROXY / source).read_text("utf-8")))

    def _here(self, text: str) -> str:
        here = {
            "/tmp/": f"{self.folder}/",  # noqa: S108
            "http2 on;": "",  # an older nginx than the images' says it otherwise
            "set $pages web;": "set $pages 127.0.0.1;",
            "http://$pages:8000": f"http://$pages:{self.pages}",
            "listen 8443": f"listen 127.0.0.1:{self.port}",
            "/run/secrets": str(self.folder),
            "/etc/nginx/more": str(self.folder / "more"),
        }
        for there, instead in here.items():
            text = text.replace(there, instead)
        return text

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def command(self, *words: str) -> list[str]:
        return [self.program, *words, "-e", "stderr", "-c", str(self.folder / "nginx.conf")]


@pytest.mark.parametrize("more", [(), ("issuer",), ("pages",), ("issuer", "pages")])
def test_nginx_reads_the_proxy_with_what_a_deployment_has_more(
    more: tuple[str, ...], tmp_path: Path
) -> None:
    command = Nginx(tmp_path, *more).command("-t")

    ran = subprocess.run(command, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stderr
    assert "[warn]" not in ran.stderr


@pytest_asyncio.fixture
async def nginx(tmp_path: Path) -> AsyncIterator[Nginx]:
    made = Nginx(tmp_path, "issuer", "pages")
    command = made.command("-g", "daemon off;")
    child = Child(*command, env={"PATH": os.environ["PATH"]}, log=tmp_path / "nginx.log")
    child.start()
    try:
        await until(lambda: listening(made.port), deadline=15, what="nginx")
        yield made
    finally:
        await child.stop()


@pytest_asyncio.fixture
async def pages(nginx: Nginx) -> AsyncIterator[Child]:
    """The pages behind it, without an issuer and without APIs."""
    key = base64.b64encode(bytes(32)).decode()
    env = {
        "PATH": os.environ["PATH"],
        "HTTP_PORT": str(nginx.pages),
        "TRUSTED_PROXIES": "127.0.0.1",
        "AUTH_ISSUER": "https://issuer.example",
        "WEB_ADDRESS": nginx.url,
        "WEB_API": f"http://127.0.0.1:{free_port()}",
        "WEB_METADATA": f"https://127.0.0.1:{free_port()}/.well-known/openid-configuration",
        "WEB_CLIENT_ID": "pages",
        "WEB_SESSION_KEY": key,
    }
    log = nginx.folder / "pages.log"
    child = Child(sys.executable, "-m", "services.web", env=env, log=log)
    child.start()
    try:
        await until(lambda: listening(nginx.pages) or not child.running, deadline=30, what="pages")
        yield child
    finally:
        await child.stop()


def longest() -> Session:
    """A session that takes all the cookies there may be, and is sent again with the next answer."""
    moment = int(time.time()) - 100
    return session(7300).model_copy(update={"seen": moment, "begun": moment})


async def test_a_session_as_long_as_it_may_be_passes_the_proxy_both_ways(
    nginx: Nginx, pages: Child
) -> None:
    fields = Cookies(settings_with()).written(longest())
    sent = "; ".join(field.partition(";")[0] for field in fields)
    trusts = ssl.create_default_context(cafile=nginx.folder / "tls.crt")

    async with httpx2.AsyncClient(base_url=nginx.url, verify=trusts, trust_env=False) as http:
        (sheet,) = re.findall(r'href="(/static/[^"]+\.css)"', (await http.get("/")).text)
        style = await http.get(sheet)
        answer = await http.get("/", headers={"Cookie": sent})

    assert len(sent) > PART * (MOST_PARTS - 1)
    assert answer.status_code in (200, 303), answer.text
    given = answer.headers.get_list("Set-Cookie")
    assert [each.partition("=")[0] for each in given] == [
        f"__Host-hub{n}" for n in range(MOST_PARTS)
    ]
    assert "max-age" in answer.headers["Strict-Transport-Security"]
    assert (style.status_code, style.headers["Content-Type"]) == (200, "text/css; charset=utf-8")


async def test_while_the_pages_are_away_a_page_says_so(nginx: Nginx) -> None:
    trusts = ssl.create_default_context(cafile=nginx.folder / "tls.crt")

    async with httpx2.AsyncClient(base_url=nginx.url, verify=trusts, trust_env=False) as http:
        answers = [await http.get(path) for path in ("/", "/today", "/trail/integrity")]

    for answer in answers:
        assert answer.status_code == 503
        assert answer.headers["Content-Type"] == "text/html"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "call 999" in answer.text
