"""The public APIs, asked with the token of whoever is signed in, and with no other right."""

import re
import ssl
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx2

from services.web.settings import WebSettings
from shared.ids import new_id

SERVICES = ("referral", "allocation", "notify", "audit")
DEADLINE = 20.0
# Seconds for which an idle connection is used again: less than those after which any server closes it
# (uvicorn: 5), or now and then a request goes into one that is just being closed.
KEPT = 2.0
# Streams of people who only have a page open take no connection from those who ask for something.
MOST_STREAMS = httpx2.Limits(max_connections=300, keepalive_expiry=KEPT)
NO_END = httpx2.Timeout(DEADLINE, read=None, pool=1.0)


NOT_SO = 422
# What a field of a request can hold.
SENDABLE = re.compile(r"[ -~]{0,8000}")


class Refused(Exception):
    """An API said no. `code` and `errors` are of its problem document (docs/errors.md)."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{status} {problem.get('code', '')}")
        self.status = status
        self.code = str(problem.get("code", ""))
        self.errors: list[dict[str, Any]] = list(problem.get("errors") or [])
        self._detail = str(problem.get("detail") or "")

    def by_field(self, *fields: str) -> dict[str, str]:
        """Why, by which of these it is about; what is about none of them, by the first."""
        found: dict[str, str] = {}
        for fault in self.errors or [{"message": self.said("It was not taken as it is")}]:
            place = str(fault.get("pointer", "")).strip("/").partition("/")[0]
            found[place if place in fields else fields[0]] = str(fault.get("message", ""))
        return found

    def said(self, otherwise: str) -> str:
        """Why, in the API's words where it has any."""
        each = [str(fault.get("message", "")) for fault in self.errors]
        return " ".join(each) or self._detail or otherwise


class Away(Exception):
    """An API could not be reached, or can't answer now."""


class Answer:
    """What an API answered."""

    def __init__(self, answer: httpx2.Response) -> None:
        self.status = answer.status_code
        self.tag = answer.headers.get("ETag", "")
        self.kind, self.content = answer.headers.get("Content-Type", ""), answer.content
        self.body: Any = answer.json() if answer.content and "json" in self.kind else None


class Apis:
    """The connections to all four."""

    def __init__(self, settings: WebSettings, transport: httpx2.AsyncBaseTransport | None) -> None:
        named = settings.web_api_authority
        verify = ssl.create_default_context(cafile=named) if named else True
        self._secret = settings.web_session_key.get_secret_value().encode()
        self._http = {
            name: httpx2.AsyncClient(
                base_url=settings.api(name),
                timeout=DEADLINE,
                transport=transport,
                limits=httpx2.Limits(keepalive_expiry=KEPT),
                verify=verify,
            )
            for name in SERVICES
        }
        self._streams = httpx2.AsyncClient(
            base_url=settings.api("notify"),
            timeout=NO_END,
            limits=MOST_STREAMS,
            transport=transport,
            verify=verify,
        )

    def asked_by(self, token: str, address: str) -> "Asker":
        """All of them, for a person at that address; without a token for anybody."""
        return Asker(self._http, self._streams, token, address, self._secret)

    async def close(self) -> None:
        """Nothing is asked any more."""
        for one in (*self._http.values(), self._streams):
            await one.aclose()


class Asker:
    """Asks for one person. Paths hold ids only: they are of us, or were looked at (`paths.py`)."""

    def __init__(
        self,
        http: Mapping[str, httpx2.AsyncClient],
        streams: httpx2.AsyncClient,
        token: str,
        address: str,
        secret: bytes,
    ) -> None:
        self._http, self._streams, self.secret = http, streams, secret
        named = {"Authorization": f"Bearer {token}"} if token else {}
        self._fields = {**named, "X-Forwarded-For": address}

    async def get(self, service: str, path: str, **params: Any) -> Any:
        """The body of what is there. Raises `Refused`, `Away`."""
        return (await self.ask(service, "GET", path, params=params)).body

    async def post(
        self, service: str, path: str, body: Any = None, *, tag: str = "", key: str = ""
    ) -> Any:
        """The body of the answer. A `key` makes it safe to send the same again. Raises `Refused`,
        `Away`."""
        fields = {"If-Match": tag} if tag else {}
        fields |= {"Idempotency-Key": key or new_id("web")}
        return (await self.ask(service, "POST", path, json=body, headers=fields)).body

    async def ask(
        self,
        service: str,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Answer:
        """One request. Raises `Refused`, `Away`."""
        if options.get("json") is None:
            options.pop("json", None)
        if params := options.pop("params", None):
            options["params"] = {n: v for n, v in params.items() if v not in (None, "")}
        fields = {**self._fields, **(headers or {})}
        if not all(map(SENDABLE.fullmatch, fields.values())):  # of a form that somebody has changed
            raise Refused(NOT_SO, {})
        try:
            answer = await self._http[service].request(method, path, headers=fields, **options)
        except httpx2.HTTPError as error:
            raise Away from error
        _look_at(answer)
        return Answer(answer)

    async def opened(self, service: str, path: str, **params: Any) -> httpx2.Response:
        """The answer to a GET, of which nothing was read yet: its reader closes it. Raises `Refused`,
        `Away`."""
        http = self._http[service]
        asked = http.build_request("GET", path, params=params, headers=self._fields)
        try:
            answer = await http.send(asked, stream=True)
            if answer.status_code >= 400:
                await answer.aread()
        except httpx2.HTTPError as error:
            raise Away from error
        _look_at(answer)
        return answer

    async def lines(self, path: str, fields: Mapping[str, str]) -> AsyncIterator[str]:
        """The lines of a stream of notify, as they come. Raises `Refused`, `Away`: this also where
        too many are open."""
        asked = self._streams.stream("GET", path, headers={**self._fields, **fields})
        try:
            async with asked as answer:
                if answer.status_code >= 400:
                    raise Refused(answer.status_code, {})
                async for line in answer.aiter_lines():
                    yield line
        except httpx2.HTTPError as error:
            raise Away from error


def _look_at(answer: httpx2.Response) -> None:
    if answer.status_code >= 500:
        raise Away
    if answer.status_code >= 400:
        raise Refused(answer.status_code, _problem(answer))


def _problem(answer: httpx2.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
