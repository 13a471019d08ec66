"""Agencies' webhooks: a real HTTP server that keeps every call and answers as told."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from aiohttp import web

from tests.harness.processes import free_port


@dataclass
class Call:
    headers: dict[str, str]
    body: bytes
    path: str = ""


@dataclass
class Receiver:
    """`answers` are used up one by one; then every call gets 204. Challenges are answered as they
    should be, and kept apart."""

    url: str
    answers: list[int] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    challenges: list[Call] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        call = Call(headers, await request.read(), request.path)
        document = json.loads(call.body)
        if document["type"] == "challenge":
            self.challenges.append(call)
            return web.json_response({"challenge": document["challenge"]})
        self.calls.append(call)
        return await self.answer(request)

    @property
    def told(self) -> set[str]:
        """The ids of the notifications that came; a call may come twice, on a slow day."""
        return {call.headers["webhook-id"] for call in self.calls}

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """What a notification gets."""
        return web.Response(status=self.answers.pop(0) if self.answers else 204)

    def at(self, name: str) -> str:
        """The address of one of many webhooks on this server."""
        return f"{self.url}/{name}"


R = TypeVar("R", bound=Receiver)


@asynccontextmanager
async def receiving(port: int = 0) -> AsyncIterator[Receiver]:
    """A receiver on loopback."""
    async with receiving_as(Receiver, port) as receiver:
        yield receiver


@asynccontextmanager
async def receiving_as(make: Callable[[str], R], port: int = 0) -> AsyncIterator[R]:
    """A receiver of a kind of its own on loopback."""
    port = port or free_port()
    receiver = make(f"http://127.0.0.1:{port}/hook")
    app = web.Application()
    app.router.add_post("/hook", receiver.handle)
    app.router.add_post("/hook/{name}", receiver.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield receiver
    finally:
        await runner.cleanup()
