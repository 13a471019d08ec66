"""The public keys of the issuer of tokens."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from shared.errors import Outage
from shared.operating.telemetry import log

KEYS_TTL = 300.0
REFRESH_COOL_DOWN = 10.0


def keys_in(document: Any) -> KeySet:
    """The keys in a JWKS document (RFC 7517 §5). Raises `ValueError` for what is none, or is empty."""
    try:
        return KeySet.import_key_set(document)
    except (JoseError, LookupError, TypeError, AttributeError):
        raise ValueError("no set of keys") from None


class Keys:
    """The issuer's public keys: a JWKS file, or an https address, kept for five minutes. The address
    may be that of the issuer's metadata (OpenID Connect Discovery 1.0 §4, RFC 8414 §3), which say
    where the keys are; they must be those of `issuer`."""

    def __init__(self, where: str, issuer: str = "") -> None:
        self._where, self._issuer = where, issuer
        self._keys: KeySet | None = None
        self._read_at = 0.0
        self._reading: asyncio.Future[None] | None = None

    async def get(self, *, fresh: bool = False) -> KeySet:
        """The keys; `fresh` reads them again first, at most every ten seconds. Raises `Outage` while
        there never were any. Old ones are read anew beside the requests, which don't wait for it."""
        age = time.monotonic() - self._read_at
        if self._keys is None or (fresh and age > REFRESH_COOL_DOWN):
            await asyncio.shield(self._once())
        elif age > KEYS_TTL:
            self._once()
        if self._keys is None:
            raise Outage("keys_unavailable")
        return self._keys

    def _once(self) -> "asyncio.Future[None]":
        """Reading them, however many wait for it."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.ensure_future(self._read())
        return self._reading

    async def _read(self) -> None:
        # Where it fails those that there are stay: the issuer being away must not lock everyone out.
        try:
            self._keys = await self._found()
        except (OSError, ValueError, aiohttp.ClientError, TimeoutError) as error:
            log.warning("issuer_keys.failed", error=type(error).__name__)
        if self._keys is not None:
            self._read_at = time.monotonic()

    async def _found(self) -> KeySet:
        if not self._where.startswith(("http://", "https://")):
            return keys_in(json.loads(Path(self._where).read_text("utf-8")))  # noqa: ASYNC240
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
            document = await _document(session, self._where)
            if isinstance(document, dict) and "jwks_uri" in document:
                document = await _document(session, self._named_by(document))
        return keys_in(document)

    def _named_by(self, metadata: dict[str, Any]) -> str:
        """Where the keys are. Raises `ValueError` for metadata of another issuer, or keys that would
        come less safely."""
        where = metadata["jwks_uri"]
        if self._issuer and metadata.get("issuer") != self._issuer:
            raise ValueError("metadata of another issuer")
        if not isinstance(where, str) or urlsplit(where).scheme != urlsplit(self._where).scheme:
            raise ValueError("no address for the keys")
        return where


async def _document(session: aiohttp.ClientSession, where: str) -> Any:
    async with session.get(where, allow_redirects=False) as response:
        response.raise_for_status()
        return await response.json(content_type=None)
