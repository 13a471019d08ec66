"""What is new, as the notify service says it."""

from typing import Any

from services.web.visit import Visit


async def news_of(visit: Visit) -> dict[str, Any]:
    """What is unread, and the newest that is known (`after`), for a page that waits for more."""
    found = await visit.api.get("notify", "/v1/notifications/unread-first", limit=20)
    all_of = found["notifications"]
    newest = max(all_of, key=lambda each: str(each["created_at"]), default={"id": ""})
    unread = [each for each in all_of if each["opened_at"] is None]
    return {"after": newest["id"], "unread": unread}
