"""Access tokens (JWT, RFC 9068) and who the caller is. Issued elsewhere, only verified here."""

import asyncio
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_args

import aiohttp
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from shared.errors import Forbidden, Outage, Unauthenticated
from shared.events.codes import Role
from shared.origin import Origin

ALGORITHMS = ["ES256", "PS256", "RS256", "RS512"]
LEEWAY = 60
KEYS_TTL = 300.0
REFRESH_COOL_DOWN = 10.0


@dataclass(frozen=True)
class Caller:
    """Who calls: one role, and the agency, worker or Hub the token was issued for."""

    sub: str
    role: Role
    agency_id: str | None = None
    worker_id: str | None = None
    hub_id: str | None = None

    @property
    def actor(self) -> str:
        """`kind:id` as it stands in events."""
        if self.role == "agency":
            return f"agency:{self.agency_id}"
        return f"worker:{self.worker_id}" if self.worker_id else f"{self.role}:{self.sub}"

    def origin(self, correlation_id: str | None = None) -> Origin:
        """The origin of what this caller writes."""
        return Origin(self.actor, self.role, correlation_id=correlation_id)


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
                return KeySet.import_key_set(json.loads(Path(self._where).read_text("utf-8")))  # noqa: ASYNC240
            timeout = aiohttp.ClientTimeout(total=5)
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(self._where, allow_redirects=False) as response,
            ):
                response.raise_for_status()
                return KeySet.import_key_set(await response.json(content_type=None))
        except (OSError, ValueError, aiohttp.ClientError, TimeoutError):
            if self._keys is not None:
                return self._keys  # the issuer being away must not lock everyone out
            raise Outage("keys_unavailable") from None


class Tokens:
    """Verifies access tokens of one issuer for one audience."""

    def __init__(self, keys: Keys, issuer: str, audience: str) -> None:
        self._keys = keys
        self._claims = jwt.JWTClaimsRegistry(
            leeway=LEEWAY,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            sub={"essential": True},
        )

    async def verify(self, raw: str) -> Caller:
        """The caller of a valid token. Raises `Unauthenticated` for any other."""
        try:
            token = await self._decode(raw)
            if token.header.get("typ", "JWT").lower() not in ("at+jwt", "jwt"):
                raise Unauthenticated
            self._claims.validate(token.claims)
        except (JoseError, ValueError, KeyError, TypeError):
            raise Unauthenticated from None
        return _caller(token.claims)

    async def _decode(self, raw: str) -> jwt.Token:
        try:
            return jwt.decode(raw, await self._keys.get(), algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            # Perhaps the issuer has rotated its keys.
            return jwt.decode(raw, await self._keys.get(fresh=True), algorithms=ALGORITHMS)


def _caller(claims: dict[str, Any]) -> Caller:
    role: Any = claims.get("role")
    if role not in get_args(Role) or role == "service":
        raise Unauthenticated
    caller = Caller(
        sub=str(claims["sub"]),
        role=role,
        agency_id=_text(claims.get("agency_id")),
        worker_id=_text(claims.get("worker_id")),
        hub_id=_text(claims.get("hub_id")),
    )
    if role == "agency" and not caller.agency_id:
        raise Unauthenticated
    if role == "worker" and not caller.worker_id:
        raise Unauthenticated
    if role == "hub_manager" and not caller.hub_id:
        raise Unauthenticated
    return caller


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= 100 else None


_bearer = HTTPBearer(auto_error=False, bearerFormat="JWT", description="Access token (RFC 9068)")


async def caller(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Caller:
    """The caller of this request. Raises `Unauthenticated`."""
    if credentials is None:
        raise Unauthenticated
    tokens: Tokens = request.app.state.tokens
    return await tokens.verify(credentials.credentials)


AnyCaller = Annotated[Caller, Depends(caller)]


def only(*roles: Role) -> Any:
    """A dependency: the caller, who must have one of these roles. Raises `Forbidden`."""

    async def check(who: AnyCaller) -> Caller:
        if who.role not in roles:
            raise Forbidden
        return who

    return Depends(check)


def issue(key: ECKey, *, issuer: str, audience: str, lifetime: int, **claims: str) -> str:
    """Sign a token: for `make run` and tests. In production tokens come from your issuer."""
    at = int(time.time())
    return jwt.encode(
        {"alg": "ES256", "typ": "at+jwt", "kid": key.kid},
        {"iss": issuer, "aud": audience, "iat": at, "exp": at + lifetime, **claims},
        key,
        algorithms=["ES256"],
    )
