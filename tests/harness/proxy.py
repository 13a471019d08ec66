"""A TCP proxy that can make the network fail between a client and the broker or the store."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from urllib.parse import urlsplit, urlunsplit

RESET = struct.pack("ii", 1, 0)  # SO_LINGER 0: closing sends RST instead of FIN


class Proxy:
    """In front of the server of `url`; use `proxy.url` instead.

    A hole holds what is sent and tells nobody, as a network does: bytes and ends of connections
    arrive when it has healed, unless the connection was reset meanwhile.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._target = parts.hostname or "127.0.0.1", parts.port or 0
        self._parts = parts
        self._up, self._down = asyncio.Event(), asyncio.Event()
        self._sockets: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()
        self.connections = self.sent_up = 0
        self.url = ""
        self.heal()

    def heal(self) -> None:
        """Everything passes."""
        self._up.set()
        self._down.set()

    def hole(self) -> None:
        """Nothing passes, either way."""
        self._up.clear()
        self._down.clear()

    def hole_down(self) -> None:
        """What the client sends arrives; what the server answers doesn't."""
        self._up.set()
        self._down.clear()

    def reset_all(self) -> int:
        """RST on every connection, both ends. Returns how many there were."""
        sockets, self._sockets = self._sockets, set()
        for writer in sockets:
            raw: socket.socket = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()
        return len(sockets) // 2

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._sockets.add(writer)
        server_writer: asyncio.StreamWriter | None = None
        try:
            await self._up.wait()
            server_reader, server_writer = await asyncio.open_connection(self._host, self._target)
            self._sockets.add(server_writer)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pump(reader, server_writer, self._up))
                tasks.create_task(self._pump(server_reader, writer, self._down))
        except* (OSError, asyncio.CancelledError):
            pass
        finally:
            for end in (writer, server_writer):
                if end is not None:
                    self._sockets.discard(end)
                    end.close()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, passes: asyncio.Event
    ) -> None:
        while data := await reader.read(65536):
            await passes.wait()
            writer.write(data)
            await writer.drain()
            if passes is self._up:
                self.sent_up += len(data)
        await passes.wait()
        writer.close()

    @contextlib.asynccontextmanager
    async def running(self) -> "AsyncIterator[Proxy]":
        """Listens within the block; every connection is reset at its end."""

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            pump = asyncio.create_task(self._accept(reader, writer))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        account = self._parts.netloc.rpartition("@")[0]
        place = f"{account}@127.0.0.1:{port}" if account else f"127.0.0.1:{port}"
        self.url = urlunsplit(self._parts._replace(netloc=place))
        try:
            yield self
        finally:
            server.close()
            self.reset_all()
            for pump in set(self._pumps):
                pump.cancel()
            if self._pumps:
                await asyncio.wait(self._pumps, timeout=5)
