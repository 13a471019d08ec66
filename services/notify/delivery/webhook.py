"""One signed HTTP call to an agency's webhook, kept away from our own network."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from types import MappingProxyType

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from services.notify.delivery.addresses import is_public
from services.notify.delivery.outcomes import (
    BROKE_OFF,
    FORBIDDEN,
    TIMED_OUT,
    UNREACHABLE,
    Outcome,
    of_status,
)

TIMEOUT = 15.0
MAX_ANSWER = 4 * 1024
NAME_LOOKUPS = 64
NONE_MORE: Mapping[str, str] = MappingProxyType({})


class Unreachable(OSError):
    """The address is one that webhooks may not reach."""


class Caller:
    """Calls webhooks. Outside development only https, and only public addresses.

    The check is made on the address the socket is about to connect to, so neither a name that
    changes its address nor a literal in disguise gets past it. Redirects are not followed.
    """

    def __init__(self, *, development: bool, timeout: float = TIMEOUT) -> None:
        self._development, self._timeout = development, timeout
        self._session: aiohttp.ClientSession | None = None

    @contextlib.asynccontextmanager
    async def ready(self) -> AsyncIterator[None]:
        """Calls may be made within the block."""
        resolver = _Resolver()
        connector = aiohttp.TCPConnector(
            socket_factory=self._socket,
            resolver=resolver,
            force_close=True,
            limit=0,
            ttl_dns_cache=0,
            use_dns_cache=False,
        )
        timeout = aiohttp.ClientTimeout(total=self._timeout)
        async with aiohttp.ClientSession(
            connector=connector,
            timeout=timeout,
            trust_env=False,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        ) as self._session:
            yield

    async def call(
        self,
        url: str,
        secrets: Sequence[str],
        message_id: str,
        body: bytes,
        at: datetime,
        headers: Mapping[str, str] = NONE_MORE,
    ) -> Outcome:
        """What the endpoint answered. Raises nothing of the network's.

        Its status is all that counts: not a byte of what follows is read, however long it is.
        `headers`, in small letters, go with it; none of them is one of the signature.
        """
        outcome, _ = await self._post(url, secrets, message_id, body, at, read=0, headers=headers)
        return outcome

    async def challenge(
        self, url: str, secrets: Sequence[str], challenge: str, body: bytes, at: datetime
    ) -> bool:
        """Whether the endpoint answers 2xx with `{"challenge": …}`: then whoever runs it wants us."""
        outcome, answer = await self._post(url, secrets, challenge, body, at, read=MAX_ANSWER)
        if outcome.result != "delivered":
            return False
        with contextlib.suppress(ValueError, RecursionError):
            parsed = json.loads(answer)
            return isinstance(parsed, dict) and parsed.get("challenge") == challenge
        return False

    async def _post(
        self,
        url: str,
        secrets: Sequence[str],
        name: str,
        body: bytes,
        at: datetime,
        *,
        read: int,
        headers: Mapping[str, str] = NONE_MORE,
    ) -> tuple[Outcome, bytes]:
        if self._session is None:
            raise RuntimeError("calls are made within `ready`")
        if not self._development and not url.startswith("https://"):
            return FORBIDDEN, b""
        sent = {
            "content-type": "application/json",
            **headers,
            "webhook-id": name,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(sign(secret, name, at, body) for secret in secrets),
        }
        try:
            async with self._session.post(
                url, data=body, headers=sent, allow_redirects=False
            ) as response:
                outcome = of_status(response.status, response.headers.get("retry-after"))
                return outcome, await _up_to(response.content, read)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return _failure(error), b""

    def _socket(self, address: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, target = address
        if not self._development and not is_public(str(target[0])):
            raise Unreachable
        return socket.socket(family, kind, protocol)


def _failure(error: Exception) -> Outcome:
    """What went wrong, and whether the request may have arrived all the same."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    match error:
        case _ if isinstance(cause, Unreachable):
            return FORBIDDEN
        case aiohttp.InvalidURL():
            return FORBIDDEN
        case aiohttp.ServerTimeoutError() | TimeoutError():
            return TIMED_OUT
        case aiohttp.ClientConnectorError():
            return UNREACHABLE  # raised before anything of the request is sent
    return BROKE_OFF


class _Resolver(AbstractResolver):
    """Names are looked up in threads of our own: one slow name server must not hold up others."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(NAME_LOOKUPS, thread_name_prefix="names")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(
            self._threads, socket.getaddrinfo, host, port, family, socket.SOCK_STREAM
        )
        return [
            ResolveResult(
                hostname=host,
                host=str(target[0]),
                port=int(target[1]),
                family=kind,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, _, protocol, _, target in found
        ]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


async def _up_to(content: aiohttp.StreamReader, limit: int) -> bytes:
    found = b""
    while len(found) < limit:
        part = await content.read(limit - len(found))
        if not part:
            break
        found += part
    return found


def sign(secret: str, message_id: str, at: datetime, body: bytes) -> str:
    """`v1,` and base64 HMAC-SHA256 over `id.timestamp.body` (Standard Webhooks 1.0.0).

    Our own, for `standardwebhooks` needs an object for each secret and call; tests verify with it.
    """
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{int(at.timestamp())}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
