"""An issuer for trying: who signs in says which of the sample people they are, without a password.

The pages go the same way as with a real one: authorization code with PKCE (RFC 6749, RFC 7636).
"""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import FastAPI, Request
from jinja2 import Environment
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from services.web.session import Cookies
from services.web.settings import WebSettings
from services.web.visit import SEE_OTHER, comes_from_us

PEOPLE_PATH = "/people"
METADATA = f"{PEOPLE_PATH}/.well-known/openid-configuration"
AUTHORIZE, TOKEN = f"{PEOPLE_PATH}/authorize", f"{PEOPLE_PATH}/token"
AS, CHOSEN = f"{PEOPLE_PATH}/as", "hub-as"
NOT_OURS = "This is not from a page of ours."
LIFETIME = 12 * 3600
CLIENT, YOUNG_PEOPLE = "pages", "young-people"
CODE_LIFETIME = 60.0
MOST_REFRESHING = 1_000
WANTED = ("redirect_uri", "state", "code_challenge")
PAGE = """{% extends "page.html" %}
{% block title %}Who are you?{% endblock %}
{% block main %}
<div class="text"><h1>Who are you?</h1>
<p>This is a network for trying, with sample people. Nobody asks for a password here.</p>
<form method="post" action="{{ path }}">
{% for name, value in wanted.items() %}<input type="hidden" name="{{ name }}" value="{{ value }}">{% endfor %}
<ul class="cards">{% for key, person in people.items() %}<li><h2>{{ person.said }}</h2>
<p><button class="second" name="who" value="{{ key }}">Sign in as {{ key }}</button></p></li>{% endfor %}</ul>
</form></div>
{% endblock %}
"""


@dataclass(frozen=True)
class SamplePerson:
    """What they are, in words, and the claims of their tokens."""

    said: str
    claims: Mapping[str, str]


@dataclass(frozen=True)
class Waiting:
    """A code that was given out and not yet brought back."""

    who: str
    challenge: str
    comes_back_to: str
    until: float

    def answers(self, form: Mapping[str, str]) -> bool:
        """Whether who brings it back is who asked for it, in time (RFC 7636, 4.6)."""
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        proof = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        right = hmac.compare_digest(proof.encode(), self.challenge.encode())
        there = form.get("redirect_uri") == self.comes_back_to
        return right and there and time.monotonic() < self.until


class Issuer:
    """Its pages and its endpoints, at `base`. `token` makes one for some claims; the pages get one with
    those of `young` for the `secret`."""

    def __init__(
        self,
        base: str,
        name: str,
        people: Mapping[str, SamplePerson],
        token: Callable[..., str],
        templates: Environment,
        *,
        young: Mapping[str, str],
        secret: str,
        lifetime: int = LIFETIME,
    ) -> None:
        self._base, self._name, self._people, self._token = base, name, people, token
        self._young, self._secret, self._lifetime = young, secret, lifetime
        self._refreshing = dict[str, str]()
        self._page, self._waiting = templates.from_string(PAGE), dict[str, Waiting]()

    def app(self, settings: WebSettings) -> FastAPI:
        """What answers below `/people`, for the pages with those settings."""
        app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
        app.state.settings = settings
        app.add_api_route(f"{AS}/{{who}}", self._choose, methods=["POST"])
        app.add_api_route(METADATA, self._metadata)
        app.add_api_route(AUTHORIZE, self._ask)
        app.add_api_route(AUTHORIZE, self._say, methods=["POST"])
        app.add_api_route(TOKEN, self._give, methods=["POST"])
        return app

    async def _metadata(self) -> dict[str, Any]:
        return {
            "issuer": self._name,
            "authorization_endpoint": f"{self._base}{AUTHORIZE}",
            "token_endpoint": f"{self._base}{TOKEN}",
            "code_challenge_methods_supported": ["S256"],
        }

    async def _ask(self, request: Request) -> Response:
        wanted = {each: request.query_params.get(each, "") for each in WANTED}
        if not self._is_ours(wanted):
            return HTMLResponse(NOT_OURS, 400)
        if (chosen := request.cookies.get(CHOSEN, "")) in self._people:
            answer = self._back(chosen, wanted)
            answer.delete_cookie(CHOSEN, AUTHORIZE)
            return answer
        known = {"path": AUTHORIZE, "people": self._people, "wanted": wanted, "visit": None}
        return HTMLResponse(self._page.render(**known), headers={"Cache-Control": "no-store"})

    async def _say(self, request: Request) -> Response:
        form = await _form(request)
        if form.get("who") not in self._people or not self._is_ours(form):
            return HTMLResponse(NOT_OURS, 400)
        return self._back(form["who"], form)

    async def _choose(self, request: Request, who: str) -> Response:
        """Sign in as them at once, from a page of ours, and on to the path `to`. Which paths there are
        to go on to `/sign-in` decides, as for everybody; who it is the browser keeps until then. Who
        was signed in before is so no more: `/sign-in` would go on as them."""
        if who not in self._people or not comes_from_us(request):
            return HTMLResponse(NOT_OURS, 400)
        wanted = (await _form(request)).get("to", "/")
        answer = RedirectResponse(f"/sign-in?to={quote(wanted, safe='/')}", SEE_OTHER)
        life = int(CODE_LIFETIME)
        for field in Cookies(request.app.state.settings).written(None):
            answer.headers.append("Set-Cookie", field)
        answer.set_cookie(CHOSEN, who, life, path=AUTHORIZE, httponly=True, samesite="strict")
        return answer

    def _back(self, who: str, asked: Mapping[str, str]) -> Response:
        """Back to the pages, with a code that is good for one token of theirs."""
        code, back = secrets.token_urlsafe(24), asked["redirect_uri"]
        until = time.monotonic() + CODE_LIFETIME
        self._waiting[code] = Waiting(who, asked["code_challenge"], back, until)
        told = urlencode({"code": code, "state": asked.get("state", "")})
        return RedirectResponse(f"{back}?{told}", SEE_OTHER)

    async def _give(self, request: Request) -> Response:
        form = await _form(request)
        if form.get("grant_type") == "client_credentials":
            return self._to_the_pages(request)
        if form.get("grant_type") == "refresh_token":
            return self._again(form.get("refresh_token", ""))
        found = self._waiting.pop(form.get("code", ""), None)
        if found is None or not found.answers(form):
            return JSONResponse({"error": "invalid_grant"}, 400)
        return self._to_a_person(found.who)

    def _again(self, refresh: str) -> Response:
        """Newer tokens (RFC 6749, 6). A refresh token is taken once (RFC 9700, 4.14.2)."""
        who = self._refreshing.pop(refresh, None)
        return self._to_a_person(who) if who else JSONResponse({"error": "invalid_grant"}, 400)

    def _to_a_person(self, who: str) -> Response:
        """Tokens of one of the people; of the refresh tokens the oldest goes where there are many."""
        refresh = secrets.token_urlsafe(24)
        self._refreshing[refresh] = who
        if len(self._refreshing) > MOST_REFRESHING:
            del self._refreshing[next(iter(self._refreshing))]
        return self._given(self._people[who].claims, refresh_token=refresh)

    def _to_the_pages(self, request: Request) -> Response:
        """A token of those who write themselves, to the pages of this process (RFC 6749, 4.4)."""
        said = request.headers.get("Authorization", "")
        expected = base64.b64encode(f"{YOUNG_PEOPLE}:{self._secret}".encode()).decode()
        if not hmac.compare_digest(said.encode(), f"Basic {expected}".encode()):
            return JSONResponse({"error": "invalid_client"}, 401)
        return self._given(self._young)

    def _given(self, claims: Mapping[str, str], **more: str) -> Response:
        made: dict[str, Any] = {"access_token": self._token(**claims), "token_type": "Bearer"}
        answer = {**made, **more, "expires_in": self._lifetime}
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    def _is_ours(self, asked: Mapping[str, str]) -> bool:
        back = asked.get("redirect_uri") == f"{self._base}/signed-in"
        return back and bool(asked.get("code_challenge"))


async def _form(request: Request) -> dict[str, str]:
    return {key: str(value) for key, value in (await request.form()).items()}
