"""How the pages reach the APIs: over TLS, by authorities that no machine knows, if these are named."""

import asyncio
import ssl
from pathlib import Path

import pytest

from deploy.compose.make_secrets import certificate
from services.web.api import Apis, Away
from tests.unit.test_web_front import settings_with

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(OK)
    await writer.drain()
    writer.close()


async def test_an_api_is_believed_by_the_authorities_that_are_named(tmp_path: Path) -> None:
    for name, content in certificate("localhost").items():
        (tmp_path / name).write_text(content)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "tls.crt", tmp_path / "tls.key")
    server = await asyncio.start_server(_answer, "127.0.0.1", 0, ssl=context)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    named = Apis(settings_with(web_api=url, web_api_authority=str(tmp_path / "tls.crt")), None)
    unnamed = Apis(settings_with(web_api=url), None)

    try:
        asker = named.asked_by("token", "192.0.2.1")
        answer = await asker.get("referral", "/v1/referrals")
        lines = [line async for line in asker.lines("/v1/notifications/stream", {})]
        with pytest.raises(Away):
            await unnamed.asked_by("token", "192.0.2.1").get("referral", "/v1/referrals")
    finally:
        server.close()
        await named.close()
        await unnamed.close()

    assert (answer, lines) == ({}, ["{}"])
