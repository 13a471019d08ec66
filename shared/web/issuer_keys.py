"""The public keys of the issuer of tokens."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import aiohttp
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from shared.errors import Outage

KEYS_TTL = 300.0
REFRESH_COOL_DOWN = 10.0


def keys_in(document: Any) -> KeySet:
    """The keys in a JWKS document (RFC 7517 §5). Raises `ValueError` for what is none, or is empty."""
    try:
        return KeySet.import_key_set(document)
    except (JoseError, LookupError, TypeError, AttributeError):
        raise ValueError("no set of keys") from None


class Keys:
    """The issuer's public keys: a JWKS file, or an https address read and kept for five minutes."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._keys: KeySet | None = None
        self._read_at = 0.0
        self._lock = asyncio.Lock()

    async def get(self, *, fresh: bool = False) -> KeySet:
        """The keys; `fresh` reads them again, at most every ten seconds. Raises `Outage`."""
        async with self._lock:
            age = time.monotonic() - self._read_at
            limit = REFRESH_COOL_DOWN if fresh else KEYS_TTL
            if self._keys is None or age > limit:
                self._keys = await self._read()
                self._read_at = time.monotonic()
            return self._keys

    async def _read(self) -> KeySet:
        try:
            if not self._where.startswith(("http://", "https://")):
                return keys_in(json.loads(Path(self._where).read_text("utf-8")))  # noqa: ASYNC240
            timeout = aiohttp.ClientTimeout(total=5)
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(self._where, allow_redirects=False) as response,
            ):
                response.raise_for_status()
                return keys_in(await response.json(content_type=None))
        except (OSError, ValueError, aiohttp.ClientError, TimeoutError):
            if self._keys is not None:
                return self._keys  # the issuer being away must not lock everyone out
            raise Outage("keys_unavailable") from None
