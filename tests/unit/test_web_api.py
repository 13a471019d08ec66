"""How the pages ask the APIs: over connections of which who only waits takes none from who asks."""

import asyncio
import contextlib

import httpx2
from hypothesis import given
from hypothesis import strategies as st

from services.web.api import Apis, Refused
from tests.unit.test_web_front import settings_with

OPEN = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: still\n\n"
THERE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
STREAMS = 120  # more than the library has connections of one client


async def test_streams_that_stay_open_keep_nobody_from_asking() -> None:
    over, opened = asyncio.Event(), asyncio.Semaphore(0)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        waits = b"/stream" in await reader.readuntil(b"\r\n\r\n")
        writer.write(OPEN if waits else THERE)
        await writer.drain()
        if waits:
            opened.release()
            await over.wait()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        here = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        apis = Apis(settings_with(environment="development", web_api=here), None)
        somebody = apis.asked_by("token", "192.0.2.1")

        async def wait() -> None:
            async for _ in somebody.lines("/v1/notifications/stream", {}):
                pass

        waiting = [asyncio.create_task(wait()) for _ in range(STREAMS)]
        try:
            async with asyncio.timeout(10):
                for _ in waiting:
                    await opened.acquire()
                assert await somebody.get("notify", "/v1/notifications") == {}
        finally:
            over.set()
            for task in waiting:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
            await apis.close()


@given(st.text(max_size=30), st.text(max_size=30))
async def test_what_a_field_of_a_form_holds_is_sent_as_it_is_or_refused(key: str, tag: str) -> None:
    asked = list[httpx2.Request]()

    def there(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return httpx2.Response(200, json={})

    apis = Apis(settings_with(), httpx2.MockTransport(there))
    somebody = apis.asked_by("token", "192.0.2.1")
    with contextlib.suppress(Refused):
        await somebody.post("referral", "/v1/referrals", {}, key=key, tag=tag)
    await apis.close()

    for request in asked:
        assert request.headers["If-Match"] == tag if tag else "If-Match" not in request.headers
        assert request.headers["Idempotency-Key"] == key or not key
