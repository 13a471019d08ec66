"""GET and HEAD for every route alike (RFC 9110, sections 9.3.2, 8.8.3 and 13.1.2).

Every answer to a GET that is whole has a tag of what is in it; who sends that as If-None-Match is told
with 304 that it is still so. The route has run then, and decided and recorded as ever: decision 1405.
"""

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.types import Message, Receive, Scope, Send

App = Callable[[Scope, Receive, Send], Awaitable[None]]
# What is known beforehand of a body goes with it.
OF_A_BODY = (b"content-length", b"content-type", b"content-encoding")
EVENTS = b"text/event-stream"
OF_A_ROUTE = ("route", "path_params")


async def answer_get(app: App, scope: Scope, receive: Receive, send: Send) -> None:
    """The answer of `app` to a GET."""
    await app(scope, receive, _Tagging(scope, send))


async def answer_head(app: App, scope: Scope, receive: Receive, send: Send) -> None:
    """What a GET would be answered; `bodiless` leaves the body out, when nobody needs it any more. A
    stream is left once it has begun."""
    streams = asyncio.Event()

    async def sending(message: Message) -> None:
        if streams.is_set():
            return
        if message.get("more_body", False):
            streams.set()
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await send(message)

    tagging = _Tagging(scope, sending)
    asked = {**scope, "method": "GET"}
    answering = asyncio.ensure_future(app(asked, receive, tagging))
    begun = asyncio.ensure_future(streams.wait())
    try:
        await asyncio.wait({answering, begun}, return_when=asyncio.FIRST_COMPLETED)
        if not begun.done():
            await answering
    finally:
        begun.cancel()
        answering.cancel()
        await asyncio.wait({answering})
        # For the log: which route it was, and of what.
        scope.update({name: asked[name] for name in OF_A_ROUTE if name in asked})


def bodiless(scope: Scope, send: Send) -> Send:
    """The way out for an answer: as it is, or, to a HEAD, without its body."""
    if scope["method"] != "HEAD":
        return send

    async def sending(message: Message) -> None:
        body = message["type"] == "http.response.body"
        await send({**message, "body": b""} if body else message)

    return sending


class _Tagging:
    """Holds the head of an answer back until its body is there, for the tag stands in the head. Of a
    body in parts the first is waited for, of events none."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._send, self._held = send, None
        asked = [value for name, value in scope["headers"] if name == b"if-none-match"]
        self._known = {part.strip() for part in b",".join(asked).split(b",")} - {b""}

    _held: Message | None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and not _is_stream(message):
            self._held = message
            return
        start, self._held = self._held, None
        if start is not None and not message.get("more_body", False) and start["status"] == 200:
            start, message = self._tagged(start, message)
        if start is not None:
            await self._send(start)
        await self._send(message)

    def _tagged(self, start: Message, message: Message) -> tuple[Message, Message]:
        headers = [(name.lower(), value) for name, value in start["headers"]]
        tag = tag_of(dict(headers).get(b"etag"), message.get("body", b""))
        headers = [*(h for h in headers if h[0] != b"etag"), (b"etag", tag)]
        if not self._known & {b"*", tag, b"W/" + tag}:
            return {**start, "headers": headers}, message
        headers = [h for h in headers if h[0] not in OF_A_BODY]
        return {**start, "status": 304, "headers": headers}, {**message, "body": b""}


def tag_of(own: bytes | None, body: bytes) -> bytes:
    """The tag of an answer: of the record in it, if the route has said that, and of all that is shown of
    it, which differs between readers and with what they may see. If-Match goes by the first part."""
    digest = hashlib.sha256(body).hexdigest()[:20].encode()
    record = re.fullmatch(rb'"(v[^".]+)"', own or b"")
    return b'"%s.%s"' % (record[1], digest) if record else b'"%s"' % digest


def _is_stream(start: Message) -> bool:
    kinds: list[Any] = [v for name, v in start["headers"] if name.lower() == b"content-type"]
    return any(kind.startswith(EVENTS) for kind in kinds)
