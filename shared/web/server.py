"""The HTTP server: whom it believes about addresses, how many connections it has, and how long it
waits for a head, for a reader, and for the end of a body that nobody wants.
"""

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable
from functools import partial
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from shared.errors import TooMany
from shared.operating.kinds import proxies_of
from shared.operating.settings import HttpSettings
from shared.operating.telemetry import limited
from shared.web.certificate import Certificate
from shared.web.connections import Connections
from shared.web.edge import MOST_READ, Edge
from shared.web.limits import AGAIN
from shared.web.problems import too_many
from shared.web.request_log import RequestLog


class PunctualProtocol(H11Protocol):
    """HTTP/1.1 for clients that send the head of a request, and read its answer, in time; others are
    cut off.

    Uvicorn itself waits for the first byte of a head, for its last, and for a reader, without an end.
    """

    def __init__(
        self,
        *given: Any,
        counted: Connections,
        head_seconds: float,
        read_seconds: float,
        **named: Any,
    ) -> None:
        super().__init__(*given, **named)
        self._counted, self._host = counted, ""
        self._head_seconds, self._read_seconds = head_seconds, read_seconds
        self._waiting: asyncio.TimerHandle | None = None
        self._reading: asyncio.TimerHandle | None = None
        self._unwanted = 0

    @property
    def waits(self) -> bool:
        """Whether no request is under way."""
        return self.cycle is None or self.cycle.response_complete

    def drop(self) -> None:
        """End it now."""
        self.transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody has connected: their first head is waited for, if they may have one more."""
        super().connection_made(transport)
        self._host = self.client[0] if self.client else "unknown"
        if self._counted.opened(self._host, self):
            self._wait()
        else:
            limited("connections")
            transport.write(CROWDED)
            transport.close()

    def data_received(self, data: bytes) -> None:
        """A part of a head, or of a body; a head that has come whole is waited for no longer."""
        if self.transport.is_closing():
            return
        if self.waits:
            if self._waiting is None:
                self._wait()
            # It may be the rest of a body whose head was enough to refuse it.
            self._unwanted += len(data)
            if self._unwanted > MOST_READ:
                self.drop()
                return
        super().data_received(data)
        if not self.waits:
            self._unwanted = 0
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._counted.closed(self._host, self)
        self._stop_waiting()
        self._stop_reading()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client does not read what it has asked for: not for ever."""
        super().pause_writing()
        self._stop_reading()
        self._reading = self.loop.call_later(self._read_seconds, self.drop)

    def resume_writing(self) -> None:
        """It reads on."""
        self._stop_reading()
        super().resume_writing()

    def _wait(self) -> None:
        self._waiting = self.loop.call_later(self._head_seconds, self._cut_off)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _stop_reading(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _cut_off(self) -> None:
        self._waiting = None
        if self.waits and not self.transport.is_closing():
            self.drop()


def _crowded() -> bytes:
    answer = too_many(TooMany("connections", AGAIN, {}))
    fields = [*answer.raw_headers, (b"connection", b"close"), (b"cache-control", b"no-store")]
    lines = [b"HTTP/1.1 429 Too Many Requests", *(b": ".join(field) for field in fields)]
    return b"\r\n".join([*lines, b"", bytes(answer.body)])


CROWDED = _crowded()


def bound(host: str, port: int, setting: str = "HTTP_PORT") -> socket.socket:
    """A socket on which to serve. Nobody is listened to before there is an app: until then they are
    refused. Raises `RuntimeError`, which names both, where it can't be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, or asyncio leaves Nagle's algorithm on: on a connection that was used before, what
    # follows the head of an answer would wait for the client's delayed acknowledgement, 40 ms.
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        return made
    except OSError as error:
        made.close()
        taken = error.errno == errno.EADDRINUSE
        why = "is taken by another program" if taken else f"can't be had ({error.strerror})"
        raise RuntimeError(f"{setting}: {port} at {host} (HTTP_HOST) {why}") from None


def serve(app: FastAPI, settings: HttpSettings) -> uvicorn.Server:
    """A uvicorn server: no access log (it prints paths), a bounded graceful stop."""
    trusted = proxies_of(settings.trusted_proxies)
    each, most = settings.limit_connections, settings.limit_all_connections
    protocol = partial(
        PunctualProtocol,
        counted=Connections(each, most, trusted),
        head_seconds=settings.limit_head_seconds,
        read_seconds=settings.limit_body_seconds,
    )
    return uvicorn.Server(
        uvicorn.Config(
            RequestLog(edge(app, settings)),
            host=settings.http_host,
            port=settings.http_port,
            http=protocol,  # type: ignore[arg-type]
            ws="none",
            ssl_context_factory=_over_tls(settings),
            access_log=False,
            log_config=None,
            timeout_graceful_shutdown=10,
            server_header=False,
            proxy_headers=bool(trusted),
            forwarded_allow_ips=trusted,
        )
    )


def _over_tls(settings: HttpSettings) -> Callable[..., ssl.SSLContext] | None:
    """What makes uvicorn speak TLS, where there is a certificate."""
    if not settings.http_certificate_file:
        return None
    shown = Certificate(settings.http_certificate_file, settings.http_key_file)
    return lambda *_: shown.context


def edge(app: FastAPI, settings: HttpSettings) -> Edge:
    """The routes behind their edge."""
    state, body_seconds = app.state, settings.limit_body_seconds
    return Edge(app, state.limits, state.admission, body_seconds=body_seconds)
