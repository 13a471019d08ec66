"""Bodies over the limit get a problem document, like every other refusal."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.problems import answer


class ProblemForTooLarge:
    """FastAPI's own limit answers 413 in plain text, past all exception handlers: replace that."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        replaced = False

        async def replacing(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start" and message["status"] == 413:
                replaced = True
                problem = answer(413, "content_too_large", "The body is larger than 1 MiB.")
                await problem(scope, receive, send)
            elif not replaced:
                await send(message)

        await self._app(scope, receive, replacing if scope["type"] == "http" else send)
