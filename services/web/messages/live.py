"""`/live`: tells an open page that there is something new. What it is, the page shows when it is loaded."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response, StreamingResponse

from services.web.api import Asker, Away, Refused
from services.web.paths import ID
from services.web.visit import Visiting

router = APIRouter()
SAID = b"event: news\ndata: \n\n"


@router.get("/live")
async def get_live(
    visit: Visiting, after: Annotated[str | None, Query(pattern=ID)] = None
) -> Response:
    """A stream (Server-sent events, HTML Living Standard) that says so once, and ends. It ends as well
    with that of the API, after some minutes; browsers begin another one."""
    return StreamingResponse(_news(visit.api, after), media_type="text/event-stream")


async def _news(api: Asker, after: str | None) -> AsyncIterator[bytes]:
    yield b": waiting\n\n"
    fields = {"Last-Event-ID": after} if after else {}
    try:
        async for line in api.lines("/v1/notifications/stream", fields):
            yield SAID if line.startswith("data:") else b": still\n\n"
            if line.startswith("data:"):
                return
    except (Away, Refused):
        return
