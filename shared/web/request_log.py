"""One line in the log for each request: what was asked of us, never in the caller's words."""

import re
import time
from dataclasses import dataclass
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.operating.telemetry import log

HEALTH = ("/livez", "/readyz")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# An id that we made (`shared.ids`). What callers name by words of their own is not logged.
OURS = re.compile(r"[a-z]{2,8}_[0-9a-f]{32}")


@dataclass
class Line:
    """What becomes known of a request while it is answered; the copies of its scope share it."""

    route: str = "none"
    record_id: str | None = None
    status: int | None = None
    trace_id: str | None = None

    def routed(self, scope: Scope) -> None:
        """The template of its address, and the first id of ours in it."""
        self.route = getattr(scope.get("route"), "path", "none")
        values: dict[str, Any] = scope.get("path_params") or {}
        self.record_id = next((v for v in values.values() if OURS.fullmatch(str(v))), None)

    def answered(self, message: Message) -> None:
        """Its status, and the trace that its answer names."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            context = trace.get_current_span().get_span_context()
            self.trace_id = format(context.trace_id, "032x") if context.is_valid else None


class RequestLog:
    """Stands before everything that answers, so that what is turned away has its line too. Without
    a status: the client had gone before there was an answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in HEALTH:
            return await self._app(scope, receive, send)
        line, began = Line(), time.perf_counter()
        # Where the server read on for the request before, this one was called in its context.
        outside = attach(Context())
        scope["line"] = line

        async def sending(message: Message) -> None:
            line.answered(message)
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            detach(outside)
            log.info(
                "http.request",
                method=scope["method"] if scope["method"] in METHODS else "other",
                route=line.route,
                status=line.status,
                milliseconds=round((time.perf_counter() - began) * 1000, 1),
                **{
                    name: value
                    for name in ("record_id", "trace_id")
                    if (value := getattr(line, name)) is not None
                },
            )
