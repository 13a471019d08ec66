"""What the pages of the directory ask the APIs, and send."""

import asyncio
from typing import Any

from services.web.directory.saying import DAYS
from services.web.managing.trying import tried
from services.web.referring.drafts import areas
from services.web.visit import Form, Visit
from services.web.words import label

FEW = 20
TIMES = [(day, label(day)) for day in (*DAYS, "bank_holiday")]


async def found_in(
    visit: Visit, area: str | None, need: str | None, people: str | None, hubs: str | None
) -> dict[str, Any]:
    """A page of workers and one of Hubs, for that area and that kind of help."""
    asked = {"area": area, "need": need, "limit": FEW}
    workers, desks, known = await asyncio.gather(
        visit.api.get("allocation", "/v1/directory", cursor=people, **asked),
        visit.api.get("allocation", "/v1/directory/hubs", cursor=hubs, **asked),
        areas(visit.api),
    )
    called = {each["code"]: each["name"] for each in known}
    return {"workers": workers, "desks": desks, "called": called, "area": area, "need": need}


async def entry_of(visit: Visit, path: str) -> dict[str, Any]:
    """An entry as it is, under its tag."""
    answer = await visit.api.ask("allocation", "GET", path)
    return {"known": answer.body, "tag": answer.tag, "days": TIMES}


async def put(visit: Visit, path: str, form: Form, entry: dict[str, Any]) -> dict[str, str]:
    """Put it, if it is still as it was shown. What is wrong with it, by its field."""
    asking = visit.api.ask(
        "allocation", "PUT", path, json=entry, headers={"If-Match": form.text("tag")}
    )
    return await tried(asking, "send")
