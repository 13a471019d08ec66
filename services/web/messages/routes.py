"""`/messages…`: what this agency, worker or Hub was told."""

from fastapi import APIRouter
from starlette.responses import Response

from services.web.paths import Id
from services.web.visit import Visit, Visiting, to

router = APIRouter()


@router.get("/messages")
async def get_messages(visit: Visiting, cursor: str | None = None) -> Response:
    """The unread ones first."""
    return await _shown(visit, cursor, {})


@router.post("/messages/{notification_id}/opened")
async def post_opened(visit: Visiting, notification_id: Id) -> Response:
    """Somebody has read it."""
    await visit.api.post("notify", f"/v1/notifications/{notification_id}/opened")
    return to("/messages")


@router.post("/messages/{notification_id}/acted")
async def post_acted(visit: Visiting, notification_id: Id) -> Response:
    """Somebody has done something: who, what, and what came of it."""
    form = await visit.form()
    entry = {name: form.text(name) for name in ("name", "taken", "outcome")}
    if not all(entry.values()):
        said = "Enter your name, what you did and what came of it"
        return await _shown(visit, None, {f"{notification_id}-name": said})
    await visit.api.post("notify", f"/v1/notifications/{notification_id}/acted", entry)
    return to("/messages")


async def _shown(visit: Visit, cursor: str | None, wrong: dict[str, str]) -> Response:
    found = await visit.api.get("notify", "/v1/notifications/unread-first", cursor=cursor)
    where = "/cases" if visit.person.is_practitioner else "/referrals"
    status = 422 if wrong else 200
    return visit.page("messages/all.html", status, found=found, where=where, wrong=wrong)
