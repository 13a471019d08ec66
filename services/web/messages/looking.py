"""What is new, as the notify service says it."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.web.visit import Visit

AT_ONCE = 20


async def news_of(visit: Visit) -> dict[str, Any]:
    """What is unread, and the newest that is known (`after`), for a page that waits for more."""
    found = await visit.api.get("notify", "/v1/notifications/unread-first", limit=AT_ONCE)
    return news_in(found["notifications"])


def news_in(listed: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The same, of messages that are listed already, those unread first."""
    all_of = listed[:AT_ONCE]
    newest = max(all_of, key=lambda each: str(each["created_at"]), default={"id": ""})
    unread = [each for each in all_of if each["opened_at"] is None]
    return {"after": newest["id"], "unread": unread}
