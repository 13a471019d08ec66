"""Webhooks that misbehave, each in its own way, on one server: the last word of the path says how."""

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass, field

from aiohttp import web

from tests.harness.receiver import Receiver

METADATA = "http://169.254.169.254/latest/meta-data/"
WAYS = ("broken", "silent", "headers_only", "endless", "elsewhere")


@dataclass
class Hostile(Receiver):
    """`/hook/<way>-…` misbehaves; any other path is well-behaved. `release` ends all hanging."""

    release: asyncio.Event = field(default_factory=asyncio.Event)
    hanging: Counter[str] = field(default_factory=Counter)
    most_hanging: Counter[str] = field(default_factory=Counter)
    sent: int = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info.get("name", "")
        match name.partition("-")[0]:
            case "broken":
                return web.Response(status=500)
            case "elsewhere":
                return web.Response(status=307, headers={"Location": METADATA})
            case "silent":
                await self._hang(name)
                return web.Response(status=500)
            case "headers_only":
                response = web.StreamResponse(status=500, headers={"Content-Length": "1000"})
                await response.prepare(request)
                await self._hang(name)
                return response
            case "endless":
                response = web.StreamResponse()
                await response.prepare(request)
                with contextlib.suppress(ConnectionError):  # they do well to hang up
                    for _ in range(160):
                        await response.write(b"x" * 65536)
                        self.sent += 65536
                return response
        return await super().answer(request)

    async def _hang(self, name: str) -> None:
        self.hanging[name] += 1
        self.most_hanging[name] = max(self.most_hanging[name], self.hanging[name])
        try:
            await self.release.wait()
        finally:
            self.hanging[name] -= 1

    def heard(self, start: str = "") -> list[str]:
        """The paths' last words of all notifications that arrived, in their order."""
        names = [call.path.rpartition("/")[2] for call in self.calls]
        return [name for name in names if name.startswith(start)]
