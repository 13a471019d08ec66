"""All four services in this process, on a real store and the bus in memory, with the sample network."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from allinone import sample
from allinone.__main__ import compose, settings_of
from allinone.embedded import AUDIENCE, ISSUER, Keys, free_port
from shared.operating.runner import Process, mongo
from shared.web.edge import Edge
from shared.web.server import serve
from shared.web.tokens import issue
from tests.harness.mongo import drop
from tests.harness.network import IDLE, PEOPLE, a_referral
from tests.harness.waiting import until

DATABASES = ("hub_referral", "hub_allocation", "hub_notify", "hub_audit", "hub_bus")


class Whole:
    """The services, people of `PEOPLE` with their tokens, and one referral with a worker."""

    def __init__(self, process: Process, app: FastAPI, keys: Keys) -> None:
        self.process, self.app = process, app
        self.keys = keys
        self.tokens = {name: self.token(**claims) for name, claims in PEOPLE.items()}
        self.ids: dict[str, str] = {}
        self.port = 0
        behind = Edge(app, app.state.limits, app.state.admission, body_seconds=30)
        transport = httpx2.ASGITransport(app=behind, raise_app_exceptions=False)
        self.url = "http://whole.example"
        self.http = httpx2.AsyncClient(transport=transport, base_url=self.url)

    def token(self, **claims: str) -> str:
        """A token with these claims."""
        signing = self.keys.signing
        return issue(signing, issuer=ISSUER, audience=AUDIENCE, lifetime=7200, **claims)

    async def ask(self, person: str, method: str, path: str, **options: Any) -> httpx2.Response:
        """A request by a person of `PEOPLE`."""
        headers = {"Authorization": f"Bearer {self.tokens[person]}", **options.pop("headers", {})}
        return await self.http.request(method, path, headers=headers, **options)

    async def settle(self) -> None:
        """Load the sample network, refer one young person, and wait for the worker."""
        for path, entry in sample.ENTRIES:
            body = sample.document(path, entry)
            (await self.ask("operator", "PUT", path, json=body)).raise_for_status()
        for person in ("manager", "school", "police", "health"):
            signed = await self.ask(person, "POST", sample.SIGNATURES, json={"version": 1})
            signed.raise_for_status()
        headers = {"Idempotency-Key": "first"}
        posted = await self.ask(
            "school", "POST", "/v1/referrals", json=a_referral(), headers=headers
        )
        referral = posted.json()["id"]

        async def placed() -> dict[str, Any] | None:
            found = (await self.ask("manager", "GET", f"/v1/allocations/{referral}")).json()
            return found if found.get("worker_id") else None

        worker = (await until(placed, deadline=20, what="a worker") or {})["worker_id"]
        inbox = await self.ask("school", "GET", "/v1/notifications?wait=5")
        told = inbox.json()["notifications"][0]["id"]
        self.ids = {
            **{"referral_id": referral, "allocation_id": referral, "notification_id": told},
            **{"worker_id": worker, "hub_id": sample.HUB, "agency_id": sample.SCHOOL},
            **{"agreement_id": "isa_northtown", "recipient_id": sample.SCHOOL},
        }


@asynccontextmanager
async def empty(address: str) -> AsyncIterator[None]:
    """No databases before, and none after: the keys of another run would not fit them."""
    async with mongo(address) as client:
        for name in DATABASES:
            await drop(client, name)
        yield
        for name in DATABASES:
            await drop(client, name)


@asynccontextmanager
async def whole(address: str, folder: Path) -> AsyncIterator[Whole]:
    """The services, running and settled; their databases are gone after it."""
    keys = Keys(folder / "keys")
    process = compose(keys, address, 1)
    app = process.app()
    made = Whole(process, app, keys)
    async with empty(address), app.router.lifespan_context(app):
        await until(process.ready, deadline=30, what="the services")
        await made.settle()
        yield made
    await made.http.aclose()


@asynccontextmanager
async def served(address: str, folder: Path, **settings: str) -> AsyncIterator[Whole]:
    """The services on a port of their own, with these settings, not settled: `url` and `port`."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        keys = Keys(folder / "keys")
        port = free_port()
        process = compose(keys, address, port)
        chosen = settings_of(keys, address, port)
    app = process.app()
    made = Whole(process, app, keys)
    server = serve(app, chosen)
    made.url, made.port = f"http://127.0.0.1:{port}", port
    made.http = httpx2.AsyncClient(base_url=made.url, trust_env=False, timeout=30, limits=IDLE)
    async with empty(address):
        serving = asyncio.create_task(server.serve())
        try:
            await until(process.ready, deadline=30, what="the services")
            yield made
        finally:
            await made.http.aclose()
            server.should_exit = True
            await asyncio.wait({serving})
