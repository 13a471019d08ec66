"""Who is signed in: sealed in cookies, so that a replica needs no memory and a thief of disks finds
nothing. Ends when nobody has used it for a while, and in any case after some hours.
"""

import base64
import json
import secrets
import time
from collections.abc import Mapping
from typing import Any, Self

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from pydantic import BaseModel, ValidationError

from services.web.settings import WebSettings
from shared.web.claims import IDS, Claims

SEALING = {"alg": "dir", "enc": "A256GCM"}
PART = 3500  # a browser keeps 4,096 bytes of a cookie, its name and attributes included
MOST_PARTS = 4
FIRST = {
    "agency": "/referrals",
    "worker": "/today",
    "hub_manager": "/board",
    "coordinator": "/messages",
    "auditor": "/trail",
    "operator": "/stranded",
}
KEPT_FOR = 600
RENEWED_EVERY = 60  # seconds: not each answer needs a new cookie


class Person(BaseModel, frozen=True):
    """Who the token says is here. The APIs decide what that allows; a page only chooses its menu."""

    role: str
    agency_id: str | None = None
    worker_id: str | None = None
    hub_id: str | None = None
    area_id: str | None = None

    @classmethod
    def of(cls, token: str, claims: Claims) -> Self:
        """As the token says, which its issuer gave to us itself. Raises `ValueError`."""
        try:
            body = token.split(".")[1]
            said = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        except (IndexError, ValueError):
            raise ValueError("an access token that is no JWT") from None
        read = claims.read(said)
        return cls(role=read.get("role", ""), **{name: read.get(name) for name in IDS})

    @property
    def first_page(self) -> str | None:
        """Where they begin; None while there are no pages for them."""
        return FIRST.get(self.role)

    @property
    def own_id(self) -> str:
        """The agency, worker, Hub or area that they are here as."""
        return self.agency_id or self.worker_id or self.hub_id or self.area_id or ""

    @property
    def is_practitioner(self) -> bool:
        """Whether a young person's record is a case to them, rather than a referral of theirs."""
        return self.role in ("worker", "hub_manager")


class Session(BaseModel, frozen=True):
    """A person's tokens, and since when. Times are unix seconds."""

    access: str
    refresh: str = ""
    ends: int
    person: Person
    csrf: str
    begun: int
    seen: int

    @classmethod
    def begin(cls, token: Mapping[str, Any], claims: Claims) -> Self:
        """A session with what the issuer answered (RFC 6749, 5.1). Raises `ValueError`."""
        moment = int(time.time())
        return cls(
            access=token["access_token"],
            refresh=token.get("refresh_token") or "",
            ends=moment + int(token.get("expires_in") or 300),
            person=Person.of(token["access_token"], claims),
            csrf=secrets.token_urlsafe(24),
            begun=moment,
            seen=moment,
        )

    def renewed(self, token: Mapping[str, Any], claims: Claims) -> Self:
        """The same session with newer tokens. Raises `ValueError`."""
        newer = self.begin({"refresh_token": self.refresh, **token}, claims)
        return newer.model_copy(update={"csrf": self.csrf, "begun": self.begun})


class Seal:
    """Seals what a browser keeps for us, each kind for its own purpose."""

    def __init__(self, settings: WebSettings) -> None:
        held = [settings.web_session_key, settings.web_old_session_key]
        self._keys = [
            OctKey.import_key(base64.b64decode(key.get_secret_value())) for key in held if key
        ]

    def seal(self, purpose: str, content: Mapping[str, Any]) -> str:
        """The content, readable by this service only."""
        header = {**SEALING, "typ": purpose}
        return jwe.encrypt_compact(header, json.dumps(content).encode(), self._keys[0])

    def open(self, purpose: str, sealed: str) -> dict[str, Any] | None:
        """What was sealed for that purpose; None for anything else."""
        for key in self._keys:
            try:
                found = jwe.decrypt_compact(sealed, key)
                if found.protected.get("typ") != purpose or found.plaintext is None:
                    return None
                content: dict[str, Any] = json.loads(found.plaintext)
                return content
            except (JoseError, ValueError, TypeError):
                continue
        return None


class Cookies:
    """Sessions in the cookies of a browser. A long token takes more than one."""

    def __init__(self, settings: WebSettings) -> None:
        self._seal, self._idle, self._longest = (
            Seal(settings),
            settings.web_idle,
            settings.web_longest,
        )
        self._secure = settings.secure
        self.name = "__Host-hub" if settings.secure else "hub"

    def read(self, cookies: Mapping[str, str]) -> Session | None:
        """The session of these cookies, if there is one and it has not ended."""
        parts = [cookies.get(f"{self.name}{n}", "") for n in range(MOST_PARTS)]
        content = self._seal.open("session", "".join(parts))
        try:
            session = Session.model_validate(content)
        except ValidationError:
            return None
        moment = time.time()
        idle, long = moment - session.seen > self._idle, moment - session.begun > self._longest
        return None if idle or long else session

    def written(self, session: Session | None) -> list[str]:
        """The Set-Cookie fields of a session; of none, those that end one. Raises `ValueError` for
        tokens that no browser would keep."""
        sealed = self._seal.seal("session", session.model_dump()) if session else ""
        if len(sealed) > PART * MOST_PARTS:
            raise ValueError("the issuer's tokens are too long for cookies")
        parts = [sealed[n * PART : (n + 1) * PART] for n in range(MOST_PARTS)]
        return [self._field(f"{self.name}{n}", part) for n, part in enumerate(parts)]

    def _field(self, name: str, value: str) -> str:
        ends = "" if value else "; Max-Age=0"
        secure = "; Secure" if self._secure else ""
        return f"{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{ends}"

    def seal_for(self, purpose: str, content: Mapping[str, Any]) -> str:
        """A Set-Cookie field of something else to be kept for ten minutes."""
        whole = {**content, "until": time.time() + KEPT_FOR}
        field = self._field(f"{self.name}-{purpose}", self._seal.seal(purpose, whole))
        return f"{field}; Max-Age={KEPT_FOR}"

    def kept_for(self, purpose: str, cookies: Mapping[str, str]) -> dict[str, Any] | None:
        """What was kept so, unless its time is over."""
        found = self._seal.open(purpose, cookies.get(f"{self.name}-{purpose}", "")) or {}
        return found if time.time() < found.get("until", 0) else None

    def forgotten(self, purpose: str) -> str:
        """The Set-Cookie field that ends it."""
        return self._field(f"{self.name}-{purpose}", "")
