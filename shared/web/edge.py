"""What every request passes first: the limits of its address, a look at its token, the end of its
body; and what every answer carries, whoever made it.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, MutableMapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.errors import Forbidden, Outage, TooMany, Unauthenticated, UnknownMedia
from shared.operating.telemetry import limited, turning_away
from shared.rules.values import MOST_BYTES
from shared.web.admission import Admission
from shared.web.conditional import bodiless
from shared.web.limits import Limits, address_of
from shared.web.members import said_twice_in
from shared.web.outcomes import in_fhir
from shared.web.problems import (
    ambiguous,
    said_twice,
    too_large,
    too_many,
    too_slow,
    turned_away,
)

# What is too large is read on for a while, and dropped: who still sends would miss the answer.
MOST_READ = 8 * MOST_BYTES
# The fields that we read and that may stand once.
ONCE = (b"content-type", b"content-encoding", b"idempotency-key", b"last-event-id")
HEALTH = ("/livez", "/readyz")


class TooLarge(Exception):
    """The body is larger than any that is taken."""


BODIES = {TooLarge: too_large, TimeoutError: too_slow}


class Gone(Exception):
    """The client has gone before its request was complete."""


class Edge:
    """Stands before the routes. A body is received from callers who may send one, and whole before
    its route begins, so that nothing of ours waits for a slow sender. Answers are stored nowhere
    and are what they say they are, unless a route says that what it tells may be kept."""

    def __init__(
        self, app: ASGIApp, limits: Limits, admission: Admission, *, body_seconds: float
    ) -> None:
        self._app, self._limits, self._admission = app, limits, admission
        self._body_seconds = body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        send = in_fhir(scope, bodiless(scope, send))
        # Whoever counts a request adds to it what is left; the copies of a scope share it.
        told: dict[str, str] = {}
        scope["limits"] = told

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": _completed(message.get("headers", ()), told)}
            await send(message)

        try:
            with self._counted(scope):
                return await self._pass(scope, receive, sending)
        except TooMany as error:
            limited(error.limit)
            return await self._turn_away(scope, receive, sending, partial(too_many, error))

    async def _turn_away(
        self, scope: Scope, receive: Receive, send: Send, answer: Callable[[], Response]
    ) -> None:
        # No route was entered, which would have begun a trace and told the log what it is.
        with turning_away():
            if "line" in scope:
                scope["line"].routed(self._admission.routed(scope))
            await answer()(scope, receive, send)

    def _counted(self, scope: Scope) -> AbstractContextManager[None]:
        if scope["path"] in HEALTH:
            return nullcontext()
        return self._limits.under_way(address_of(scope))

    async def _pass(self, scope: Scope, receive: Receive, sending: Send) -> None:
        if is_ambiguous(scope):
            return await self._turn_away(scope, receive, sending, ambiguous)
        try:
            if scope["path"] not in HEALTH:
                spent = await self._limits.spend("address", address_of(scope))
                scope["limits"] |= spent.fields()
            await self._admission.check(scope)
            body = await self._received(scope, receive)
            if _is_json(scope) and (twice := said_twice_in(body)) is not None:
                answer = partial(said_twice, twice)
                return await self._turn_away(scope, receive, sending, answer)
        except Gone:
            return None
        except (Forbidden, Unauthenticated, Outage, UnknownMedia) as error:
            refusal = partial(turned_away, error)
            return await self._turn_away(scope, receive, sending, refusal)
        except (TooLarge, TimeoutError) as error:
            return await self._turn_away(scope, receive, sending, BODIES[type(error)])
        return await self._app(scope, _replayed(body, receive), sending)

    async def _received(self, scope: Scope, receive: Receive) -> bytes:
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if len(announced) > 15 or (announced.isdigit() and int(announced) > MOST_READ):
            raise TooLarge
        parts, size = [], 0
        async with asyncio.timeout(self._body_seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Gone
                size += len(message.get("body", b""))
                if size <= MOST_BYTES:
                    parts.append(message.get("body", b""))
                ended = not message.get("more_body", False)
                if size > (MOST_BYTES if ended else MOST_READ):
                    raise TooLarge
                if ended:
                    return b"".join(parts)


def is_ambiguous(scope: Scope) -> bool:
    """Whether two readers of this head may take it for two different requests (RFC 9112, 6.1 and
    11.2): who stands before us may have let another one through than we would answer."""
    names = Counter(name for name, _ in scope["headers"])
    two_lengths = b"transfer-encoding" in names and b"content-length" in names
    return two_lengths or any(names[name] > 1 for name in ONCE)


def _is_json(scope: Scope) -> bool:
    """Whether the body is one JSON document. Of several, each line is looked at by itself."""
    kind = dict(scope["headers"]).get(b"content-type", b"").partition(b";")[0].strip().lower()
    return bool(kind == b"application/json" or kind.endswith(b"+json"))


def _replayed(body: bytes, receive: Receive) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replaying() -> Message:
        return waiting.pop() if waiting else await receive()

    return replaying


def _completed(headers: Any, told: MutableMapping[str, str]) -> list[tuple[bytes, bytes]]:
    found = list(headers)
    names = {name.lower() for name, _ in found}
    needed = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", **told}
    found += [
        (name.lower().encode(), value.encode())
        for name, value in needed.items()
        if name.lower().encode() not in names
    ]
    return found
