"""What each request passes first and each answer carries: who is signed in, and headers that keep
a page to itself (no other site's code, frames or forms; nothing stored).
"""

import time
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.web.issuer import Issuer, IssuerAway, NotSignedIn
from services.web.renewing import Renewals
from services.web.session import RENEWED_EVERY, Cookies, Session
from services.web.settings import WebSettings
from shared.operating.telemetry import log

STATIC = "/static/"
EARLY = 30  # seconds before its end in which a token is renewed
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
FIELDS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), browsing-topics=()",
    "X-Content-Type-Options": "nosniff",
}


class Front:
    """Stands before the pages. `request.state.session` is who is signed in, or None; what a page puts
    there instead is what the browser keeps from then on."""

    def __init__(self, app: ASGIApp, settings: WebSettings, cookies: Cookies, issuer: Issuer):
        self._app, self._cookies, self._renewals = app, cookies, Renewals(issuer.renewed)
        self._claims = settings.claims

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["session"] = before = None
        if not scope["path"].startswith(STATIC):
            before = self._cookies.read(Request(scope).cookies)
            state["session"] = await self._current(before)
            # What can't go on here may go on in another replica, whose cookies must not be ended.
            before = before if state["session"] else None

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": self._headers(message, before, state)}
            await send(message)

        await self._app(scope, receive, sending)

    async def _current(self, session: Session | None) -> Session | None:
        """The session as it goes on: with a newer token where the last is about to end."""
        moment = int(time.time())
        if session is None:
            return None
        if moment > session.ends - EARLY:
            try:
                token = await self._renewals.of(session.refresh) if session.refresh else {}
                return session.renewed(token, self._claims)
            except (IssuerAway, NotSignedIn):  # another replica may have been first
                return session if moment < session.ends else None
            except (KeyError, ValueError):
                return None
        if moment - session.seen > RENEWED_EVERY:
            return session.model_copy(update={"seen": moment})
        return session

    def _headers(
        self, message: Message, before: Session | None, state: dict[str, Any]
    ) -> list[tuple[bytes, bytes]]:
        found = list(message.get("headers", ()))
        names = {name.lower() for name, _ in found}
        after = state["session"]
        fields = [*FIELDS.items()]
        if b"cache-control" in names:  # what others may keep goes without anybody's session
            return found + _lines(fields)
        fields.append(("Cache-Control", "no-store"))
        if after != before:
            try:
                fields += [("Set-Cookie", each) for each in self._cookies.written(after)]
            except ValueError:
                log.error("session.not_kept", reason="tokens too long for cookies")
        fields += [("Set-Cookie", each) for each in state.get("set_cookies", ())]
        return found + _lines(fields)


def _lines(fields: list[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in fields]
