"""The certificate that a service shows to who connects."""

import ssl
from pathlib import Path
from typing import Any

from shared.operating.telemetry import log


class Certificate:
    """Shows at each handshake what stands in the two files then: a renewed one without a restart.

    While they can't be read, or do not fit each other, it goes on with what it had. Raises `OSError`
    if they can't be read at the start.
    """

    def __init__(self, certificate: str, key: str) -> None:
        self._files = (Path(certificate), Path(key))
        self._seen = self._changed_at()
        self.context = self._latest = self._read()
        self.context.sni_callback = self._show

    def _changed_at(self) -> tuple[int, ...]:
        return tuple(file.stat().st_mtime_ns for file in self._files)

    def _read(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(*self._files)
        return context

    # Called at each handshake, also where the client names no host.
    def _show(self, connection: ssl.SSLObject, _host: str | None, _context: Any) -> None:
        try:
            if (now := self._changed_at()) != self._seen:
                self._latest, self._seen = self._read(), now
        except OSError as error:
            log.warning("certificate.unreadable", error=type(error).__name__)
        connection.context = self._latest
