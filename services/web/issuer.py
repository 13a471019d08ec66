"""The network's issuer: where people sign in, and where their tokens come from and are renewed.

Authorization code with PKCE (RFC 6749, 4.1; RFC 7636; RFC 9700). Who somebody is stands in the access
token, which the APIs check; an ID token is not needed and not read.
"""

import asyncio
import time
from typing import Any

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client

from services.web.settings import WebSettings

DEADLINE = 10.0
# Errors of an issuer that end by themselves (RFC 6749, 4.1.2.1; RFC 8628, 3.5).
FOR_NOW = ("server_error", "temporarily_unavailable", "slow_down")


class NotSignedIn(Exception):
    """The issuer did not say who this is."""


class IssuerAway(Exception):
    """The issuer can't be reached, or says nothing of where to sign in."""


class Issuer:
    """Asks the issuer, once its metadata was read (OpenID Connect Discovery 1.0, RFC 8414)."""

    def __init__(
        self, settings: WebSettings, transport: httpx2.AsyncBaseTransport | None = None
    ) -> None:
        self._settings, self._transport = settings, transport
        self._known: dict[str, Any] = {}
        self._reading, self._asking = asyncio.Lock(), asyncio.Lock()
        self._own, self._own_until = "", 0.0
        self.comes_back_to = f"{settings.web_address}/signed-in"

    async def ready(self) -> None:
        """Returns once it is known where to sign in. Raises `IssuerAway`."""
        async with self._reading:
            if not self._known:
                self._known = await self._read()

    async def _read(self) -> dict[str, Any]:
        try:
            async with httpx2.AsyncClient(timeout=DEADLINE, transport=self._transport) as http:
                answer = await http.get(self._settings.web_metadata)
                found = answer.raise_for_status().json()
        except (httpx2.HTTPError, ValueError) as error:
            raise IssuerAway from error
        needed = ("authorization_endpoint", "token_endpoint")
        theirs = found.get("issuer") == self._settings.auth_issuer
        if not theirs or not all(map(found.get, needed)):
            raise IssuerAway
        return dict(found)

    def _client(self) -> AsyncOAuth2Client:
        secret = self._settings.web_client_secret
        return AsyncOAuth2Client(
            self._settings.web_client_id,
            secret.get_secret_value() if secret else None,
            token_endpoint_auth_method="client_secret_basic" if secret else "none",
            scope=self._settings.web_scope,
            redirect_uri=self.comes_back_to,
            code_challenge_method="S256",
            timeout=DEADLINE,
            transport=self._transport,
        )

    async def sign_in_at(self, verifier: str) -> tuple[str, str]:
        """The address to send somebody to, and the state to expect back. Raises `IssuerAway`."""
        await self.ready()
        async with self._client() as client:
            where = self._known["authorization_endpoint"]
            address, state = client.create_authorization_url(where, code_verifier=verifier)
        return address, state

    async def tokens_for(self, came_to: str, state: str, verifier: str) -> dict[str, Any]:
        """The tokens of who came back to this address. Raises `NotSignedIn`, `IssuerAway`."""
        return await self._fetched(
            self._client(), authorization_response=came_to, state=state, code_verifier=verifier
        )

    async def renewed(self, refresh: str) -> dict[str, Any]:
        """Newer tokens. Raises `NotSignedIn`, `IssuerAway`."""
        asked = {"grant_type": "refresh_token", "refresh_token": refresh}
        return await self._fetched(self._client(), **asked)

    async def _fetched(self, client: AsyncOAuth2Client, **asked: Any) -> dict[str, Any]:
        await self.ready()
        try:
            async with client:
                token = await client.fetch_token(self._known["token_endpoint"], **asked)
        except OAuthError as error:
            raise (IssuerAway if error.error in FOR_NOW else NotSignedIn) from error
        except (httpx2.HTTPError, ValueError) as error:
            raise IssuerAway from error
        if not token.get("access_token"):
            raise NotSignedIn
        return dict(token)

    async def own_token(self, *, fresh: bool = False) -> str:
        """A token of the account for those who ask for themselves (RFC 6749, 4.4), kept until shortly
        before its end; a `fresh` one is asked for anew. Raises `NotSignedIn`, `IssuerAway`."""
        async with self._asking:
            if fresh or time.monotonic() > self._own_until:
                token = await self._fetched_for_self()
                lasts = int(token.get("expires_in") or 60)
                self._own, self._own_until = (
                    str(token["access_token"]),
                    time.monotonic() + lasts - 30,
                )
            return self._own

    async def _fetched_for_self(self) -> dict[str, Any]:
        given = self._settings
        secret = given.web_self_client_secret
        client = AsyncOAuth2Client(
            given.web_self_client_id,
            secret.get_secret_value() if secret else None,
            scope=given.web_scope.replace("openid", "").strip() or None,
            timeout=DEADLINE,
            transport=self._transport,
        )
        return await self._fetched(client, grant_type="client_credentials")

    def sign_out_at(self) -> str | None:
        """Where the issuer lets people end their session with it, if it does."""
        found = self._known.get("end_session_endpoint")
        return str(found) if found else None
