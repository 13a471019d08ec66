"""A proxy that counts what a service asks of its store, by command, without changing a byte.

It reads the frames of MongoDB's wire protocol on their way to the store. The first key of a
command's document is its name, the value of that key is mostly its collection. Answers are not read.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

HEADER = 16
OP_MSG, OP_QUERY = 2013, 2004
STRING = 2  # the BSON type

KINDS = ("find", "insert", "update", "findAndModify", "aggregate", "delete", "getMore", "other")
# What the driver does of its own accord. The services' probes are pings, too.
DRIVER = "driver"
OF_DRIVER = {"hello", "ismaster", "isMaster", "ping", "endSessions", "buildInfo", "buildinfo"}


class Call(NamedTuple):
    """One sort of command: who gave it, on which collection (empty where it names none)."""

    service: str
    collection: str
    kind: str


def call_of(service: str, opcode: int, body: bytes) -> Call:
    """What a message asks for. `body` is the message after its header."""
    if opcode == OP_QUERY:  # drivers greet in it, and use it for nothing else
        return Call(service, "", DRIVER)
    if opcode != OP_MSG:
        return Call(service, "", "other")
    command, collection = _first(body, _document_at(body))
    if command in OF_DRIVER:
        return Call(service, "", DRIVER)
    kind = {"findandmodify": "findAndModify"}.get(command, command)
    return Call(service, collection, kind if kind in KINDS else "other")


def _document_at(body: bytes) -> int:
    """Where the command's document begins: the section of kind 0, mostly the first."""
    at = 4  # after the flags
    while body[at] != 0:
        at += 1 + _int(body, at + 1)
    return at + 1


def _first(body: bytes, at: int) -> tuple[str, str]:
    """The first key of a document, and its value where that is a string."""
    key_at = at + 5
    key_end = body.index(b"\0", key_at)
    key = body[key_at:key_end].decode()
    if body[at + 4] != STRING:
        return key, ""
    size = _int(body, key_end + 1)
    return key, body[key_end + 5 : key_end + 4 + size].decode()


def _int(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")


class CountingProxy:
    """In front of the store of `url`, for one service; it adds to `calls`."""

    def __init__(self, service: str, url: str, calls: Counter[Call]) -> None:
        self._service, self._calls, self._parts = service, calls, urlsplit(url)
        self._connections: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Listens on the loopback within the block; what is yielded is its address."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        account = self._parts.netloc.rpartition("@")[0]
        place = f"{account}@127.0.0.1:{port}" if account else f"127.0.0.1:{port}"
        try:
            yield urlunsplit(self._parts._replace(netloc=place))
        finally:
            server.close()
            for connection in self._connections:
                connection.cancel()
            if self._connections:
                await asyncio.wait(self._connections, timeout=5)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(self._connect(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until either side closes; then both are closed."""
        host, port = self._parts.hostname or "127.0.0.1", self._parts.port or 27017
        to_store: asyncio.StreamWriter | None = None
        try:
            from_store, to_store = await asyncio.open_connection(host, port)
            ways = {
                asyncio.create_task(self._ask(reader, to_store)),
                asyncio.create_task(_answer(from_store, writer)),
            }
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        except OSError:
            pass  # the store is gone: the service sees its connection close
        finally:
            for end in (writer, to_store):
                if end is not None:
                    end.close()

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            header = await reader.readexactly(HEADER)
            body = await reader.readexactly(_int(header, 0) - HEADER)
            self._calls[call_of(self._service, _int(header, 12), body)] += 1
            writer.write(header + body)
            await writer.drain()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


@contextlib.asynccontextmanager
async def counting(
    services: tuple[str, ...], url: str
) -> AsyncIterator[tuple[Mapping[str, str], Counter[Call]]]:
    """A proxy for each service: their addresses, and the calls of all of them, as they grow."""
    calls: Counter[Call] = Counter()
    async with contextlib.AsyncExitStack() as stack:
        addresses = {
            service: await stack.enter_async_context(CountingProxy(service, url, calls).running())
            for service in services
        }
        yield addresses, calls
