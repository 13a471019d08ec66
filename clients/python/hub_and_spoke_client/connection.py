"""One request, tried until there is an answer. Standard library only."""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

# Of these nothing is known of the request, or it was not looked at: the same again is the same request.
AGAIN = (408, 429, 502, 503, 504)
LONGEST_PAUSE = 60.0
SECONDS = 40.0  # longer than an answer that waits
LOCAL = ("127.0.0.1", "localhost", "::1")


class _Stays(urllib.request.HTTPRedirectHandler):
    """Goes nowhere else: another host would be told the token, and a POST would become a GET."""

    def redirect_request(self, *_: Any) -> None:
        """Nothing is asked there; the redirect is what was answered."""


_OPENER = urllib.request.build_opener(_Stays)


def ask(request: urllib.request.Request, seconds: float) -> Any:
    """What that address answers, and no other. Raises `HTTPError`, also for a redirect."""
    return _OPENER.open(request, timeout=seconds)


def is_safe(address: str) -> bool:
    """Whether what is sent there is read by nobody on the way: by TLS, or on this machine."""
    parts = urllib.parse.urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOCAL)


@dataclass(frozen=True)
class Answer:
    """What was answered: the parsed document, a text, or None; and the ETag, for the next change."""

    status: int
    body: Any
    etag: str | None = None


class Problem(Exception):
    """The network's no (RFC 9457). `code` does not change (docs/errors.md); `errors` are the faults of
    a document, each with its place; `instance` finds the request in the network's logs. A redirect is a
    no as well: ask whoever runs the network for its address."""

    def __init__(self, status: int, document: Mapping[str, Any], retry_after: float = 0.0) -> None:
        self.status, self.retry_after = status, retry_after
        self.code = str(document.get("code", "unknown"))
        self.errors = document.get("errors", [])
        self.instance = document.get("instance")
        super().__init__(f"{status} {self.code}: {document.get('detail', '')}")


class Away(Exception):
    """There was no answer in all the time that was given. It may have been stored: send the same
    again, with the same key, and phone the Hub's duty desk if it can't wait."""


class Connection:
    """`base` is the network's address; `token` gives an access token, a new one after each 401.
    A request is tried for `patience` seconds, with pauses of 1, 2, 4 … seconds, or as it is told."""

    def __init__(
        self, base: str, token: Callable[[], str], *, patience: float = 120.0, pause: float = 1.0
    ) -> None:
        if not is_safe(base):
            raise ValueError("the network's address begins with https://")
        self._base, self._token, self._patience, self._pause = base, token, patience, pause
        self._known: str | None = None

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str | None] | None = None,
        body: Any = None,
    ) -> Answer:
        """The answer. Raises `Problem` for a no, `Away` where there is none. Whatever may be sent
        twice without harm is: every GET and PUT, what carries a key or an ETag."""
        url = self._url(path, query or {})
        said = {name: value for name, value in (headers or {}).items() if value is not None}
        names = {name.lower() for name in said}
        safe = method in ("GET", "PUT") or bool({"idempotency-key", "if-match"} & names)
        end, pause, renewed = time.monotonic() + self._patience, self._pause, False
        while True:
            try:
                return self._once(method, url, said, body)
            except Problem as problem:
                if problem.status == 401 and not renewed:
                    self._known, renewed = None, True
                    continue
                if problem.status not in AGAIN or not (safe or problem.status in (429, 503)):
                    raise
                wait = max(pause, problem.retry_after)
                if time.monotonic() + wait > end:
                    raise
            except (OSError, HTTPException) as error:
                wait = pause
                if not safe or time.monotonic() + wait > end:
                    raise Away(f"no answer ({type(error).__name__})") from None
            time.sleep(wait)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _url(self, path: str, query: Mapping[str, Any]) -> str:
        pairs = [(name, _text(value)) for name, value in query.items() if value is not None]
        return f"{self._base}{path}" + (f"?{urllib.parse.urlencode(pairs)}" if pairs else "")

    def _once(self, method: str, url: str, headers: Mapping[str, str], body: Any) -> Answer:
        if self._known is None:
            self._known = self._token()
        request = urllib.request.Request(url, method=method)
        request.add_header("Authorization", f"Bearer {self._known}")
        for name, value in headers.items():
            request.add_header(name, value)
        if body is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
        try:
            with ask(request, SECONDS) as answer:
                return Answer(answer.status, _parsed(answer.read()), answer.headers.get("ETag"))
        except urllib.error.HTTPError as error:
            if error.code == 304:
                return Answer(304, None, error.headers.get("ETag"))
            after, document = error.headers.get("Retry-After", ""), _parsed(error.read())
            wait = float(after) if after.isdecimal() else 0.0
            known = document if isinstance(document, dict) else {}
            raise Problem(error.code, known, wait) from None


def quoted(value: str) -> str:
    """A value as a part of a path."""
    return urllib.parse.quote(value, safe="")


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _parsed(raw: bytes) -> Any:
    """A JSON document; a text where it is none."""
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return raw.decode("utf-8", "replace")
