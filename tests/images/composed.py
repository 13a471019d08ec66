"""docker-compose.yml as it is, started in a folder of its own: what an operator has, and no more."""

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import signal
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import httpx2

from allinone import sample
from deploy.compose import make_secrets, make_token
from tests.harness.network import PEOPLE, SERVICES, STORY, a_referral
from tests.harness.processes import free_port
from tests.harness.template import ROOT
from tests.harness.waiting import PATIENCE, until

VERSION = "0.1.0"
FILES = ("docker-compose.yml", "deploy/images/compose.yaml", "ports.yaml")
CONTAINERS = (*SERVICES, "rabbitmq", "mongo", "proxy")
AWAY = {502, 503, 504}
# Each network of a run has one of its own: two at once would overlap.
SUBNETS = (f"10.213.{number}.0/24" for number in range(8, 256))
OWN = """\
services:
  proxy:
    ports: !override ["127.0.0.1:{port}:8443"]
  rabbitmq:
    ports: !override []
"""
# While a container ends or begins: nobody listens, nobody has the address, or the connection had not
# been taken when its listener went.
UNHEARD = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ReadError)


def image(service: str) -> str:
    """The name of a service's image."""
    return f"hub-and-spoke-{service}:{VERSION}"


async def run(
    *words: str, cwd: Path = ROOT, stdin: bytes = b"", env: dict[str, str] | None = None
) -> str:
    """What a command printed. Fails when it does."""
    child = await asyncio.create_subprocess_exec(
        *words,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    raw, _ = await asyncio.wait_for(child.communicate(stdin), 240 * PATIENCE)
    assert child.returncode == 0, f"{words} ended with {child.returncode}:\n{raw.decode()[-4000:]}"
    return raw.decode()


class Composed:
    """Seven containers, on a port and a network of their own beside whatever else runs here."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.project = folder, f"images{secrets.token_hex(4)}"
        self.certificate = folder / "secrets" / "proxy" / "tls.crt"
        self.direct = httpx2.AsyncClient(timeout=15 * PATIENCE, trust_env=False)
        self.port, self._subnet = free_port(), next(SUBNETS)
        self.files: tuple[str, ...] = FILES

    @property
    def url(self) -> str:
        """Where all services are reached from outside."""
        return f"https://localhost:{self.port}"

    @cached_property
    def http(self) -> httpx2.AsyncClient:
        """Trusts the certificate that was written for this network, and no other."""
        trusts = ssl.create_default_context(cafile=self.certificate)
        return httpx2.AsyncClient(
            base_url=self.url, verify=trusts, timeout=15 * PATIENCE, trust_env=False
        )

    def write(self) -> None:
        """The folder of an operator: what Compose reads, and fresh secrets."""
        shutil.copy(ROOT / "docker-compose.yml", self.folder)
        shutil.copytree(ROOT / "deploy", self.folder / "deploy")
        make_secrets.main(self.folder / "secrets")
        (self.folder / "ports.yaml").write_text(OWN.format(port=self.port))

    async def start(self) -> None:
        """Write secrets, `up --wait`, load the sample. On return every container is healthy."""
        self.write()
        await self.compose("up", "--wait", "--no-build", "--pull", "never")
        await self.load_sample()

    async def stop(self) -> None:
        """Nothing of it stays."""
        await self.http.aclose()
        await self.direct.aclose()
        await self.compose("down", "--volumes", "--timeout", "30")

    async def compose(self, *words: str) -> str:
        files = [word for name in self.files for word in ("-f", name)]
        words = ("docker", "compose", "-p", self.project, *files, *words)
        return await run(*words, cwd=self.folder, env={"FRONT_SUBNET": self._subnet})

    @contextlib.asynccontextmanager
    async def image_of(self, service: str, tag: str) -> AsyncIterator[None]:
        """The service by another image, and then by its own again."""
        settings = self.folder / "ports.yaml"
        kept = settings.read_text()
        settings.write_text(f"{kept}  {service}:\n    image: {tag}\n")
        try:
            await self.renew(service)
            yield
        finally:
            settings.write_text(kept)
            await self.renew(service)

    async def renew(self, service: str) -> None:
        """A container of that service as its settings are now, healthy on return."""
        await self.compose("up", "--wait", "--no-build", "--no-deps", service)

    async def inspect(self, service: str) -> dict[str, Any]:
        """What the engine knows of a container."""
        name = f"{self.project}-{service}-1"
        (found,) = json.loads(await run("docker", "inspect", name))
        return dict(found)

    async def address(self, service: str) -> str:
        """A service's own address, without the proxy. Empty while it has none."""
        joined = (await self.inspect(service))["NetworkSettings"]["Networks"]
        found = joined[f"{self.project}_front"]["IPAddress"]
        return f"http://{found}:8000" if found else ""

    def token(self, person: str) -> str:
        return self.issue(PEOPLE[person])

    def issue(self, claims: dict[str, str]) -> str:
        return make_token.main(self.folder / "secrets", claims)

    async def ask(self, person: str, method: str, path: str, **options: Any) -> httpx2.Response:
        """One request from outside."""
        headers = {"Authorization": f"Bearer {self.token(person)}", **options.pop("headers", {})}
        return await self.http.request(method, path, headers=headers, **options)

    async def load_sample(self) -> None:
        for path, entry in sample.ENTRIES:
            document = sample.document(path, entry)
            if "cap" in document:
                document["cap"] = 1000
            (await self.ask("operator", "PUT", path, json=document)).raise_for_status()
        for claims in sample.SIGNATORIES:
            await until(partial(self._signed, claims), deadline=30, what="a signature")

    async def _signed(self, claims: dict[str, str]) -> bool:
        # Until the referral service has heard of the Hub, its manager is nobody there.
        headers = {"Authorization": f"Bearer {self.issue(claims)}"}
        answer = await self.http.post(sample.SIGNATURES, json={"version": 1}, headers=headers)
        return answer.status_code in {200, 409}

    async def refer(self, key: str) -> str:
        """The id of a referral that the school posts, and posts again until it has an answer."""

        async def posted() -> str:
            try:
                answer = await self.ask(
                    "school",
                    "POST",
                    "/v1/referrals",
                    json=a_referral(agency_reference=key),
                    headers={"Idempotency-Key": key},
                )
            except httpx2.TransportError:
                return ""
            if answer.status_code in AWAY:
                return ""
            assert answer.status_code == 201, answer.text
            return str(answer.json()["id"])

        return await until(posted, deadline=90, what=f"an answer to {key}")

    async def told(self, referral_id: str) -> None:
        """Once the trail has the whole story of it."""
        missing = STORY

        async def complete() -> bool:
            nonlocal missing
            path = f"/v1/trail?referral_id={referral_id}&limit=500"
            try:
                answer = await self.ask("auditor", "GET", path)
            except httpx2.TransportError:
                return False
            if answer.status_code != 200:
                return False
            types = Counter(e["leaf"]["event"]["type"] for e in answer.json()["entries"])
            missing = STORY - types
            return not missing

        try:
            await until(complete, deadline=90, what=f"the story of {referral_id}")
        except AssertionError as error:
            error.add_note(f"not in the trail: {dict(missing)}")
            raise

    async def crash(self, service: str) -> None:
        """SIGKILL to process 1 of a container, as a crash is; the engine starts it again by itself."""
        before = (await self.inspect(service))["State"]
        os.kill(before["Pid"], signal.SIGKILL)

        async def back() -> bool:
            state = (await self.inspect(service))["State"]
            return state["StartedAt"] != before["StartedAt"] and await self.ready()

        await until(back, deadline=120, what=f"all to be ready again after the crash of {service}")

    async def ready(self) -> bool:
        """Whether every service would serve now."""
        for service in SERVICES:
            with contextlib.suppress(httpx2.TransportError, httpx2.UnsupportedProtocol):
                answer = await self.direct.get(f"{await self.address(service)}/readyz")
                if answer.status_code == 200:
                    continue
            return False
        return True
