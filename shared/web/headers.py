"""What is left out of a request before anything reads it, and which route it took."""

from typing import Any

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from shared.web.conditional import answer_get, answer_head
from shared.web.description import described

# W3C Trace Context and Baggage. A trace's id stands in events, and so in the trail for ever: a
# caller must not choose it (Trace Context, section 7.1: restart the trace where trust ends).
LEFT_OUT = (b"traceparent", b"tracestate", b"baggage")
ANSWERS = {"GET": answer_get, "HEAD": answer_head}


class Api(FastAPI):
    """An API on which each request begins a trace of its own, whatever trace its caller names."""

    def openapi(self) -> dict[str, Any]:
        """The API description, with every member and parameter described."""
        if self.openapi_schema is None:
            self.openapi_schema = described(super().openapi())
        return self.openapi_schema

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if "headers" in scope:
            kept = [h for h in scope["headers"] if h[0].lower() not in LEFT_OUT]
            scope = {**scope, "headers": kept}
        answer = ANSWERS.get(scope.get("method", ""))
        try:
            if answer is None:
                await super().__call__(scope, receive, send)
            else:
                await answer(super().__call__, scope, receive, send)
        finally:
            if "line" in scope:
                scope["line"].routed(scope)
