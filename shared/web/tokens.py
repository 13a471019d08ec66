"""Access tokens (JWT, RFC 9068) and who the caller is. Issued elsewhere, only verified here."""

import re
import time
from collections.abc import AsyncIterator, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, cast

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from starlette.datastructures import State

from shared.errors import Unauthenticated
from shared.events.codes import Role
from shared.operating.telemetry import log
from shared.origin import Origin
from shared.web.accounts import Accounts, subject
from shared.web.claims import ALLOWED, IDS, NEEDED
from shared.web.claims import Claims as NamedClaims
from shared.web.issuer_keys import Keys
from shared.web.limits import address_of

ALGORITHMS = ["ES256", "PS256", "RS256", "RS512"]
LEEWAY = 60
AS_WE_CALL_THEM = NamedClaims()

# Ids stand in every event of their owner: they have the shape under which they are registered.
ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


@dataclass(frozen=True)
class Caller:
    """Who calls: one role, and the agency, worker, Hub or area the token was issued for.

    `account` is the person: the pseudonym of the token's subject, the same in every role.
    `expires_at`: the token's `exp`, for answers that take their time; who calls is the same before.
    """

    account: str
    role: Role
    agency_id: str | None = None
    worker_id: str | None = None
    hub_id: str | None = None
    area_id: str | None = None
    expires_at: float | None = field(default=None, compare=False)

    def expired(self, at: datetime) -> bool:
        """Whether an answer that was begun under the token must have ended."""
        return self.expires_at is not None and at.timestamp() >= self.expires_at

    @property
    def actor(self) -> str:
        """`kind:id` as it stands in events."""
        own = {"agency": self.agency_id, "worker": self.worker_id}
        return f"{self.role}:{own.get(self.role, self.account)}"

    def origin(self, correlation_id: str | None = None) -> Origin:
        """The origin of what this caller writes."""
        return Origin(self.actor, self.role, correlation_id=correlation_id)


class Tokens:
    """Verifies access tokens of one issuer for one audience."""

    def __init__(
        self,
        keys: Keys,
        issuer: str,
        audience: str,
        accounts: Accounts,
        claims: NamedClaims = AS_WE_CALL_THEM,
    ) -> None:
        self._keys, self._named = keys, claims
        self.accounts = accounts
        self._claims = jwt.JWTClaimsRegistry(
            leeway=LEEWAY,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            sub={"essential": True},
        )

    async def ready(self) -> None:
        """Returns if tokens could be verified now. Raises `Outage`."""
        await self._keys.get()

    async def verify(self, raw: str, *, fresh: bool = True) -> Caller:
        """The caller of a valid token. Raises `Unauthenticated` for any other, and for none.

        `fresh`: whether the issuer's keys may be read again for a token that they don't fit.
        """
        try:
            token = await self._decode(raw, fresh=fresh)
            if token.header.get("typ", "JWT").lower() not in ("at+jwt", "jwt"):
                raise Unauthenticated
            self._claims.validate(token.claims)
        except (JoseError, ValueError, KeyError, TypeError):
            raise Unauthenticated from None
        try:
            return _caller(token.claims, self._named.read(token.claims), self.accounts)
        except ValueError as error:
            # The reasons are ours: no word of the token stands in them.
            log.warning("token.refused", reason=str(error))
            raise Unauthenticated from None

    async def _decode(self, raw: str, *, fresh: bool) -> jwt.Token:
        try:
            return jwt.decode(raw, await self._keys.get(), algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            if not (raw and fresh):
                raise
            # Perhaps the issuer has rotated its keys.
            return jwt.decode(raw, await self._keys.get(fresh=True), algorithms=ALGORITHMS)


def _caller(claims: dict[str, Any], named: dict[str, Any], accounts: Accounts) -> Caller:
    """The caller these claims name. Raises `ValueError` with the reason why they name none."""
    role, sub = named.get("role"), claims["sub"]
    if not isinstance(role, str) or role not in NEEDED:
        raise ValueError("the role is none that a caller can have")
    if not isinstance(sub, str):
        raise ValueError("the subject is no text")
    ids = {name: named[name] for name in IDS if name in named}
    if missing := [name for name in NEEDED[role] if name not in ids]:
        raise ValueError(f"a token of this role needs {missing[0]}")
    for name, value in ids.items():
        if name not in (*NEEDED[role], *ALLOWED.get(role, ())):
            raise ValueError(f"a token of this role can't have {name}")
        if not isinstance(value, str) or not ID.fullmatch(value):
            raise ValueError(f"{name} has not the shape of an id")
    account = accounts.of(subject(sub))
    return Caller(account, cast("Role", role), **ids, expires_at=claims["exp"])


_bearer = HTTPBearer(auto_error=False, bearerFormat="JWT", description="Access token (RFC 9068)")


def client_of(who: Caller) -> str:
    """Whose requests are counted together: an agency's, or those of one person."""
    return f"agency:{who.agency_id}" if who.role == "agency" else who.account


async def authenticated(scope: MutableMapping[str, Any], state: State) -> Caller:
    """The caller of a request, by its head. Counted once, however often it is asked.

    Raises `Unauthenticated`, `TooMany`, `Outage`.
    """
    known: Caller | None = scope.get("caller")
    if known is not None:
        return known
    tokens: Tokens = state.tokens
    address, limits = address_of(scope), state.limits
    # A good token is served also where others have sent bad ones: they may share an address.
    exhausted = await limits.is_spent("failed_tokens", address)
    try:
        who = await tokens.verify(_bearer_of(scope), fresh=not exhausted)
    except Unauthenticated:
        await limits.spend("failed_tokens", address)
        raise
    scope.get("limits", {}).update((await limits.spend("client", client_of(who))).fields())
    scope["caller"] = who
    return who


def _bearer_of(scope: MutableMapping[str, Any]) -> str:
    """The token of a request; nothing where there is none, or two: who stands before us may have
    looked at the other one."""
    values = [value for name, value in scope["headers"] if name == b"authorization"]
    scheme, _, token = (values[0] if len(values) == 1 else b"").decode("latin-1").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


async def caller(request: Request, _: Annotated[Any, Depends(_bearer)]) -> Caller:
    """The caller of this request. Raises `Unauthenticated`."""
    who = await authenticated(request.scope, request.app.state)
    for seen in request.app.state.seen:
        await seen.note(who)
    return who


def accounts(request: Request) -> Accounts:
    """What makes accounts of subjects."""
    tokens: Tokens = request.app.state.tokens
    return tokens.accounts


AnyCaller = Annotated[Caller, Depends(caller)]


async def one_of_few(request: Request, who: AnyCaller) -> AsyncIterator[None]:
    """An answer that takes its time: a client has only so many at once. Raises `TooMany`."""
    async with request.app.state.limits.hold(client_of(who)):
        yield


OneOfFew = Annotated[None, Depends(one_of_few)]


def issue(key: ECKey, *, issuer: str, audience: str, lifetime: int, **claims: str) -> str:
    """Sign a token: for `make run` and tests. In production tokens come from your issuer."""
    at = int(time.time())
    return jwt.encode(
        {"alg": "ES256", "typ": "at+jwt", "kid": key.kid},
        {"iss": issuer, "aud": audience, "iat": at, "exp": at + lifetime, **claims},
        key,
        algorithms=["ES256"],
    )
