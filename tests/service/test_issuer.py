"""The issuer's keys, read from a real address: found by its metadata, kept, and read beside requests."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from joserfc.jwk import ECKey

import shared.web.issuer_keys as reading
from shared.errors import Outage
from shared.web.issuer_keys import Keys
from tests.harness.processes import free_port
from tests.harness.waiting import until


@dataclass
class Issuer:
    """Answers at `/jwks` and at `/metadata`; while it is `slow`, not before it is let go."""

    url: str
    keys: list[Any] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    go: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[str] = field(default_factory=list)

    def rotate(self) -> str:
        """A new key in place of the old; its thumbprint."""
        key = ECKey.generate_key("P-256", auto_kid=True)
        self.keys = [key.as_dict(private=False)]
        return str(key.kid)

    async def handle(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        await self.go.wait()
        document = {"keys": self.keys} if request.path == "/jwks" else self.metadata
        return web.json_response(text=json.dumps(document))


@asynccontextmanager
async def issuing() -> AsyncIterator[Issuer]:
    port = free_port()
    issuer = Issuer(f"http://127.0.0.1:{port}")
    issuer.go.set()
    issuer.metadata = {"issuer": "https://issuer.example", "jwks_uri": f"{issuer.url}/jwks"}
    app = web.Application()
    app.router.add_get("/{_:.*}", issuer.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield issuer
    finally:
        issuer.go.set()
        await runner.cleanup()


async def kids(keys: Keys, *, fresh: bool = False) -> list[Any]:
    return [key.kid for key in (await keys.get(fresh=fresh)).keys]


@pytest.mark.parametrize("at", ["jwks", "metadata"])
async def test_keys_are_found_where_they_are_or_by_the_metadata_that_says_so(at: str) -> None:
    async with issuing() as issuer:
        kid = issuer.rotate()
        keys = Keys(f"{issuer.url}/{at}", "https://issuer.example")

        assert await kids(keys) == [kid]
        assert await kids(keys) == [kid]
        assert len(issuer.asked) == (1 if at == "jwks" else 2), "they are kept"


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": "https://another.example"},
        {"issuer": None},
        {"jwks_uri": "https://elsewhere.example/jwks"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": 7},
    ],
)
async def test_metadata_of_another_issuer_or_to_elsewhere_are_none_and_the_log_says_so(
    wrong: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    async with issuing() as issuer:
        issuer.rotate()
        issuer.metadata |= wrong

        with pytest.raises(Outage):
            await Keys(f"{issuer.url}/metadata", "https://issuer.example").get()
        assert "issuer_keys.failed" in "".join(capfd.readouterr())


async def test_nobody_waits_while_old_keys_are_read_anew_and_an_unknown_one_makes_them_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with issuing() as issuer:
        keys, old = Keys(f"{issuer.url}/jwks"), issuer.rotate()
        await keys.get()
        monkeypatch.setattr(reading, "KEYS_TTL", -1.0)
        monkeypatch.setattr(reading, "REFRESH_COOL_DOWN", -1.0)
        issuer.go.clear()
        new = issuer.rotate()

        for _ in range(20):
            assert await asyncio.wait_for(kids(keys), 1) == [old]
        wants_the_new_one = [asyncio.ensure_future(kids(keys, fresh=True)) for _ in range(20)]
        await until(lambda: _asked(issuer, 2), deadline=10, what="a second reading")
        assert await asyncio.wait_for(kids(keys), 1) == [old]
        issuer.go.set()
        assert await asyncio.gather(*wants_the_new_one) == [[new]] * 20
        assert len(issuer.asked) <= 3, "all wait for one reading"


async def test_an_issuer_that_is_away_locks_nobody_out_who_was_let_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with issuing() as issuer:
        keys, kid = Keys(f"{issuer.url}/jwks"), issuer.rotate()
        await keys.get()
    monkeypatch.setattr(reading, "REFRESH_COOL_DOWN", -1.0)

    assert await kids(keys, fresh=True) == [kid]


async def _asked(issuer: Issuer, times: int) -> bool:
    return len(issuer.asked) >= times
