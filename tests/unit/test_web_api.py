"""How the pages ask the APIs: over connections of which who only waits takes none from who asks."""

import asyncio
import contextlib

from services.web.api import Apis
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
