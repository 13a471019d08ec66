"""Connections over real sockets, without a store: how many an address has, and how they end."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from allinone.embedded import AUDIENCE, ISSUER, Keys, free_port
from shared.operating.settings import Settings
from shared.web.access import knowing, may, nobody
from shared.web.accounts import Accounts
from shared.web.admission import Admission
from shared.web.issuer_keys import Keys as Jwks
from shared.web.limits import Limits
from shared.web.problems import install
from shared.web.server import bound, serve
from shared.web.tokens import AnyCaller, Tokens, issue
from tests.harness.unlimited import UNLIMITED
from tests.harness.waiting import until
from tests.unit.test_limits import NEEDED

GET = b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n"
QUICK = {"LIMIT_BODY_SECONDS": "2", "LIMIT_HEAD_SECONDS": "2"}


@dataclass
class Server:
    """A small API behind the real edge: `/endless` answers for ever, `/thing` takes a body."""

    port: int
    keys: Keys

    def head(self, role: str, path: str = "/thing", length: int = 1_000_000) -> bytes:
        """The head of a request that promises a body."""
        claims = {"sub": "somebody", "role": role}
        if role == "agency":
            claims["agency_id"] = "ag_1"
        signing = self.keys.signing
        token = issue(signing, issuer=ISSUER, audience=AUDIENCE, lifetime=600, **claims)
        lines = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {length}"]
        lines += [f"Authorization: Bearer {token}"] if role else []
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


@asynccontextmanager
async def serving(
    folder: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, **settings: str
) -> AsyncIterator[Server]:
    keys, port = Keys(folder.mktemp("keys")), free_port()
    for name, value in {**UNLIMITED, **QUICK, **settings}.items():
        monkeypatch.setenv(name, value)
    given = {**NEEDED, "auth_jwks": str(keys.jwks), "http_port": port}
    chosen = Settings(**given)
    app = small()
    app.state.seen = []
    app.state.tokens = Tokens(
        Jwks(chosen.auth_jwks), ISSUER, AUDIENCE, Accounts(keys.secret("account", 32), ISSUER)
    )
    app.state.limits = Limits(chosen)
    app.state.admission = Admission(app, app.routes)
    install(app)
    server = serve(app, chosen)
    running = asyncio.create_task(server.serve())
    await until(lambda: server.started, deadline=10, what="the server")
    try:
        yield Server(port, keys)
    finally:
        server.should_exit = server.force_exit = True
        await asyncio.wait({running})


def small() -> FastAPI:
    app = FastAPI(dependencies=[knowing(nobody)])

    @app.get("/endless")
    async def endless() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            while True:
                yield bytes(65536)
                await asyncio.sleep(0)

        return StreamingResponse(parts())

    @app.post("/thing", dependencies=[may("send")])
    async def thing(caller: AnyCaller) -> str:
        return caller.role

    return app


class Client:
    """A connection from an address of one's own choice."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def answer(self, sent: bytes = b"", *, within: float = 10) -> bytes:
        """The status line of what comes back; nothing when the connection ends."""
        with contextlib.suppress(ConnectionError):
            self.writer.write(sent)
            async with asyncio.timeout(within):
                return (await self.reader.readline()).strip()
        return b""

    async def ended(self, *, within: float) -> bool:
        """Whether the other side ends it in time."""
        try:
            async with asyncio.timeout(within):
                while await self.reader.read(65536):
                    pass
        except ConnectionError:
            return True
        except TimeoutError:
            return False
        return True


class Clients(AsyncExitStack):
    """Opens connections, and closes them at the end."""

    async def open(self, port: int, source: str = "127.0.0.1") -> Client:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, local_addr=(source, 0)
        )  # fmt: skip
        self.callback(writer.transport.abort)
        self.callback(writer.close)
        return Client(reader, writer)


@pytest.mark.parametrize(
    ("role", "path", "answered"),
    [
        ("", "/thing", b"401"),
        ("", "/nothing", b"401"),
        ("nonsense", "/thing", b"401"),
        ("auditor", "/thing", b"403"),
    ],
)
async def test_a_body_is_not_waited_for_where_the_head_is_enough_to_refuse_it(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    role: str,
    path: str,
    answered: bytes,
) -> None:
    async with serving(tmp_path_factory, monkeypatch) as server, Clients() as clients:
        opened = [await clients.open(server.port) for _ in range(150)]
        head, started = server.head(role, path), time.monotonic()
        statuses = await asyncio.gather(*(one.answer(head, within=5) for one in opened))
        took = time.monotonic() - started
        # Who sends its body all the same is listened to for a while, and then cut off.
        opened[0].writer.write(b" " * 1000)
        ends = await opened[0].ended(within=8)

    assert {status.split(b" ")[1] for status in statuses} == {answered}
    assert took < 2, "before any body was late"
    assert ends


async def test_who_waits_to_be_asked_for_a_body_is_asked_only_if_they_may_send_it(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    expect = b"Expect: 100-continue\r\n\r\n"
    async with serving(tmp_path_factory, monkeypatch) as server, Clients() as clients:
        asked = await (await clients.open(server.port)).answer(
            server.head("agency")[:-2] + expect
        )  # fmt: skip
        refused = await (await clients.open(server.port)).answer(server.head("")[:-2] + expect)
        twice = server.head("agency")[:-2] + b"Authorization: Bearer other\r\n" + expect
        two_tokens = await (await clients.open(server.port)).answer(twice)

    assert asked.startswith(b"HTTP/1.1 100")
    assert refused.startswith(b"HTTP/1.1 401")
    assert two_tokens.startswith(b"HTTP/1.1 401"), "a proxy may have looked at the other one"


async def test_a_client_over_its_limit_is_told_so_before_its_body(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited = {"LIMIT_CLIENT": "1/hour"}
    async with serving(tmp_path_factory, monkeypatch, **limited) as server, Clients() as clients:
        head = server.head("agency")
        first = await (await clients.open(server.port)).answer(head + b" " * 1_000_000)
        second = await (await clients.open(server.port)).answer(head)

    assert first.startswith(b"HTTP/1.1 200")
    assert second.startswith(b"HTTP/1.1 429")


async def test_an_address_has_so_many_connections_and_another_is_served(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited = {"LIMIT_CONNECTIONS": "5"}
    async with serving(tmp_path_factory, monkeypatch, **limited) as server, Clients() as clients:
        many = [await clients.open(server.port, "127.0.0.9") for _ in range(8)]
        crowded = [await one.answer() for one in many[5:]]
        other = await (await clients.open(server.port, "127.0.0.10")).answer(GET)
        many[0].writer.transport.abort()

        async def room_again() -> bool:
            again = await clients.open(server.port, "127.0.0.9")
            return (await again.answer(GET)).startswith(b"HTTP/1.1 200")

        await until(room_again, deadline=5, what="room for one more")

    assert {status.split(b" ")[1] for status in crowded} == {b"429"}
    assert other.startswith(b"HTTP/1.1 200")


async def test_who_opens_many_keeps_nobody_out(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All places are taken: by one who waits and one who is served, with a few of another."""
    limited = {"LIMIT_CONNECTIONS": "20", "LIMIT_ALL_CONNECTIONS": "20"}
    limited |= {"LIMIT_HEAD_SECONDS": "60", "LIMIT_BODY_SECONDS": "60"}
    async with serving(tmp_path_factory, monkeypatch, **limited) as server, Clients() as clients:
        served = await clients.open(server.port, "127.0.0.9")
        assert (await served.answer(GET)).startswith(b"HTTP/1.1 200")
        many = [await clients.open(server.port, "127.0.0.9") for _ in range(16)]
        few = [await clients.open(server.port, "127.0.0.11") for _ in range(3)]
        newcomers = [
            await (await clients.open(server.port, f"127.0.0.{n}")).answer(GET)
            for n in range(20, 25)
        ]
        ended = await asyncio.gather(*(one.ended(within=0.5) for one in many))
        crowd = await (await clients.open(server.port, "127.0.0.9")).answer(GET)
        known = [await one.answer(GET) for one in few]
        assert await served.reader.read(1), "what is under way is left alone"

    assert all(each.startswith(b"HTTP/1.1 200") for each in (*newcomers, *known))
    assert ended == [True] * 5 + [False] * 11
    assert crowd.startswith(b"HTTP/1.1 429")


async def test_through_a_proxy_an_address_has_so_many_requests_under_way(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited = {"LIMIT_CONNECTIONS": "3", "TRUSTED_PROXIES": "127.0.0.0/29"}
    async with serving(tmp_path_factory, monkeypatch, **limited) as server, Clients() as clients:

        async def through(address: str) -> bytes:
            # Whoever stands before the proxy can make up all but the last.
            said = f"X-Forwarded-For: 198.51.100.1, {address}\r\n\r\n".encode()
            client = await clients.open(server.port, "127.0.0.2")
            return await client.answer(server.head("agency")[:-2] + said, within=0.5)

        async def held(address: str) -> bytes:
            with contextlib.suppress(TimeoutError):
                return await through(address)
            return b"waits for its body"

        one = [await held("192.0.2.1") for _ in range(5)]
        another = await held("192.0.2.2")

    assert one[:3] == [b"waits for its body"] * 3
    assert {status.split(b" ")[1] for status in one[3:]} == {b"429"}
    assert another == b"waits for its body"


async def test_who_does_not_read_the_answer_is_cut_off(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(tmp_path_factory, monkeypatch) as server, Clients() as clients:
        lazy = await clients.open(server.port)
        assert (await lazy.answer(GET)).startswith(b"HTTP/1.1 200")
        lazy.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(3)
        lazy.writer.transport.resume_reading()  # type: ignore[attr-defined]

        assert await lazy.ended(within=5)


async def test_who_sends_on_after_a_refusal_is_not_listened_to_for_ever(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = {"LIMIT_HEAD_SECONDS": "60"}
    async with serving(tmp_path_factory, monkeypatch, **patient) as server, Clients() as clients:
        client = await clients.open(server.port)
        refused = await client.answer(server.head("", length=50_000_000))
        with contextlib.suppress(ConnectionError):
            for _ in range(500):
                client.writer.write(bytes(100_000))
                await client.writer.drain()

        assert refused.startswith(b"HTTP/1.1 401")
        assert await client.ended(within=5)


async def test_no_part_of_an_answer_waits_until_the_one_before_is_acknowledged() -> None:
    waits = asyncio.get_running_loop().create_future()

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = writer.get_extra_info("socket")
        waits.set_result(not there.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    async with await asyncio.start_server(answer, sock=bound("127.0.0.1", 0)) as server:
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        assert not await asyncio.wait_for(waits, 5), "Nagle's algorithm is on"
        writer.close()
