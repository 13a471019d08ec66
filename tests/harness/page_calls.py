"""Which calls of the APIs a page makes, recorded at the pages' own HTTP client."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import httpx2

from services.web.app import build
from services.web.settings import WebSettings


@dataclass(frozen=True)
class Call:
    """One call of a page: what was asked, and from when to when."""

    asked: httpx2.Request
    began: float
    ended: float

    @property
    def said(self) -> str:
        """What it asks for, whatever part of it."""
        return f"{self.asked.method} {self.asked.url.path}"


class Recorder(httpx2.AsyncBaseTransport):
    """Passes on what the pages ask, and keeps what that was."""

    def __init__(self) -> None:
        self._inner, self.calls = httpx2.AsyncHTTPTransport(), list[Call]()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The answer, once all of it is there."""
        began = time.perf_counter()
        answer = await self._inner.handle_async_request(request)
        await answer.aread()
        self.calls.append(Call(request, began, time.perf_counter()))
        return answer

    async def aclose(self) -> None:
        """Kept open: several clients of the pages share it."""

    async def end(self) -> None:
        """No connection is left."""
        await self._inner.aclose()


async def looked_at(http: httpx2.AsyncClient, path: str, cookies: Mapping[str, str]) -> None:
    """The page, which is there."""
    kept = "; ".join(f"{name}={value}" for name, value in cookies.items())
    answer = await http.get(path, headers={"Cookie": kept} if kept else {})
    assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"


async def calls_of(settings: WebSettings, path: str, cookies: Mapping[str, str]) -> list[Call]:
    """The calls of a page that has been looked at before, in the order in which it made them."""
    recorder = Recorder()
    transport = httpx2.ASGITransport(app=build(settings, recorder))
    async with httpx2.AsyncClient(transport=transport, base_url=settings.web_address) as http:
        await looked_at(http, path, cookies)
        recorder.calls.clear()
        await looked_at(http, path, cookies)
    await recorder.end()
    return sorted(recorder.calls, key=lambda each: each.began)
